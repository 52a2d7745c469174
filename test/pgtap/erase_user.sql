-- Forgetting a user: nothing in any table names the user afterwards, others' rows are as they were, and clients that show the user are told.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql
\ir support/people.sql

-- Everything that names the user, in any column that can hold a name; signals are not kept, so they are looked at apart.
CREATE FUNCTION pg_temp.traces(name text, pattern text DEFAULT '^(?!signal)') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  place record;
  found bigint;
BEGIN
  FOR place IN
    SELECT c.oid::regclass AS relation, c.relname, a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND c.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'name'::regtype, 'varchar'::regtype) AND c.relname ~ pattern
  LOOP
    EXECUTE format('SELECT count(*) FROM %s WHERE strpos(%I::text, $1) > 0', place.relation, place.attname) INTO found USING name;
    IF found > 0 THEN
      RETURN NEXT format('%s.%s', place.relname, place.attname);
    END IF;
  END LOOP;
END
$$;
CREATE TEMP TABLE start (id bigint);
-- All rows of others.
CREATE FUNCTION pg_temp.others() RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_build_array(
    (SELECT jsonb_agg(a ORDER BY id) FROM live.activity_stream a WHERE user_id <> 'actor'), (SELECT jsonb_agg(a ORDER BY user_id, activity_id) FROM live_private.activity_audience a
      WHERE user_id <> 'actor' AND activity_id IN (SELECT id FROM live.activity_stream WHERE user_id <> 'actor')),
    (SELECT jsonb_agg(s ORDER BY user_id) FROM live_private.notification_state s WHERE user_id <> 'actor'), (SELECT jsonb_agg(r ORDER BY user_id, activity_id) FROM live_private.notification_read r
      WHERE user_id <> 'actor' AND activity_id IN (SELECT id FROM live.activity_stream WHERE user_id <> 'actor')),
    (SELECT jsonb_agg(e ORDER BY follower, followed) FROM live_private.follow_edge e WHERE 'actor' NOT IN (follower, followed)), (SELECT jsonb_agg(p ORDER BY user_id) FROM live.session_participants p WHERE user_id <> 'actor'),
    (SELECT jsonb_agg(p ORDER BY user_id) FROM live.user_presence p WHERE user_id <> 'actor'), (SELECT jsonb_agg(c ORDER BY user_id) FROM live.connection c WHERE user_id <> 'actor'),
    (SELECT jsonb_agg(e ORDER BY id) FROM live_private.event_with_payload e WHERE id <= (SELECT id FROM start) AND NOT live_private.names_user(topic, payload, 'actor')))::text
$$;
-- A full life.
SELECT pg_temp.as_user('actor', format('SELECT (live.log_activity(''did'', ''book'', %L, jsonb_build_object(''text'', repeat(''x'', 2000)), visibility => %L, session_id => %L, audience => %L, idempotency_key => %1$L)).id', visibility, visibility,
         CASE visibility WHEN 'session' THEN pg_temp.room(1) END, CASE visibility WHEN 'users' THEN '{addressee,stranger}' END))
FROM unnest(enum_range(NULL::live.activity_visibility)) AS visibility \g /dev/null
SELECT pg_temp.as_user('actor', statement) FROM unnest(ARRAY[
  $$SELECT (live.log_activity('gone', 'book', '7', visibility => 'users', audience => '{addressee}')).id$$,
  $$SELECT live.delete_activity(id) FROM live.activity_stream WHERE activity_type = 'gone'$$, $$SELECT live.follow('stranger')$$, $$SELECT live.heartbeat(gen_random_uuid(), ttl => '1 hour')$$,
  $$SELECT live.update_presence('busy', 'here', metadata => '{"a": 1}')$$, $$SELECT live.set_typing('doc', true)$$,
  format($$SELECT live.submit_operations(%L, 0, '[[[0,"x"]]]', 'tab', 'key')$$, pg_temp.room(1))]) AS statement \g /dev/null
SELECT pg_temp.as_user('stranger', statement) FROM unnest(ARRAY[
  $$SELECT (live.log_activity('told', metadata => jsonb_build_object('text', repeat('x', 2000)), visibility => 'users', audience => '{actor,follower}')).id$$, $$SELECT (live.log_activity('told alone', visibility => 'users', audience => '{actor}')).id$$,
  $$SELECT (live.log_activity('other', 'actor', 'x', '{"number": 1}')).id$$, $$SELECT live.heartbeat(gen_random_uuid(), ttl => '1 hour')$$, $$SELECT live.set_typing('doc', true)$$,
  $$SELECT live.follow('actor')$$, $$SELECT live.unfollow('actor')$$, $$SELECT live.follow('follower')$$, $$SELECT live.mark_read()$$]) AS statement \g /dev/null
UPDATE live.activity_stream SET entity_type = 'thing' WHERE activity_type = 'other';
DELETE FROM live.event WHERE payload ->> 'activity_type' = 'other';
DELETE FROM live_private.trend_change WHERE entity_type = 'actor';
SELECT pg_temp.as_user('actor', 'SELECT live.mark_read(array(SELECT id FROM live.get_notifications(1))), live.mark_seen()') \g /dev/null
SELECT live_private.register_node('10000000-0000-4000-8000-000000000001', '1 hour') \g /dev/null
SELECT live_private.connect_users('10000000-0000-4000-8000-000000000001', '{00000000-0000-4000-8000-000000000001}', '{actor}') \g /dev/null
SELECT live_private.store_channel_presence('10000000-0000-4000-8000-000000000001', '[{"ref": "r", "connection": "00000000-0000-4000-8000-000000000001", "user_id": "actor", "meta": {},
  "topic": "room:1", "is_private": true, "key": "actor"}]') \g /dev/null
