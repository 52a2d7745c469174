-- Ids are compared byte by byte. The collation of a caller's column comes into a function with its argument: one that takes
-- 'BOB' for 'bob' must change nothing there, and one that is merely another must not cost the indexes.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE SCHEMA app;
CREATE COLLATION app.caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION app.other (provider = icu, locale = 'und');
CREATE FUNCTION app.anybody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';

-- Columns, also of composite types: what is free text, or a name in SQL, is listed.
SELECT set_eq($$
  SELECT c.relname || '.' || a.attname
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'c')
    AND a.atttypid IN ('text'::regtype, 'text[]'::regtype) AND a.attcollation <> '"C"'::regcollation
$$, $$VALUES ('user_presence.custom_status'), ('invisible_user.custom_status'), ('true_presence.custom_status'), ('true_presence.own_custom_status'),
             ('presence.custom_status'), ('topic_rule.receive_check'), ('topic_rule.send_check'), ('presence_rule.rule'), ('presence_rule.check_function'),
             ('entity_type.relation'), ('entity_type.key_column')$$, 'columns with ids have collation "C"');

-- Functions: each that takes text and that clients, bridges or admins may call.
CREATE TEMP TABLE called (function name, statement text);
INSERT INTO called VALUES -- %s: the collation
  ('topic_access', $$SELECT live.topic_access('ROOM:1' %s)$$),
  ('topic_access', $$SELECT live.topic_access('USER:anna' %s)$$),
  ('topic_access', $$SELECT live.topic_access('user:ANNA' %s)$$),
  ('topic_access', $$SELECT live.topic_access('followers:BOB' %s)$$),
  ('topic_access', $$SELECT live.topic_access('typing:ROOM:1' %s)$$),
  ('topic_access', $$SELECT live.topic_access('Activity' %s)$$),
  ('topic_access', $$SELECT live.topic_access('room:1' %s)$$),
  ('topic_rule_of', $$SELECT live_private.topic_rule_of('ROOM:1' %s)$$),
  ('topic_rule_of', $$SELECT live_private.topic_rule_of('LOBBY' %s)$$),
  ('is_built_in_topic', $$SELECT live_private.is_built_in_topic('PRESENCE' %s)$$),
  ('is_built_in_topic', $$SELECT live_private.is_built_in_topic('USER:anna' %s)$$),
  ('is_topic_name', $$SELECT live_private.is_topic_name('ROOM:1' %s)$$), ('is_open_room', $$SELECT live_private.is_open_room('ROOM:1' %s)$$),
  ('revoke_access', $$SELECT live.revoke_access('ROOM:1' %1$s, 'BOB' %1$s)$$),
  ('revoke_tokens', $$SELECT live.revoke_tokens('BOB' %s, '2026-01-01', '2100-01-01')$$), ('revoke_token', $$SELECT live.revoke_token('ID' %s, '2100-01-01')$$),
  ('set_topic_rule', $$SELECT live.set_topic_rule('LOBBY' %s)$$),
  ('set_topic_rule', $$SELECT live.set_topic_rule('Presence' %s)$$),
  ('drop_topic_rule', $$SELECT live.drop_topic_rule('LOBBY' %s)$$),
  ('send', $$SELECT live.send('ROOM:1' %1$s, 'x' %1$s, '{}')$$),
  ('emit', $$SELECT live.emit('ROOM:1' %1$s, 'x' %1$s, '{}') > 0$$),
  ('replay', $$SELECT event FROM live.replay('USER:anna' %1$s, '0-0' %1$s)$$),
  ('replay', $$SELECT event FROM live.replay('user:anna' %1$s, '0-0' %1$s)$$),
  ('replay_start', $$SELECT live_private.replay_start('USER:anna' %s)$$),
  ('replay_start', $$SELECT live_private.replay_start('user:anna' %s)$$),
  ('await_published', $$SELECT live_private.await_published('USER:anna' %1$s, '0-0' %1$s)$$),
  ('await_published', $$SELECT live_private.await_published('user:anna' %1$s, '0-0@1:3:3:' %1$s)$$),
  ('follows', $$SELECT live.follows('BOB' %s)$$),
  ('follows', $$SELECT live.follows('bob' %s)$$),
  ('follow', $$SELECT live.follow('BOB' %s)$$),
  ('follow', $$SELECT live.follow('ANNA' %s)$$),
  ('unfollow', $$SELECT live.unfollow('BOB' %s)$$),
  ('unfollow', $$SELECT live.unfollow('bob' %s)$$),
  ('shares_session_with', $$SELECT live.shares_session_with('BOB' %s)$$),
  ('shares_session_with', $$SELECT live.shares_session_with('bob' %s)$$),
  ('create_session', $$SELECT (live.create_session('ROOM' %s)).room_name$$), ('create_session', $$SELECT live.create_session('room' %1$s, initial_document => 'x' %1$s)$$),
  ('create_session', $$SELECT live.get_document((live.create_session('ROOM' %1$s, initial_document => E'x\r\nY' %1$s)).id)$$),
  ('join_session', $$SELECT live.join_session('ROOM' %s)$$), ('join_session', $$SELECT live.join_session('room' %s) - 'participants' - 'position'$$),
  ('joined_session', $$SELECT live_private.joined_session('ROOM' %s, NULL, false, NULL)$$), ('joined_session', $$SELECT live_private.joined_session('room' %s, NULL, false, NULL)$$),
  ('get_sessions', $$SELECT room_name FROM live.get_sessions(after_cursor => '1795847519382879-00000000-0000-4000-8000-00000000000A' %s)$$),
  ('get_sessions', $$SELECT room_name FROM live.get_sessions(after_cursor => '999999999999999999-00000000-0000-4000-8000-00000000000a' %s)$$),
  ('set_role', $$SELECT live.set_role('00000000-0000-4000-8000-000000000001', 'BOB' %s, 'viewer')$$), ('set_role', $$SELECT live.set_role('00000000-0000-4000-8000-000000000001', 'bob' %s, 'viewer')$$),
  ('remove_participant', $$SELECT live.remove_participant('00000000-0000-4000-8000-000000000001', 'BOB' %s)$$),
  ('remove_participant', $$SELECT live.remove_participant('00000000-0000-4000-8000-000000000001', 'bob' %s)$$),
  ('submit_operations', $$SELECT live.submit_operations('00000000-0000-4000-8000-000000000001', 0, '[[[0,"x"]]]', 'CLIENT' %1$s, 'KEY' %1$s)$$),
  ('submit_operations', $$SELECT live.submit_operations('00000000-0000-4000-8000-000000000001', 1, '[[1,[0,"x"]]]', 'client' %1$s, 'KEY' %1$s)$$),
  ('submit_each', $$SELECT code, answer ->> 'status' FROM live_private.submit_each(ARRAY['00000000-0000-4000-8000-000000000001']::uuid[], ARRAY['{"claims": "{\"sub\": \"BOB\"}", "role": "authenticated", "base_version": 0, "operations": [[[0,"x"]]], "client_id": "C"}' %s], false)$$),
  ('submit_each', $$SELECT code FROM live_private.submit_each(ARRAY['00000000-0000-4000-8000-000000000001']::uuid[], ARRAY['{"claims": "{}", "role": "AUTHENTICATED", "base_version": 0, "operations": [], "client_id": "C"}' %s], false)$$),
  ('erase_user', $$SELECT live.erase_user('BOB' %s)$$),
  ('erase_user', $$SELECT live.erase_user('bob' %s)$$),
  ('can_see_presence', $$SELECT live.set_presence_visibility('followers'), live_private.can_see_presence('ANNA' %s)$$),
  ('can_see_presence', $$SELECT live.set_presence_visibility('followers'), live_private.can_see_presence('BOB' %s)$$),
  ('set_presence_visibility', $$SELECT live.set_presence_visibility('SESSION' %s)$$),
  ('presence_of', $$SELECT (live_private.presence_of('BOB' %s)).status$$),
  ('get_presence', $$SELECT (live.get_presence('BOB' %s)).status$$),
  ('get_presence', $$SELECT (live.get_presence('bob' %s)).status$$),
  ('update_presence', $$SELECT (live.update_presence('away', 'In a MEETING' %s)).custom_status$$),
  ('update_presence', $$SELECT (live.update_presence('away', '' %s)).custom_status$$),
  ('get_online_users', $$SELECT user_id FROM live.get_online_users(10, encode('anna', 'base64') %s)$$),
  ('set_typing', $$SELECT live.set_typing('DOC' %s, false)$$),
  ('set_typing_of_socket', $$SELECT live_private.set_typing_of_socket('00000000-0000-4000-8000-000000000001', 'DOC' %s, true)$$),
  ('get_typing', $$SELECT live.get_typing('DOC' %s)$$),
  ('channel_members', $$SELECT key FROM live.channel_members('ROOM:1' %s)$$),
  ('channel_members', $$SELECT key FROM live.channel_members('room:1' %s)$$),
  ('channel_roster', $$SELECT user_id FROM live_private.channel_roster('ROOM:1' %s, true)$$),
  ('store_channel_presence', $$SELECT live_private.store_channel_presence('00000000-0000-4000-8000-000000000001', '[]', ARRAY['REF'] %s)$$),
  ('store_channel_presence', $$SELECT live_private.store_channel_presence('00000000-0000-4000-8000-000000000001', '[]', ARRAY['ref'] %s)$$),
  ('connect_users', $$SELECT live_private.connect_users('00000000-0000-4000-8000-000000000001', ARRAY['00000000-0000-4000-8000-000000000009']::uuid[], ARRAY['BOB'] %s)$$),
  ('log_activity', $$SELECT (live.log_activity('LIKED' %1$s, 'BOOK' %1$s, '7' %1$s, idempotency_key => 'KEY' %1$s)).activity_type$$),
  ('log_activity', $$SELECT live.audience(live.log_activity('told' %1$s, visibility => 'users', audience => ARRAY['bob', 'BOB', 'ANNA'] %1$s))$$),
  ('set_activity_visibility', $$SELECT live.set_activity_visibility((SELECT min(id) FROM live.activity_stream WHERE user_id = 'anna'), 'users', ARRAY['bob', 'BOB'] %s)$$),
  ('get_feed_activities', $$SELECT activity_type FROM live.get_feed_activities(actor => 'ANNA' %s)$$),
  ('get_feed_activities', $$SELECT activity_type FROM live.get_feed_activities(activity_types => ARRAY['liked', 'LIKED'] %s)$$),
  ('get_feed_activities', $$SELECT activity_type FROM live.get_feed_activities(after_cursor => live_private.activity_cursor(now() + '1 day', 1) %1$s, entity_type => 'BOOK' %1$s, entity_id => '7' %1$s)$$),
  ('get_home_feed', $$SELECT activity_type FROM live.get_home_feed(10, live_private.activity_cursor(now() + '1 day', 1) %1$s, ARRAY['LIKED'] %1$s)$$),
  ('get_entity_activities', $$SELECT activity_type FROM live.get_entity_activities('book' %1$s, 'a' %1$s)$$),
  ('get_feed_groups', $$SELECT activity_type FROM live.get_feed_groups(10, live_private.activity_cursor(now() + '1 day', 1) %1$s, 'verb-day' %1$s)$$),
  ('get_feed_groups', $$SELECT activity_type FROM live.get_feed_groups("grouping" => 'VERB-DAY' %1$s)$$),
  ('get_notifications', $$SELECT activity_type FROM live.get_notifications(10, live_private.activity_cursor(now() + '1 day', 1) %s)$$),
  ('get_trending', $$SELECT entity_id FROM live.get_trending('BOOK' %s)$$),
  ('get_trending', $$SELECT entity_id FROM live.get_trending('book' %s)$$),
  ('register_entity_type', $$SELECT live.register_entity_type('THING' %s, 'app.thing', 'id')$$),
  ('entity_type_of', $$SELECT live_private.entity_type_of('THING' %s)$$),
  ('require_entity', $$SELECT live_private.require_entity('THING' %1$s, 'no such' %1$s)$$),
  ('require_entity', $$SELECT live_private.require_entity('thing' %1$s, 'A' %1$s)$$),
  ('track_activity', $$SELECT live.track_activity('app.thing', 'thing' %1$s, insert_type => 'CREATED' %1$s)$$),
  ('to_activitystreams', $$SELECT live_private.activitystreams_type('nothing known' %s)$$),
  ('activitystreams_type', $$SELECT live_private.activitystreams_type('liked' %s)$$),
  ('activitystreams_urn', $$SELECT live_private.activitystreams_urn('user' %1$s, 'Ü b' %1$s)$$),
  ('key_between', $$SELECT live.key_between('a0' %1$s, 'A0' %1$s)$$), ('key_between', $$SELECT live.key_between('Zz' %1$s, 'a0' %1$s)$$),
  ('claim', $$SELECT live.claim('SUB' %s)$$),
  ('checked_text', $$SELECT live_private.checked_text(E'a\nb' %1$s, 'what' %1$s, 10)$$),
  ('parse_activity_cursor', $$SELECT live_private.parse_activity_cursor('no cursor' %s)$$),
  ('parse_position', $$SELECT live_private.parse_position('no position' %s)$$);

