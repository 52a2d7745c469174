-- What an app role can define never runs with more rights than that role has: mallory, who owns tables and nothing else, defines
-- everything that PostgreSQL lets her, each with a witness that notes as whom it ran and tries to make her a superuser. Then
-- users, a bridge and an administrator do all they do. After that, what is refused to users and bridges; and the catalog,
-- which says that no other path is there.
\unset ECHO
BEGIN;
SELECT no_plan();

-- A statement as a role, with claims of a user: what it returns, 'done' for nothing, or the error's code.
CREATE FUNCTION pg_temp.by(role text, user_id text, statement text, path text DEFAULT 'public') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text := 'done';
BEGIN
  PERFORM set_config('search_path', path, true), set_config('request.jwt.claims', coalesce(jsonb_build_object('sub', user_id)::text, ''), true),
          set_config('role', role, true);
  IF statement ~* '^\s*select' THEN
    EXECUTE statement INTO result;
  ELSE
    EXECUTE statement;
  END IF;
  PERFORM set_config('role', 'none', true), set_config('request.jwt.claims', '', true), set_config('search_path', 'public', true);
  RETURN coalesce(nullif(result, ''), 'done');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END
$$;

CREATE ROLE mallory;
CREATE SCHEMA m AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA live, live_private TO mallory;
GRANT EXECUTE ON FUNCTION live.track_activity, live_private.track_row TO mallory;
SET LOCAL ROLE mallory;
CREATE TABLE m.seen (what text, who name);
GRANT USAGE ON SCHEMA m TO PUBLIC;
GRANT ALL ON m.seen TO PUBLIC;
CREATE FUNCTION m.witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    EXECUTE 'ALTER ROLE mallory SUPERUSER';
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  INSERT INTO m.seen VALUES (what, current_user);
  RETURN true;