SELECT live.revoke_access('room:1', 'actor'), live.refresh_summaries() \g /dev/null
INSERT INTO start SELECT max(id) FROM live.event;
SELECT cmp_ok((SELECT count(*) FROM pg_temp.traces('actor')), '>=', 15::bigint, 'the user is everywhere');
CREATE TEMP TABLE before AS SELECT pg_temp.others() AS others, (SELECT max(id) FROM live.signal) AS last_signal;
CREATE TEMP TABLE deleted AS SELECT id, visibility, row_number() OVER () FROM live.activity_stream WHERE user_id = 'actor' AND deleted_at IS NULL;

SELECT lives_ok($$SELECT live.erase_user('actor')$$, 'is erased');
SELECT is_empty($$SELECT pg_temp.traces('actor')$$, 'and nowhere');
SELECT is_empty($$SELECT pg_temp.traces('actor', 'signal') WHERE EXISTS (SELECT FROM live.signal s, before WHERE s.id <= last_signal AND strpos(s::text, 'actor') > 0)$$, 'no earlier signal either');
SELECT is(pg_temp.others(), others, 'the rows of others are as they were') FROM before;
SELECT is((SELECT string_agg(activity_type || ':' || live.audience(a)::text, ' ' ORDER BY id) FROM live.activity_stream a WHERE visibility = 'users'), 'told:{follower} told alone:{}', 'audiences have one user less');
SELECT is((SELECT created_by FROM live.collaboration_sessions WHERE id = pg_temp.room(1)), '', 'the session goes on without a name');
SELECT bag_eq($$SELECT d.visibility, e.topic, e.durable FROM deleted d JOIN (SELECT id, topic, event, payload, true AS durable FROM live.event UNION ALL SELECT id, topic, event, payload, false FROM live.signal) AS e
                ON (e.payload -> 'id')::bigint = d.id WHERE e.event = 'activity:deleted'$$,
  $$SELECT visibility::live.activity_visibility, topic, durable FROM (VALUES ('public', 'activity', true), ('followers', 'followers:actor', false), ('followers', 'user:actor', false),
    ('session', 'session:' || pg_temp.room(1), true), ('users', 'user:addressee', true), ('users', 'user:stranger', true), ('users', 'user:actor', false), ('private', 'user:actor', false)) AS t (visibility, topic, durable)$$,
  'clients that showed an activity are told that it is gone, by a signal where the event names the user');
SELECT is((SELECT string_agg(e.payload ->> 'unread', ',' ORDER BY e.id) FROM live.event e WHERE e.topic = 'user:addressee' AND e.event = 'notification:count' AND e.id > (SELECT id FROM start)), '0', 'and hears the number of notifications');
SELECT is((SELECT s.payload ->> 'status' FROM live.signal s WHERE s.topic = 'presence' AND s.payload ->> 'user_id' = 'actor' ORDER BY s.id DESC LIMIT 1), 'offline', 'the user is shown as offline');
SELECT is((SELECT s.payload ->> 'user_ids' FROM live.signal s WHERE s.topic = 'typing:doc' ORDER BY s.id DESC LIMIT 1), '["stranger"]', 'the user is shown as typing no more');
SELECT is((SELECT s.payload ->> 'topic' FROM live.signal s WHERE s.topic = 'user:actor' AND s.event = 'access:revoked' ORDER BY s.id DESC LIMIT 1), '*', 'open subscriptions end');
SELECT is((SELECT s.payload ->> 'by_user' FROM live.signal s WHERE starts_with(s.topic, '$channel:') ORDER BY s.id DESC LIMIT 1), 'true', 'what the user tracked is not stored again');
SELECT is_empty($$SELECT FROM live.get_trending('book')$$, 'what the user did counts no more');
SELECT live.refresh_summaries() \g /dev/null
SELECT is_empty($$SELECT FROM live.get_activity_trends() WHERE activity_type = 'did'$$, 'in no summary');
SELECT lives_ok($$SELECT live.erase_user('actor')$$, 'twice is once');
SELECT lives_ok($$SELECT live.erase_user('nobody')$$, 'an unknown user is no error');
SELECT throws_ok('SELECT live.erase_user(NULL)', '22004', NULL, 'not NULL');
SELECT is(pg_temp.as_user('anna', $$SELECT live.erase_user('anna')$$), '42501', 'erasing is for admins');

-- Sessions of an erased user go on without the user, or end.
SELECT pg_temp.as_user('gone', $$SELECT live.create_session('alone')$$), pg_temp.as_user('gone', $$SELECT live.create_session('shared', is_public => true)$$) \g /dev/null
SELECT pg_temp.as_user(who, $$SELECT live.join_session('shared')$$) FROM unnest('{first,second}'::text[]) AS who \g /dev/null
UPDATE live.session_participants SET joined_at = joined_at + '1 minute'::interval WHERE user_id = 'second';
SELECT live.erase_user('gone') \g /dev/null
SELECT is((SELECT status::text FROM live.collaboration_sessions WHERE room_name = 'alone'), 'ended', 'a session without participants ends');
SELECT is((SELECT string_agg(user_id || ' ' || role, ', ' ORDER BY user_id) FROM live.session_participants p JOIN live.collaboration_sessions s ON s.id = p.session_id WHERE s.room_name = 'shared'),
  'first owner, second editor', 'the oldest participant owns one that has no owner any more');
SELECT is(pg_temp.as_user('first', $$SELECT (live.create_session('alone')).room_name$$), 'alone', 'the name is free');

SELECT finish();
ROLLBACK;
