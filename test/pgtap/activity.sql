-- Who sees which activity: every visibility, every kind of viewer, every way of reading; after every change of visibility
-- and after deletion; what is told of it and where; bad input; and that the same key is the same activity.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql
\ir support/people.sql

-- One activity a case, of an entity and a type of its own: logged with one visibility, then changed to another, or deleted.
CREATE TEMP TABLE item AS
SELECT row_number() OVER (ORDER BY was, becomes) AS number, was, becomes, 'did ' || row_number() OVER (ORDER BY was, becomes) AS activity_type, NULL::bigint AS id
FROM unnest('{public,followers,session,ended,users,private}'::text[]) AS was,
     unnest('{public,followers,session,users,private,deleted,same}'::text[]) AS becomes
WHERE was <> becomes AND NOT (was = 'ended' AND becomes = 'session');
CREATE FUNCTION pg_temp.log_item(item) RETURNS bigint LANGUAGE sql AS $$
  SELECT pg_temp.as_user('actor', format($q$SELECT (live.log_activity(%L, 'book', %L, '{"number": %s}', %L, %L, %L)).id$q$,
    $1.activity_type, $1.number, $1.number, CASE $1.was WHEN 'ended' THEN 'session' ELSE $1.was END,
    CASE WHEN $1.was = 'ended' THEN pg_temp.room(2) WHEN 'session' IN ($1.was, $1.becomes) THEN pg_temp.room(1) END,
    CASE WHEN $1.was = 'users' THEN '{addressee,addressee,actor}' END))::bigint
$$;
UPDATE item i SET id = pg_temp.log_item(i);
UPDATE live.collaboration_sessions SET status = 'ended' WHERE id = pg_temp.room(2);