END
$$;
-- Types, with casts; a domain; operators; a function for each place that takes one.
CREATE TYPE m.mood AS ENUM ('fine', 'bad');
CREATE TYPE m.pair AS (a m.mood, b text);
CREATE FUNCTION m.mood_json(m.mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('cast to json'); RETURN '1'; END $$;
CREATE FUNCTION m.mood_jsonb(m.mood) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('cast to jsonb'); RETURN '1'; END $$;
CREATE FUNCTION m.mood_text(m.mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('cast to text'); RETURN 'x'; END $$;
CREATE FUNCTION m.pair_json(m.pair) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('cast of a row to json'); RETURN '1'; END $$;
CREATE CAST (m.mood AS json) WITH FUNCTION m.mood_json(m.mood);
CREATE CAST (m.mood AS jsonb) WITH FUNCTION m.mood_jsonb(m.mood);
CREATE CAST (m.mood AS text) WITH FUNCTION m.mood_text(m.mood) AS IMPLICIT;
CREATE CAST (m.pair AS json) WITH FUNCTION m.pair_json(m.pair);
CREATE FUNCTION m.checked(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN m.witness('domain check'); END $$;
CREATE DOMAIN m.name AS text CHECK (m.checked(VALUE));
CREATE FUNCTION m.given(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM m.witness('default, generated column or index'); RETURN $1; END $$;
CREATE FUNCTION m.same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN m.witness('operator'); END $$;
CREATE FUNCTION m.joined(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM m.witness('operator'); RETURN 'x'; END $$;
CREATE FUNCTION m.same(m.mood, m.mood) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN m.witness('operator'); END $$;
CREATE FUNCTION m.less(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN m.witness('operator'); END $$;
CREATE OPERATOR m.= (LEFTARG = text, RIGHTARG = text, FUNCTION = m.same);
CREATE OPERATOR m.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = m.same);
CREATE OPERATOR m.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = m.joined);
CREATE OPERATOR m.= (LEFTARG = m.mood, RIGHTARG = m.mood, FUNCTION = m.same);
CREATE OPERATOR m.<> (LEFTARG = m.mood, RIGHTARG = m.mood, FUNCTION = m.same);
CREATE OPERATOR m.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = m.less);
CREATE OPERATOR m.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = m.less);
CREATE FUNCTION m.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('function in the path'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION m.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('function in the path'); RETURN 'x'; END $$;
CREATE FUNCTION m.to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('function in the path'); RETURN '1'; END $$;
CREATE FUNCTION m.length(text) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('function in the path'); RETURN 1; END $$;
CREATE TABLE m.activity_stream (LIKE m.seen);
CREATE FUNCTION m.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.witness('trigger'); RETURN coalesce(new, old); END $$;
CREATE FUNCTION m.may(topic text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN m.witness('check function'); END $$;
CREATE TABLE m.thing (id m.name PRIMARY KEY, mood m.mood, moods m.mood[], pair m.pair, title text DEFAULT m.given('t'), twice text GENERATED ALWAYS AS (m.given(title)) STORED);
CREATE INDEX ON m.thing (m.given(title));
CREATE TRIGGER a_before BEFORE INSERT OR UPDATE OR DELETE ON m.thing FOR EACH ROW EXECUTE FUNCTION m.fired();
CREATE TRIGGER z_after AFTER INSERT OR UPDATE OR DELETE ON m.thing FOR EACH ROW EXECUTE FUNCTION m.fired();
ALTER TABLE m.thing ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON m.thing USING (m.witness('policy'));
CREATE VIEW m.shelf AS SELECT id, m.witness('view') AS seen FROM m.thing;
CREATE TABLE m.by_mood (mood m.mood, note text);
GRANT ALL ON ALL TABLES IN SCHEMA m TO authenticated;
SELECT live.track_activity('m.thing', metadata_columns => '{mood,moods,pair,title,twice}'), live.track_activity('m.by_mood', key_column => 'mood', update_columns => '{mood}') \g /dev/null
RESET ROLE;
-- The administrator trusts her relations and her checks, as users who are to be asked about them.
SELECT live.register_entity_type('thing', 'm.thing', 'id'), live.register_entity_type('shelf', 'm.shelf', 'id'), live.register_entity_type('mood', 'm.by_mood', 'mood'),
       live.set_topic_rule('m:*', 'm.may(text)', 'm.may(text)'), live.set_presence_visibility('function', 'm.may(text)') \g /dev/null
DELETE FROM m.seen;

CREATE TEMP TABLE node AS SELECT gen_random_uuid() AS id, gen_random_uuid() AS anna, gen_random_uuid() AS bob;
GRANT SELECT ON node TO PUBLIC;
CREATE TEMP TABLE act (number integer GENERATED ALWAYS AS IDENTITY, role text, user_id text, statement text);
INSERT INTO act (role, user_id, statement) VALUES
  ('live_bridge', NULL, 'SELECT live_private.register_node(id) FROM node'), ('live_bridge', NULL, $$SELECT live_private.connect_users(id, ARRAY[anna, bob], '{anna,bob}', '{web,web}') FROM node$$),
  ('authenticated', 'anna', $$INSERT INTO m.thing (id, mood, moods, pair) VALUES ('1', 'fine', '{fine,bad}', ROW('bad', 'x')), ('2', 'bad', NULL, NULL)$$),
  ('authenticated', 'anna', $$UPDATE m.thing SET mood = 'bad', title = 'other'$$), ('authenticated', 'anna', 'UPDATE m.thing SET mood = mood'),
  ('authenticated', 'anna', $$DELETE FROM m.thing WHERE id OPERATOR(pg_catalog.=) '2'$$), ('authenticated', 'anna', $$INSERT INTO m.by_mood VALUES ('fine')$$),
  ('authenticated', 'anna', $$UPDATE m.by_mood SET mood = 'fine'$$), ('authenticated', 'anna', $$UPDATE m.by_mood SET mood = 'bad'$$),
  ('authenticated', 'anna', $$SELECT live.log_activity('read', 'thing', '1')$$), ('authenticated', 'anna', $$SELECT live.log_activity('read', 'shelf', '1', '{"a": 1}', idempotency_key => 'k')$$),
  ('authenticated', 'anna', $$SELECT live.log_activity('told', visibility => 'users', audience => '{bob}')$$),
  ('authenticated', 'anna', $$SELECT live.topic_access('m:1')$$), ('authenticated', 'anna', $$SELECT live.send('m:1', 'hello', '{}', true) IS NOT NULL$$), ('authenticated', 'anna', $$SELECT live.replay('m:1')$$), ('authenticated', 'anna', $$SELECT live_private.replay_start('m:1')$$),
  ('authenticated', 'anna', $$SELECT live.get_presence('bob')$$), ('authenticated', 'anna', 'SELECT live.get_online_users()'), ('authenticated', 'anna', 'SELECT count(*) FROM live.presence'),
  ('authenticated', 'anna', 'SELECT count(*) FROM live.user_presence'), ('authenticated', 'anna', $$SELECT live.replay('presence')$$), ('authenticated', 'anna', $$SELECT live_private.replay_start('presence')$$), ('authenticated', 'anna', 'SELECT live.heartbeat(gen_random_uuid())'),
  ('authenticated', 'anna', $$SELECT live.update_presence('busy', 'writing')$$), ('authenticated', 'anna', $$SELECT live.set_typing('m:1', true)$$), ('authenticated', 'anna', $$SELECT live.get_typing('m:1')$$),
  ('authenticated', 'bob', $$SELECT live.follow('anna')$$), ('authenticated', 'bob', 'SELECT live.get_home_feed()'), ('authenticated', 'bob', 'SELECT live.get_feed_activities()'), ('authenticated', 'bob', 'SELECT live.get_feed_groups()'),
  ('authenticated', 'bob', 'SELECT live.get_notifications()'), ('authenticated', 'bob', 'SELECT live.mark_read()'), ('authenticated', 'bob', 'SELECT live.unread_count()'), ('authenticated', 'bob', $$SELECT live.get_trending()$$),
  ('live_bridge', NULL, $$SELECT live_private.store_channel_presence(id, '[]') FROM node$$), ('live_bridge', NULL, $$SELECT live_private.channel_roster('m:1', true)$$),
  ('live_bridge', NULL, 'SELECT live_private.report_activity(ARRAY[anna]) FROM node'), ('live_bridge', NULL, 'SELECT live_private.has_connection(anna) FROM node'), ('live_bridge', NULL, 'SELECT live.fetch_events(0)'),
  ('authenticated', 'anna', $$SELECT live.join_session('m', create_if_missing => true) ->> 'room_name'$$), ('authenticated', 'anna', 'SELECT room_name FROM live.get_sessions()'),
  ('authenticated', 'anna', $$SELECT live.get_session(session_id) ->> 'head' FROM live.get_sessions()$$), ('authenticated', 'anna', $$SELECT live.move_cursor(session_id, '{"at": 1}') FROM live.get_sessions()$$),
  ('live_bridge', NULL, $$SELECT live_private.enter_sessions(ARRAY[anna], ARRAY[anna]) FROM node$$), ('live_bridge', NULL, $$SELECT live_private.exit_sessions(ARRAY[anna], ARRAY[anna]) FROM node$$),
  ('live_bridge', NULL, $$SELECT live_private.move_cursors(anna, '[]') FROM node$$),
  ('live_bridge', NULL, $$SELECT count(e.code) FROM node, live_private.submit_each(ARRAY[anna], ARRAY['{"claims": "{}", "role": "anon", "base_version": 0, "operations": [], "client_id": "c"}'], skip_locked => false) AS e$$), ('live_bridge', NULL, 'SELECT live.status()'),
  ('live_bridge', NULL, 'SELECT live.expire_presence()'), ('live_bridge', NULL, 'SELECT live.refresh_summaries()'), ('live_bridge', NULL, 'SELECT live.drop_expired_events()'),
  ('live_bridge', NULL, 'SELECT live.drop_expired_activities()'), ('live_bridge', NULL, 'SELECT live_private.disconnect_users(ARRAY[bob], true) FROM node'), ('live_bridge', NULL, 'SELECT live_private.retire_node(id) FROM node'),
  ('authenticated', 'anna', 'SELECT live.delete_activity(max(id)) FROM live.activity_stream'), ('authenticated', 'anna', 'SELECT live.go_offline()');
-- Twice: as it is, and with all that she made first in the path of names and operators.
SELECT doesnt_match(pg_temp.by(a.role, a.user_id, a.statement, 'public'), '^[0-9A-Z]{5}$', a.statement) FROM act a WHERE a.statement !~ 'delete_activity' ORDER BY a.number;
SELECT is((SELECT string_agg(DISTINCT what || ' as ' || who, ', ') FROM m.seen WHERE who <> 'authenticated'), NULL, 'nothing of hers ran with other rights than those of the user');
SELECT is_empty($$SELECT what FROM m.seen WHERE what LIKE 'cast%' OR what IN ('operator', 'function in the path')$$, 'no cast, operator or function of hers was called');
SELECT set_has('SELECT what FROM m.seen', $$VALUES ('policy'), ('trigger'), ('view'), ('check function'), ('domain check')$$, 'the others were, which shows that they can');
DELETE FROM m.seen;
UPDATE node SET id = gen_random_uuid(), anna = gen_random_uuid(), bob = gen_random_uuid();
SELECT doesnt_match(pg_temp.by(a.role, a.user_id, a.statement, 'm, pg_catalog, public'), '^[0-9A-Z]{5}$', 'with her path: ' || a.statement)
FROM act a WHERE a.statement ~ '^SELECT' AND a.statement !~ 'count|max' ORDER BY a.number;
SELECT is((SELECT string_agg(DISTINCT what || ' as ' || who, ', ') FROM m.seen WHERE who <> 'authenticated'), NULL, 'nor with her schema first in the path');
SELECT is_empty($$SELECT what FROM m.seen WHERE what LIKE 'cast%' OR what IN ('operator', 'function in the path')$$, 'in which nothing of hers is found');
-- The administrator, who has the rights of the owner.
DELETE FROM m.seen;
SELECT pg_temp.by('postgres', 'anna', $$SELECT live_private.store_changes('a', 'thing', 'public', '{1}', '{"{}"}')$$, 'm, pg_catalog'), pg_temp.by('postgres', NULL, $$SELECT live.erase_user('anna')$$, 'm, pg_catalog'),
       pg_temp.by('postgres', NULL, 'SELECT live_private.fold_trends()', 'm, pg_catalog'), pg_temp.by('postgres', NULL, 'SELECT live.refresh_summaries()', 'm, pg_catalog') \g /dev/null
SELECT is_empty('SELECT * FROM m.seen', 'what an administrator and the workers do calls nothing of hers');
SELECT is((SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'), false, 'mallory is what she was');

-- What is not given: the tables, the parts of the functions, the names of others, more rights.
SELECT is(pg_temp.by(role, user_id, statement), state, format('%s: %s', role, statement)) FROM (VALUES
  ('authenticated', 'anna', $$SELECT live_private.store_changes('a', 'b', 'public', '{1}', '{"{}"}')$$, '42501'), ('authenticated', 'anna', $$SELECT live_private.store_activity('a', NULL, NULL, '{}', 'public', NULL, NULL, NULL)$$, '42501'),
  ('authenticated', 'anna', $$SELECT live.emit('user:bob', 'x', '{}')$$, '42501'), ('authenticated', 'anna', $$SELECT live.fetch_events(0)$$, '42501'),
  ('authenticated', 'anna', $$INSERT INTO live.activity_stream (user_id, activity_type) VALUES ('bob', 'a')$$, '42501'), ('authenticated', 'anna', $$UPDATE live_private.follow_edge SET follower = 'bob'$$, '42501'),
  ('authenticated', 'anna', $$CREATE TABLE live.mine ()$$, '42501'), ('authenticated', 'anna', $$CREATE TABLE live_private.mine ()$$, '42501'), ('authenticated', 'anna', $$CREATE TRIGGER t AFTER INSERT ON live.activity_stream EXECUTE FUNCTION m.fired()$$, '42501'),
  ('authenticated', 'anna', 'SELECT count(*) FROM live.event', '42501'), ('authenticated', 'anna', $$SELECT live.track_activity('m.thing')$$, '42501'),
  ('mallory', 'anna', $$SELECT live_private.store_changes('a', 'b', 'public', '{1}', '{"{}"}')$$, '42501'), ('mallory', 'anna', $$SELECT live.log_activity('a')$$, '42501'), ('mallory', 'anna', 'SELECT live_private.track_row()', '39P01'),
  ('mallory', NULL, 'ALTER FUNCTION live_private.track_row() OWNER TO mallory', '42501'), ('mallory', NULL, 'CREATE OR REPLACE FUNCTION live_private.is_name(text, integer) RETURNS boolean LANGUAGE sql RETURN true', '42501'),
  ('mallory', NULL, 'ALTER TABLE m.seen INHERIT live.event', '42501'), ('mallory', NULL, 'CREATE TABLE m.part PARTITION OF live.event FOR VALUES IN (9)', '42501'),
  ('mallory', NULL, 'CREATE CAST (text AS m.mood) WITH INOUT; CREATE CAST (jsonb AS text) WITH INOUT', '42501'), ('mallory', NULL, $$SELECT live.track_activity('live.activity_stream')$$, '42501'),
  ('live_bridge', NULL, 'ALTER ROLE live_bridge SUPERUSER', '42501'), ('live_bridge', NULL, 'GRANT authenticated TO mallory', '42501'),
  ('live_bridge', NULL, 'SELECT count(*) FROM live.activity_stream', '42501'), ('live_bridge', NULL, 'SELECT count(*) FROM live.event', '42501'), ('live_bridge', NULL, $$SELECT live.emit('a', 'b', '{}')$$, '42501'),
  ('live_bridge', 'anna', $$SELECT live.log_activity('a')$$, '42501'), ('live_bridge', NULL, $$SELECT live.erase_user('anna')$$, '42501'), ('live_bridge', NULL, $$SELECT live.set_topic_rule('a')$$, '42501')
) AS attempt (role, user_id, statement, state);

SELECT is_empty($$SELECT rolname FROM pg_roles WHERE pg_has_role('live_bridge', oid, 'MEMBER') AND rolname NOT IN ('live_bridge', 'anon', 'authenticated', 'service_role')$$, 'a bridge becomes a client and nobody else');

-- The catalog. What runs with the owner's rights: definer functions, what C code and the workers call as the owner, and all
-- that these call, as far as their text names it.
CREATE TEMP TABLE fn AS SELECT p.oid, p.proname::text AS name, p.prosecdef, p.proargtypes, p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') AS body, p.prolang
FROM pg_proc p WHERE p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace);
CREATE TEMP TABLE call_of AS SELECT a.oid AS caller, b.oid AS callee FROM fn a JOIN fn b ON a.oid <> b.oid AND a.body ~ ('\mlive(_private)?\.' || b.name || '\M');
CREATE TEMP VIEW privileged AS
WITH RECURSIVE run AS (
  SELECT oid FROM fn WHERE prosecdef OR name IN ('store_changes', 'store_activity', 'store_typing', 'typing_users', 'replay_events', 'start_of_latest', 'start_of_latest_presence', 'presence_events', 'is_open_room',
    'channel_members_of', 'store_batches')
  UNION
  SELECT c.callee FROM run JOIN call_of c ON c.caller = run.oid
) SELECT fn.* FROM run JOIN fn USING (oid);
SELECT is_empty($$SELECT name FROM privileged WHERE name IN ('can_see_presence', 'require_entity', 'topic_access', 'entity_id', 'track_row')$$,
  'what asks the app''s checks, relations and types is never called with the rights of the owner');
SELECT set_eq($$SELECT name FROM privileged WHERE replace(body, quote_literal('execute'), '') ~* '\mexecute\M' AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')$$,
  $$VALUES ('drop_expired_events'), ('feed_group_members'), ('read_feed'), ('refresh_summary'), ('slot_has_fresh_rows')$$, 'those that build statements are reviewed: their statements name relations of live and take values as parameters');
SELECT is_empty($$SELECT name, t::regtype FROM privileged, unnest(proargtypes) AS t JOIN pg_type y ON y.oid = t
  WHERE y.typnamespace NOT IN ('pg_catalog'::regnamespace, 'live'::regnamespace, 'live_private'::regnamespace) OR y.typtype = 'p' AND NOT (name = 'note_summary_change')$$, 'none of them takes a value of a type of the app');
SELECT is_empty($$SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND t.typnamespace NOT IN ('pg_catalog'::regnamespace, 'live'::regnamespace, 'live_private'::regnamespace)$$, 'no column of live has a type of the app');
SELECT is_empty($$SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'live'::regnamespace, 'live_private'::regnamespace)$$, 'no trigger of another schema fires there');
SELECT is_empty($$SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent JOIN pg_class child ON child.oid = i.inhrelid
  WHERE (parent.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace)) <> (child.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace))$$, 'and no table of another schema is part of one');
SELECT is_empty($$SELECT pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, 0) FROM pg_depend d
  LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
  LEFT JOIN pg_policy l ON d.classid = 'pg_policy'::regclass AND l.oid = d.objid LEFT JOIN pg_constraint n ON d.classid = 'pg_constraint'::regclass AND n.oid = d.objid
  JOIN pg_class c ON c.oid = coalesce(i.indrelid, f.adrelid, l.polrelid, n.conrelid) JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'live'::regnamespace, 'live_private'::regnamespace)$$, 'no index, default, constraint or policy there calls a function of another schema');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
  AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')$$, 'definer functions pin their path, but for those in C, which look nothing up');

SELECT finish();
ROLLBACK;