-- Others are called by these alone, and get what has collation "C" already.
SELECT is_empty($$
  SELECT DISTINCT p.proname FROM pg_proc p CROSS JOIN unnest(p.proargtypes) AS argument (type)
  WHERE p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND argument.type IN ('text'::regtype, 'text[]'::regtype)
    AND (p.prosecdef OR has_function_privilege('authenticated', p.oid, 'EXECUTE') OR has_function_privilege('live_bridge', p.oid, 'EXECUTE'))
  EXCEPT SELECT function FROM called
$$, 'every function that takes text and that others than the extension call is called here');

CREATE TABLE app.thing (id text PRIMARY KEY);
INSERT INTO app.thing VALUES ('a');
SELECT set_config('request.jwt.claims', '{"sub": "anna", "role": "authenticated"}', true) <> '' AS anna \gset
DO $$
DECLARE
  node constant uuid := '00000000-0000-4000-8000-000000000001';
BEGIN
  PERFORM live.set_topic_rule('room:*', 'app.anybody(text)', 'app.anybody(text)'), live.set_topic_rule('lobby', 'app.anybody(text)'),
          live.register_entity_type('thing', 'app.thing', 'id'), live.follow('bob'), live_private.register_node(node);
  PERFORM live_private.connect_users(node, ARRAY[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], '{bob,anna,carl}');
  PERFORM live_private.store_channel_presence(node, '[{"ref": "ref", "connection": "00000000-0000-4000-8000-000000000007", "topic": "room:1", "is_private": true, "key": "bob", "user_id": "bob", "meta": {}}]');
  PERFORM live.log_activity('liked', 'book', '7', idempotency_key => 'key'), live.log_activity('read', 'book', 'a'), live.log_activity('told', visibility => 'users', audience => '{bob}');
  INSERT INTO live.collaboration_sessions (id, room_name, created_by) VALUES (node, 'room', 'bob');
  INSERT INTO live.session_participants (session_id, user_id, role) VALUES (node, 'anna', 'owner'), (node, 'bob', 'editor');
  PERFORM live.submit_operations(node, 0, '[[[0,"x"]]]', 'client', 'key');
  PERFORM live.set_typing('doc', true);