CREATE TEMP VIEW look AS
SELECT i.*, v.viewer, way.name, way.statement, way.sees
FROM item i CROSS JOIN viewer v CROSS JOIN LATERAL (VALUES
  ('the table', format('SELECT EXISTS (SELECT FROM live.activity_stream WHERE id = %s)', i.id), NULL::boolean),
  ('get_feed_activities', format('SELECT EXISTS (SELECT FROM live.get_feed_activities(1000) WHERE id = %s)', i.id), NULL),
  ('backwards', format('SELECT EXISTS (SELECT FROM live.get_feed_activities(1000, backwards => true) WHERE id = %s)', i.id), NULL),
  ('its type', format('SELECT EXISTS (SELECT FROM live.get_feed_activities(activity_types => %L) WHERE id = %s)', ARRAY[i.activity_type], i.id), NULL),
  ('its actor', format('SELECT EXISTS (SELECT FROM live.get_feed_activities(1000, actor => %L) WHERE id = %s)', 'actor', i.id), NULL),
  ('its metadata', format('SELECT EXISTS (SELECT FROM live.get_feed_activities(metadata => %L) WHERE id = %s)', format('{"number": %s}', i.number), i.id), NULL),
  ('get_entity_activities', format('SELECT EXISTS (SELECT FROM live.get_entity_activities(%L, %L) WHERE id = %s)', 'book', i.number, i.id), NULL),
  ('get_feed_groups', format('SELECT EXISTS (SELECT FROM live.get_feed_groups(1000) WHERE activity_type = %L)', i.activity_type), NULL),
  ('get_home_feed', format('SELECT EXISTS (SELECT FROM live.get_home_feed(1000) WHERE id = %s)', i.id),
   v.viewer = 'follower' AND pg_temp.sees(v.viewer, i.was)),
  ('get_notifications', format('SELECT EXISTS (SELECT FROM live.get_notifications(1000) WHERE id = %s)', i.id), v.viewer = 'addressee' AND i.was = 'users'),
  ('the audience', format('SELECT EXISTS (SELECT FROM live_private.activity_audience WHERE activity_id = %s)', i.id), coalesce(v.viewer = 'addressee' AND i.was = 'users', false)),
  ('get_trending', format('SELECT EXISTS (SELECT FROM live.get_trending(NULL, 1000) WHERE entity_id = %L)', i.number), i.was = 'public'),
  ('get_activity_trends', format('SELECT EXISTS (SELECT FROM live.get_activity_trends() WHERE activity_type = %L)', i.activity_type), i.was = 'public'),
  ('events', format('SELECT EXISTS (SELECT FROM unnest(%L::text[]) AS topic CROSS JOIN LATERAL live.topic_access(topic) AS a WHERE a.can_receive)',
                    array(SELECT e.topic FROM live.event e WHERE (e.payload -> 'id')::bigint = i.id AND e.event = 'activity:new')),
   CASE i.was WHEN 'ended' THEN false END) -- nobody receives the topic of a session that ended
) AS way (name, statement, sees);
CREATE FUNCTION pg_temp.matrix(moment text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT is(pg_temp.as_user(l.viewer, l.statement),
            CASE WHEN l.viewer IS NULL AND l.name IN ('get_home_feed', 'get_notifications') THEN '42501'
                 ELSE coalesce(l.sees, pg_temp.sees(l.viewer, l.was))::text END,
            format('%s: %s (then %s): %s by %s', moment, l.was, l.becomes, l.name, coalesce(l.viewer, 'the anonymous')))
  FROM look l WHERE moment = 'logged' OR (l.becomes <> 'same' AND l.name <> 'events') ORDER BY l.number, l.viewer, l.name
$$;
SELECT live.refresh_summaries() \g /dev/null
SELECT pg_temp.matrix('logged');
SELECT is(pg_temp.as_user(viewer, 'SELECT live.unread_count()'),
          CASE WHEN viewer IS NULL THEN '42501' WHEN viewer = 'addressee' THEN (SELECT count(*)::text FROM item WHERE was = 'users') ELSE '0' END,
          format('unread: %s', coalesce(viewer, 'the anonymous'))) FROM viewer;
SELECT set_eq($$SELECT e.topic FROM live.event e JOIN item i ON i.id = (e.payload -> 'id')::bigint WHERE e.event = 'notification:new'$$,
              $$VALUES ('user:addressee')$$, 'only those who are told get a notification');

-- Every change.
CREATE TEMP TABLE told AS SELECT max(id) AS id FROM live.event;
SELECT pg_temp.as_user('actor', CASE becomes WHEN 'deleted' THEN format('SELECT live.delete_activity(%s)', id)
  ELSE format('SELECT live.set_activity_visibility(%s, %L, %L)', id, becomes, CASE becomes WHEN 'users' THEN '{addressee}' END) END)
FROM item WHERE becomes <> 'same' \g /dev/null
CREATE TEMP TABLE before AS SELECT * FROM item;
UPDATE item SET was = becomes WHERE becomes <> 'same';
SELECT live.refresh_summaries() \g /dev/null
SELECT pg_temp.matrix('changed');
SELECT is(pg_temp.as_user('addressee', 'SELECT live.unread_count()'), (SELECT count(*)::text FROM item WHERE was = 'users'), 'the number of notifications follows');
SELECT bag_eq($$SELECT DISTINCT i.id, e.topic FROM live.event e JOIN item i ON i.id = (e.payload -> 'id')::bigint
    WHERE e.event IN ('activity:new', 'notification:new') AND live_private.is_still_told(e.topic, e.event, e.payload)$$,
  $$SELECT i.id, told FROM item i JOIN (VALUES ('public', '{activity}'::text[]), ('followers', '{followers:actor,user:actor}'),
      ('session', ARRAY['session:' || pg_temp.room(1)]), ('ended', ARRAY['session:' || pg_temp.room(2)]),
      ('users', '{user:addressee,user:actor}'), ('private', '{user:actor}')) AS now (was, topics) ON now.was = i.was, unnest(now.topics) AS told$$,
  'what is replayed of them is what is told now');
SELECT is(live_private.is_still_told(topic, event, payload::jsonb), expected, format('replayed: %s of %s %s', event, topic, payload)) FROM (VALUES
  ('activity', 'activity:new', '{"id": 999999999, "cursor": "x"}', false), ('activity', 'activity:new', '{"id": 999999999}', true),
  ('activity', 'activity:new', '{"id": "1e3", "cursor": "x"}', true), ('activity', 'activity:new', '[1]', true), ('activity', 'activity:new', '7', true),
  ('activity', 'activity:deleted', '{"id": 999999999, "cursor": "x"}', true), ('room:1', 'activity:new', '{"id": 999999999, "cursor": "x"}', true),
  ('user:anna', 'notification:new', '{"title": "an app''s own"}', true)) AS given (topic, event, payload, expected);
SELECT bag_eq(
  $$SELECT b.number, e.topic FROM live.event e JOIN before b ON b.id = (e.payload -> 'id')::bigint
    WHERE e.event = 'activity:deleted' AND e.id > (SELECT id FROM told)$$,
  $$SELECT b.number, e.topic FROM live.event e JOIN before b ON b.id = (e.payload -> 'id')::bigint
    WHERE e.event = 'activity:new' AND e.id <= (SELECT id FROM told) AND b.becomes <> 'same'$$,
  'that it is gone is told once on each topic on which it had been told, and nowhere else');
SELECT bag_eq(
  $$SELECT b.becomes, e.topic FROM live.event e JOIN before b ON b.id = (e.payload -> 'id')::bigint
    WHERE e.event = 'activity:new' AND e.id > (SELECT id FROM told)$$,
  $$SELECT becomes, topic FROM before JOIN (VALUES ('public', 'activity'), ('followers', 'followers:actor'), ('followers', 'user:actor'),
      ('session', 'session:' || pg_temp.room(1)), ('users', 'user:addressee'), ('users', 'user:actor'), ('private', 'user:actor')) AS t (visibility, topic)
    ON becomes = visibility$$, 'and it is told to those who see it now');
SELECT is_empty($$SELECT FROM live.event WHERE event = 'activity:deleted' AND payload <> jsonb_build_object('id', payload -> 'id')$$, 'what is gone is told by its id alone');
SELECT bag_eq($$SELECT id, user_id, metadata, live.audience(a) FROM live.activity_stream a WHERE deleted_at IS NOT NULL$$,
              $$SELECT id, 'actor' AS user_id, '{}'::jsonb AS metadata, '{}'::text[] AS audience FROM item WHERE was = 'deleted'$$, 'a deleted one leaves a tombstone without metadata and audience');

-- Changes are the actor's, once.
SELECT is(pg_temp.as_user(viewer, format(call, id)), CASE WHEN viewer IS NULL THEN '42501' ELSE 'P0002' END, format('%s by %s', call, coalesce(viewer, 'the anonymous')))
FROM viewer CROSS JOIN (SELECT id FROM item WHERE was = 'public' AND becomes = 'public' LIMIT 1) AS one
CROSS JOIN unnest('{SELECT live.delete_activity(%s),"SELECT live.set_activity_visibility(%s, ''private'')"}'::text[]) AS call WHERE viewer IS DISTINCT FROM 'actor';
SELECT is(pg_temp.as_user('actor', format(call, id)), 'P0002', 'not of a deleted one: ' || call)
FROM (SELECT id FROM item WHERE was = 'deleted' LIMIT 1) AS one, unnest('{SELECT live.delete_activity(%s),"SELECT live.set_activity_visibility(%s, ''private'')"}'::text[]) AS call;
CREATE TEMP TABLE quiet AS SELECT count(*) AS events FROM live.event;
SELECT pg_temp.as_user('actor', format('SELECT live.set_activity_visibility(%s, %L, %L)', id, was, CASE was WHEN 'users' THEN '{addressee,addressee}' END))
FROM item WHERE becomes = was \g /dev/null
SELECT is((SELECT count(*) FROM live.event), events, 'what changes nothing tells nothing') FROM quiet;
SELECT is(pg_temp.as_user('actor', format('SELECT live.set_activity_visibility(%s, %s)', id, change)), state, change)
FROM (SELECT i.id FROM item i JOIN before b USING (id) WHERE b.was = 'private' AND i.was = 'public') AS one, (VALUES
  ('NULL', '22004'), ('''users''', '22023'), ('''users'', ''{}''', '22023'), ('''public'', ''{anna}''', '22023'), ('''session''', '22023'),
  ('''users'', array(SELECT ''u'' || i FROM generate_series(1, 10000) i)', '54000'), ('''everybody''', '22P02')) AS bad (change, state);

-- A participant who leaves, a follower who unfollows: at once.
SELECT pg_temp.as_user('follower', $$SELECT live.unfollow('actor')$$) \g /dev/null
DELETE FROM live.session_participants WHERE user_id = 'participant';
SELECT is(pg_temp.as_user(l.viewer, l.statement), 'false', format('after leaving: %s by %s', l.name, l.viewer))
FROM look l WHERE (viewer, was) IN (('follower', 'followers'), ('participant', 'session')) AND becomes = 'same' ORDER BY l.name;

-- The same key is the same activity.
CREATE FUNCTION pg_temp.log_once(metadata text, extra text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user('writer', format($q$SELECT (live.log_activity('wrote', 'book', '7', %L, idempotency_key => 'k' %s)).id$q$, metadata, extra))
$$;
CREATE TEMP TABLE first AS SELECT pg_temp.log_once('{"a": 1}') AS id;
CREATE TEMP TABLE after_first AS SELECT (SELECT count(*) FROM live.event) AS events, (SELECT count(*) FROM live_private.trend_change) AS changes;
SELECT is(pg_temp.log_once('{"a": 1}'), id, 'the same again is the same activity') FROM first;
SELECT is(pg_temp.log_once('{"a": 2}'), '23505', 'another one of that key is refused');
SELECT is(pg_temp.log_once('{"a": 1}', ', visibility => ''private'''), '23505', 'another visibility too');
SELECT is(ROW((SELECT count(*) FROM live.event), (SELECT count(*) FROM live_private.trend_change)), ROW(events, changes), 'neither tells or counts anything') FROM after_first;
SELECT is((SELECT count(*) FROM live.activity_stream WHERE user_id = 'writer'), 1::bigint, 'there is one');
SELECT isnt(pg_temp.as_user('other', $$SELECT (live.log_activity('wrote', 'book', '7', '{"a": 2}', idempotency_key => 'k')).id$$), id, 'keys are each user''s own') FROM first;
SELECT is(pg_temp.as_user('writer', format('SELECT live.delete_activity(%s)', id)), '', 'it is deleted') FROM first;
SELECT is(pg_temp.log_once('{"a": 1}'), id, 'a repetition that comes late does not bring it back') FROM first;
SELECT isnt(pg_temp.log_once('{}', ' || g FROM generate_series(1, 2) AS g LIMIT 1'), '23505', 'other keys are other activities');

-- A key and an audience are the actor's to read, and the table goes on being read whole.
CREATE FUNCTION pg_temp.finds(secret text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  relation text;
  found boolean;
  relations text[] := '{}';
BEGIN
  FOR relation IN SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND c.relkind IN ('r', 'v', 'm') AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1 LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT %s FROM %s) AS readable WHERE readable::text LIKE %L)',
      (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped
         AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')), relation, '%' || secret || '%') INTO found;
    relations := relations || CASE WHEN found THEN relation END;
  END LOOP;
  RETURN array_to_string(array_remove(relations, NULL), ' ');
END
$$;
SELECT pg_temp.as_user('teller', $$SELECT (live.log_activity('told', visibility => 'users', audience => '{hearer,secret-hearer,teller}', idempotency_key => 'secret-key')).id,
  (live.log_activity('wrote', idempotency_key => 'secret-key of a public one')).id, live.follow('hearer')$$) \g /dev/null
SELECT is(pg_temp.as_user(viewer, format('SELECT pg_temp.finds(%L)', secret)), relations, format('%s finds %s', coalesce(viewer, 'the anonymous'), secret)) FROM (VALUES
  ('hearer', 'secret-', ''), ('follower', 'secret-', ''), (NULL, 'secret-', ''), ('secret-hearer', 'secret-key', ''), ('secret-hearer', 'secret-hearer', 'live_private.activity_audience'), ('teller', 'secret-key', 'live.activity_key')) AS f (viewer, secret, relations);
SELECT is(pg_temp.as_user(viewer, $$SELECT live.audience(a) FROM live.activity_stream a WHERE user_id = 'teller' AND visibility = 'users'$$), audience, 'its audience as read by ' || viewer)
FROM (VALUES ('teller', '{hearer,secret-hearer}'), ('hearer', '{hearer}')) AS a (viewer, audience);
SELECT is(pg_temp.as_user('hearer', format('SELECT live.audience(%L::live.activity_stream)', claimed::text)), '{hearer}', 'who claims to be the actor reads no more')
FROM (SELECT jsonb_populate_record(a, '{"user_id": "hearer"}') AS claimed FROM live.activity_stream a WHERE user_id = 'teller' AND visibility = 'users') AS forged;
SELECT is(live.audience(a), '{hearer,secret-hearer}', 'an administrator reads all of it') FROM live.activity_stream a WHERE user_id = 'teller' AND visibility = 'users';

-- Bad input: each its error, and nothing stored or told.
CREATE TEMP TABLE stored AS SELECT (SELECT count(*) FROM live.activity_stream) AS rows, (SELECT count(*) FROM live.event) AS events;
SELECT is(pg_temp.as_user('eve', 'SELECT live.log_activity(' || arguments || ')'), state, format('log_activity(%s)', left(arguments, 80))) FROM (VALUES
  ('NULL', '22004'), ('''''', '22023'), ('repeat(''x'', 10000)', '22023'), ('repeat(''x'', 256)', '22023'), ('E''a\x01''', '22023'), ('E''a\u0085''', '22023'),
  ('''a'', ''book''', '22023'), ('''a'', NULL, ''7''', '22023'), ('''a'', '''', ''7''', '22023'), ('''a'', ''book'', ''''', '22023'),
  ('''a'', ''book'', repeat(''x'', 10000)', '22023'), ('''a'', repeat(''x'', 10000), ''7''', '22023'), ('''a'', ''book'', E''7\n''', '22023'),
  ('''a'', metadata => NULL', '22004'), ('''a'', metadata => ''[1]''', '22023'), ('''a'', metadata => ''{"a":[[[[[[[[1]]]]]]]]}''', '54000'),
  ('''a'', metadata => jsonb_build_object(''a'', repeat(''x'', 5000000))', '54000'), ('''a'', metadata => ''{"__proto__": 1}''', '22023'),
  ('''a'', metadata => ''{"a\n": 1}''', '22023'), ('''a'', metadata => (SELECT jsonb_object_agg(i, i) FROM generate_series(1, 257) i)', '54000'),
  ('''a'', visibility => NULL', '22004'), ('''a'', visibility => ''everybody''', '22P02'), ('''a'', visibility => ''session''', '22023'),
  ('''a'', visibility => ''session'', session_id => gen_random_uuid()', '42501'), ('''a'', session_id => pg_temp.room(1)', '42501'),
  ('''a'', visibility => ''users''', '22023'), ('''a'', visibility => ''users'', audience => ''{}''', '22023'), ('''a'', audience => ''{anna}''', '22023'),
  ('''a'', visibility => ''users'', audience => ''{NULL}''', '22004'), ('''a'', visibility => ''users'', audience => ''{anna,""}''', '22023'),
  ('''a'', visibility => ''users'', audience => array(SELECT ''u'' || i FROM generate_series(1, 10000) i)', '54000'),
  ('''a'', visibility => ''users'', audience => ARRAY[repeat(''x'', 256)]', '22023'), ('''a'', visibility => ''users'', audience => ARRAY[E''a\x01'']', '22023'),
  ('''a'', idempotency_key => ''''', '22023'), ('''a'', idempotency_key => repeat(''x'', 10000)', '22023'),
  ('NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL', '22004')) AS bad (arguments, state);
SELECT is(pg_temp.as_user(NULL, $$SELECT live.log_activity('a')$$), '42501', 'the anonymous log nothing');
SELECT is(pg_temp.as_user('eve', statement), '42501', statement) FROM unnest(ARRAY[
  $$INSERT INTO live.activity_stream (user_id, activity_type) VALUES ('eve', 'a')$$, $$INSERT INTO live.activity_key VALUES ('eve', 'k', 1)$$, 'DELETE FROM live.activity_key', 'UPDATE live.activity_stream SET metadata = ''{}''',
  'DELETE FROM live.activity_stream', 'DELETE FROM live_private.activity_audience', 'SELECT * FROM live_private.trend', 'SELECT * FROM live_private.trend_change',
  'SELECT * FROM live_private.entity_type', 'SELECT * FROM live.activity_trends', 'SELECT * FROM live_private.public_activity',
  $$SELECT live_private.store_activity('a', NULL, NULL, '{}', 'public', NULL, NULL, NULL)$$, $$SELECT live_private.read_feed('actor', NULL, '{own}')$$,
  $$SELECT live_private.count_unread('addressee')$$, $$SELECT live.erase_user('actor')$$, $$SELECT live_private.fold_trends()$$]) AS statement;
SELECT is(ROW((SELECT count(*) FROM live.activity_stream), (SELECT count(*) FROM live.event)), ROW(rows, events), 'nothing of all that is stored or told') FROM stored;
-- The largest that is allowed.
SELECT is(pg_temp.as_user('eve', $$SELECT cardinality(live.audience(live.log_activity(repeat('ü', 255), repeat('ü', 255), repeat('ü', 255), visibility => 'users',
  audience => array(SELECT repeat('ü', 251) || i FROM generate_series(1000, 1999) i), idempotency_key => repeat('ü', 255))))$$), '1000', 'the largest that is allowed');

-- A sequence that fell behind gives ids that are taken: that is no matter of keys.
INSERT INTO live.activity_stream (id, user_id, activity_type) SELECT nextval('live.activity_stream_id_seq') + 1, 'eve', 'imported' \g /dev/null
SELECT pg_temp.as_user('eve', 'SELECT 1') \g /dev/null
SET LOCAL request.jwt.claims = '{"sub": "eve"}';
SELECT throws_matching($$SELECT live.log_activity('wrote')$$, 'duplicate key value violates unique constraint "activity_stream_pkey"', 'an id that is taken is called so');
RESET request.jwt.claims;

-- What one call may write for an audience: two events for each user.
SET LOCAL pg_live.max_audience_size = '64kB';
CREATE FUNCTION pg_temp.log_for(users integer, length integer) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user('rita', format('SELECT (live.log_activity(''copied'', metadata => %L, visibility => ''users'', audience => array(SELECT ''u'' || n FROM generate_series(1, %s) AS n))).id > 0',
    jsonb_build_object('text', repeat('x', length)), users))
$$;
SELECT is(pg_temp.log_for(users, length), state, format('%s bytes for %s users: %s', length, users, state))
FROM (VALUES (1, 16000, 'true'), (40, 10, 'true'), (40, 1000, '54000'), (3, 16000, '54000')) AS copies (users, length, state);
SELECT is((SELECT count(*) FROM live.activity_stream WHERE user_id = 'rita'), 2::bigint, 'what is too large is not stored');
SELECT is((SELECT count(*) FROM live_private.event_with_payload WHERE payload ->> 'user_id' = 'rita' AND topic LIKE 'user:u%'), 82::bigint, 'and two events are for each user of what is');
SELECT is((SELECT count(*) FROM live.event WHERE payload ->> 'user_id' = 'rita' AND length(payload::text) > 1024), 1::bigint, 'which store a large payload once');
SELECT is(pg_temp.as_user('rita', format('SELECT live.set_activity_visibility(%s, ''users'', ''{u1,u2,u3}'')', (SELECT min(id) FROM live.activity_stream WHERE user_id = 'rita'))), '54000',
  'the audience of a change is bounded too');
SELECT is(pg_temp.as_user('rita', 'SET LOCAL pg_live.max_audience_size = 1024'), '42501', 'a client cannot raise the limit');
SELECT throws_ok(format('SET LOCAL pg_live.max_audience_size = %L', bad), '22023', NULL, 'max_audience_size of ' || bad) FROM unnest('{0,-1,x,257MB}'::text[]) AS bad;

SELECT finish();
ROLLBACK;