END
$$;

CREATE FUNCTION pg_temp.digest() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' | ',
    (SELECT string_agg(concat(follower, '>', followed), ' ' ORDER BY follower, followed) FROM live_private.follow_edge),
    (SELECT string_agg(concat(user_id, ' ', activity_type, ' ', entity_type, ' ', live.audience(a)), ', ' ORDER BY user_id, activity_type, entity_type, live.audience(a)) FROM live.activity_stream a),
    (SELECT string_agg(concat(user_id, ' ', idempotency_key), ', ' ORDER BY user_id, idempotency_key) FROM live.activity_key),
    (SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM live_private.activity_audience), (SELECT string_agg(pattern, ' ' ORDER BY pattern) FROM live_private.topic_rule),
    (SELECT string_agg(user_id || ' ' || role, ', ' ORDER BY user_id) FROM live.session_participants), (SELECT string_agg(client_id, ' ' ORDER BY version) FROM live.operation),
    (SELECT string_agg(client_id || ' ' || key, ', ' ORDER BY client_id) FROM live_private.submission), (SELECT string_agg(created_by, ' ') FROM live.collaboration_sessions),
    (SELECT string_agg(concat(user_id, ' ', status, ' ', custom_status), ', ' ORDER BY user_id) FROM live.user_presence),
    (SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM live.connection), (SELECT string_agg(ref, ' ') FROM live.channel_presence),
    (SELECT string_agg(location, ' ') FROM live.typing), (SELECT string_agg(name, ' ' ORDER BY name) FROM live_private.entity_type),
    (SELECT string_agg(concat(topic, ' ', event), ', ' ORDER BY topic, event) FROM live.event), (SELECT rule FROM live_private.presence_rule))
$$;
-- What a statement returns and leaves behind, or the error it ends with. Nothing of it stays.
CREATE FUNCTION pg_temp.outcome(statement text, collation_name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  row record;
  rows text := '';
BEGIN
  FOR row IN EXECUTE format(statement, 'COLLATE ' || collation_name) LOOP
    rows := rows || row::text;
  END LOOP;
  RAISE '%', rows || ' | ' || pg_temp.digest() USING ERRCODE = 'UNDO1';
EXCEPTION WHEN OTHERS THEN
  RETURN CASE SQLSTATE WHEN 'UNDO1' THEN SQLERRM ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;
SELECT is(pg_temp.outcome(statement, 'app.caseless'), pg_temp.outcome(statement, 'pg_catalog."default"'), format(statement, 'COLLATE caseless') || ' does as with any other')
FROM called;

-- The collation of a column, as apps have it.
CREATE TABLE app.person (handle text COLLATE app.caseless);
INSERT INTO app.person VALUES ('Bob');
CREATE TABLE app.post (author text COLLATE app.caseless, body text);
INSERT INTO app.post VALUES ('Bob', 'not followed'), ('bob', 'followed');
ALTER TABLE app.post ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_followed ON app.post FOR SELECT USING (live.follows(author));
GRANT USAGE ON SCHEMA app TO authenticated;
GRANT SELECT ON app.post TO authenticated;
SET LOCAL ROLE authenticated;
SELECT results_eq('SELECT body FROM app.post', $$VALUES ('followed')$$, 'a policy with live.follows() shows what those wrote who are followed, and nobody who is merely alike');
RESET ROLE;
SELECT count(live.erase_user(handle)) FROM app.person \gset
SELECT ok(live.follows('bob'), 'erasing Bob leaves bob as he is');

-- Indexes: no table is read from its beginning to its end, whichever collation comes in.
INSERT INTO live.user_presence (user_id) SELECT 'user ' || n FROM generate_series(1, 20000) n;
INSERT INTO live_private.follow_edge (follower, followed) SELECT 'user ' || n % 100, 'user ' || n FROM generate_series(1000, 20000) n;
INSERT INTO live.session_participants (session_id, user_id) SELECT '00000000-0000-4000-8000-000000000001', 'user ' || n FROM generate_series(1, 20000) n;
INSERT INTO live.connection (id, user_id, connected_at, last_active_at, seen_at, expires_at, check_at)
SELECT gen_random_uuid(), 'user ' || n, now(), now(), now(), 'infinity', 'infinity' FROM generate_series(1, 20000) n;
INSERT INTO live.channel_presence (ref, topic, is_private, key, connection, meta, hidden, joined_at, expires_at)
SELECT 'ref ' || n, 'room:' || n, true, 'key', gen_random_uuid(), '{}', false, now(), 'infinity' FROM generate_series(1, 20000) n;
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id) SELECT 'user ' || n, 'type ' || n % 100, 'kind ' || n % 100, n::text FROM generate_series(1, 20000) n;
ANALYZE live.user_presence, live_private.follow_edge, live.session_participants, live.connection, live.channel_presence, live.activity_stream;
CREATE FUNCTION pg_temp.read_through(statement text, collation_name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tables constant regclass[] := '{live.user_presence,live_private.follow_edge,live.session_participants,live.connection,live.channel_presence,live.activity_stream}';
  before bigint[] := array(SELECT pg_stat_get_xact_numscans(t) FROM unnest(tables) AS t);
BEGIN
  EXECUTE format(statement, 'COLLATE ' || collation_name);
  RETURN (SELECT string_agg(t.name::text, ' ') FROM unnest(tables, before) AS t (name, scans) WHERE pg_stat_get_xact_numscans(t.name) > t.scans);
END
$$;
SELECT is(pg_temp.read_through(statement, collation_name), NULL, format(statement, 'COLLATE ' || collation_name) || ' reads by index')
FROM unnest(ARRAY[$$SELECT live.get_presence('user 77' %s)$$, $$SELECT live.follows('user 77' %s)$$, $$SELECT live.shares_session_with('user 77' %s)$$,
                  $$SELECT live.follow('user 77' %s)$$, $$SELECT live.unfollow('user 77' %s)$$, $$SELECT live_private.channel_roster('room:77' %s, true)$$,
                  $$SELECT live.get_feed_activities(actor => 'user 77' %s)$$, $$SELECT live.get_feed_activities(activity_types => ARRAY['type 77'] %s)$$,
                  $$SELECT live.get_entity_activities('kind 77' %1$s, '77' %1$s)$$, $$SELECT live.update_presence('away', 'x' %s)$$]) AS statement,
     unnest('{"\"C\"",app.other,app.caseless}'::text[]) AS collation_name;

SELECT finish();
ROLLBACK;
