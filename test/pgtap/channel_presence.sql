-- Tracked presence of channels: who is in which channel, what the bridges are told of it, who sees whom, and when it ends.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

\set node '10000000-0000-4000-8000-000000000001'
\set other '10000000-0000-4000-8000-000000000002'
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS void LANGUAGE sql AS $$ SELECT set_config('pg_live.clock_offset', seconds::text, true) $$;
CREATE FUNCTION pg_temp.everyone(topic text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION pg_temp.socket(number integer) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-4000-8000-%s', lpad(number::text, 12, '0'))::uuid $$;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE FUNCTION app.is_member(topic text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT live.user_id() IN ('anna', 'ben') $$;
SELECT live.set_topic_rule('room:*', 'app.is_member(text)') \g /dev/null
-- Whatever the start of the server has changed is over.
SELECT live.expire_presence() \g /dev/null
SELECT live_private.register_node(:'node', '1 hour'), live_private.register_node(:'other', '20 seconds') \g /dev/null
SELECT live_private.connect_users(:'node', ARRAY[pg_temp.socket(1), pg_temp.socket(2), pg_temp.socket(3)], '{anna,anna,ben}') \g /dev/null

-- What a bridge would send; and what bridges were told since the last call: +ref, -ref, ~ref for a hidden one.
CREATE FUNCTION pg_temp.member(ref text, socket integer, user_id text, meta jsonb DEFAULT '{}', previous_ref text DEFAULT NULL,
                               topic text DEFAULT 'room:1', is_private boolean DEFAULT true, key text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_array(jsonb_build_object('ref', ref, 'connection', pg_temp.socket(socket), 'user_id', user_id, 'meta', meta,
    'previous_ref', previous_ref, 'topic', topic, 'is_private', is_private, 'key', coalesce(key, user_id)))
$$;
CREATE TEMP TABLE told AS SELECT coalesce(max(id), 0) AS id FROM live.signal;
CREATE FUNCTION pg_temp.news() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  news text;
BEGIN
  SELECT string_agg(changes.text, ' ' ORDER BY s.id) INTO news
  FROM live.signal s CROSS JOIN LATERAL (
    SELECT substr(s.topic, 10) || ':' || CASE WHEN (s.payload ->> 'private')::boolean THEN '' ELSE 'public:' END || (
      SELECT string_agg(change, '' ORDER BY change) FROM (
        SELECT CASE WHEN (j ->> 'hidden')::boolean THEN '~' ELSE '+' END || (j ->> 'ref') FROM jsonb_array_elements(s.payload -> 'joined') AS j
        UNION ALL SELECT '-' || l FROM jsonb_array_elements_text(s.payload -> 'left') AS l) AS change (change)) AS text) AS changes
  WHERE s.id > (SELECT id FROM told) AND s.topic LIKE '$channel:%';
  UPDATE told SET id = (SELECT coalesce(max(s.id), 0) FROM live.signal s);
  RETURN news;
END
$$;
CREATE FUNCTION pg_temp.members(viewer text, topic text DEFAULT 'room:1') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user(viewer, format($q$SELECT string_agg(key || (meta #>> '{name}'), ',') FROM live.channel_members(%L)$q$, topic))
$$;

SELECT lives_ok(format('SELECT live_private.store_channel_presence(%L, pg_temp.member(''a1'', 1, ''anna'', ''{"name": "1"}''))', :'node'), 'a tab is tracked');
SELECT is(pg_temp.news(), 'room:1:+a1', 'the bridges are told');
SELECT is((SELECT s.payload ->> 'xid' FROM live.signal s WHERE s.topic = '$channel:room:1' ORDER BY s.id DESC LIMIT 1), pg_current_xact_id()::text, 'with the transaction it belongs to');
SELECT live_private.store_channel_presence(:'node', pg_temp.member('a2', 2, 'anna', '{"name": "2"}') || pg_temp.member('b1', 3, 'ben', '{"name": "3"}')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+a2+b1', 'many at once are one signal a channel');
SELECT is(pg_temp.members('anna'), 'anna1,anna2,ben3', 'a member sees all, each device by itself');
SELECT is(pg_temp.members('eve'), '42501', 'who may not receive the topic sees nobody');
SELECT is(pg_temp.members(NULL), '42501', 'nor do the anonymous');
SELECT is(pg_temp.as_user('eve', 'SELECT count(*) FROM live.channel_presence'), '0', 'in the table neither');
SELECT is(pg_temp.as_user('ben', 'SELECT count(*) FROM live.channel_presence'), '3', 'where members see the same');

-- The metadata changes; the client leaves.
SELECT pg_temp.at(5) \g /dev/null
SELECT live_private.store_channel_presence(:'node', pg_temp.member('a3', 1, 'anna', '{"name": "4", "phx_ref": "forged"}', 'a1')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+a3-a1', 'new metadata replace the old ones in one signal');
SELECT is(pg_temp.members('ben'), 'anna4,anna2,ben3', 'and keep the place in the order of joining');
SELECT is((SELECT meta FROM live.channel_presence WHERE ref = 'a3'), '{"name": "4"}', 'a client cannot choose its phx_ref');
SELECT live_private.store_channel_presence(:'node', '[]', '{a2,unknown}') \g /dev/null
SELECT is(pg_temp.news(), 'room:1:-a2', 'untracking is told, of those who were there');

-- Snapshot and signals together are complete.
SELECT results_eq($$SELECT ref, key, user_id, hidden, meta FROM live_private.channel_roster('room:1', true) OFFSET 1$$,
  $$VALUES ('a3', 'anna', 'anna', false, '{"name": "4"}'::jsonb), ('b1', 'ben', 'ben', false, '{"name": "3"}')$$, 'bridges read the members');
SELECT is((SELECT key FROM live_private.channel_roster('room:1', true) LIMIT 1), pg_current_snapshot()::text, 'after the snapshot they are read with');

-- Invisible: others are not told, and see nothing anywhere.
SELECT pg_temp.as_user('anna', $$SELECT live.update_presence('invisible')$$) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:~a3', 'who becomes invisible is told as hidden');
SELECT live_private.store_channel_presence(:'node', pg_temp.member('a5', 2, 'anna', '{"name": "5"}')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:~a5', 'so is what is tracked while invisible');
SELECT is(pg_temp.members('ben'), 'ben3', 'members do not see the invisible');
SELECT is(pg_temp.members('anna'), 'anna4,ben3,anna5', 'who see themselves');
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(key, ',') FROM live.channel_presence$$), 'ben', 'the table hides them too');
SELECT pg_temp.as_user('anna', $$SELECT live.update_presence('auto')$$) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+a3+a5', 'who is visible again is told');
SELECT is(pg_temp.members('ben'), 'anna4,ben3,anna5', 'and seen');

-- Sockets end.
SELECT live_private.disconnect_users(ARRAY[pg_temp.socket(1)], true) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:-a3', 'a socket that is closed ends what it tracks at once');
SELECT live_private.disconnect_users(ARRAY[pg_temp.socket(2)], false) \g /dev/null
SELECT is(pg_temp.news(), NULL, 'one that breaks off does not');
SELECT is(pg_temp.members('ben'), 'ben3,anna5', 'for the grace period');
SELECT live_private.connect_users(:'node', ARRAY[pg_temp.socket(4)], '{anna}') \g /dev/null
SELECT live_private.store_channel_presence(:'node', pg_temp.member('a6', 4, 'anna', '{"name": "6"}')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+a6-a5', 'a client that comes back takes the place it left');
SELECT live_private.disconnect_users(ARRAY[pg_temp.socket(4)], false) \g /dev/null
SELECT ok(live_private.next_presence_deadline() <= (SELECT expires_at FROM live.channel_presence WHERE ref = 'a6'), 'and the end of the grace period is not overslept');
SELECT pg_temp.at(5 + 11) \g /dev/null
SELECT is(pg_temp.members('ben'), 'ben3', 'after which it is gone for all who read');
SELECT live.expire_presence() \g /dev/null
SELECT is(pg_temp.news(), 'room:1:-a6', 'which is told once');
SELECT live.expire_presence() \g /dev/null
SELECT is(pg_temp.news(), NULL, 'and not twice');
SELECT pg_temp.as_user('ben', 'SELECT live.go_offline()') \g /dev/null
SELECT is(pg_temp.news(), 'room:1:-b1', 'who goes offline leaves the channels');

-- Nodes end.
SELECT live_private.connect_users(:'other', ARRAY[pg_temp.socket(5)], '{ben}') \g /dev/null
SELECT live_private.store_channel_presence(:'other', pg_temp.member('b2', 5, 'ben', '{"name": "7"}')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+b2', 'a member of another node');
SELECT pg_temp.at(5 + 11 + 20) \g /dev/null
SELECT is(pg_temp.members('ben'), NULL, 'is gone when its node is');
SELECT throws_ok(format('SELECT live_private.store_channel_presence(%L, %L)', :'other', pg_temp.member('b3', 5, 'ben')), '55000', NULL, 'which can track nobody any more');
SELECT live_private.store_channel_presence(:'node', pg_temp.member('b2', 7, 'ben', '{"name": "7"}')) \g /dev/null
SELECT is(pg_temp.news(), 'room:1:+b2', 'another node may take it over');
SELECT is((SELECT connection FROM live.channel_presence WHERE ref = 'b2'), pg_temp.socket(7), 'for another socket');
SELECT is(pg_temp.members('ben'), 'ben7', 'and it is there again');
SELECT live.expire_presence() \g /dev/null
SELECT is(pg_temp.news(), NULL, 'without an event');
SELECT is((SELECT count(*) FROM live_private.node WHERE id = :'other'), 0::bigint, 'the node that ended is forgotten');
SELECT live_private.store_channel_presence(:'node', pg_temp.member('b4', 6, 'ben', '{}', NULL, 'room:2')) \g /dev/null
SELECT pg_temp.news() \g /dev/null
SELECT live_private.retire_node(:'node') \g /dev/null
SELECT is(pg_temp.news(), NULL, 'a node that retires leaves its members the grace period');
SELECT pg_temp.at(5 + 11 + 20 + 11) \g /dev/null
SELECT live.expire_presence() \g /dev/null
SELECT is(pg_temp.news(), 'room:1:-b2 room:2:-b4', 'then they go, a signal each channel');

-- Public rooms are the clients' own; they never mix with a topic of the database.
SELECT live_private.register_node('10000000-0000-4000-8000-000000000003', '1 hour') \g /dev/null
SELECT live_private.store_channel_presence('10000000-0000-4000-8000-000000000003',
  pg_temp.member('p1', 7, NULL, '{"name": "8"}', NULL, 'lobby', false, 'guest') || pg_temp.member('p2', 8, 'eve', '{"name": "9"}', NULL, 'room:1', false, 'anna')) \g /dev/null
SELECT is((SELECT string_agg(told, ' ' ORDER BY told COLLATE "C") FROM string_to_table(pg_temp.news(), ' ') AS told), 'lobby:public:+p1 room:1:public:+p2', 'public rooms are told apart');
SELECT is(pg_temp.members(NULL, 'lobby'), 'guest8', 'everybody sees the members of a public room');
SELECT is(pg_temp.members('anna'), NULL, 'but none of it where the name is a topic''s');

-- A user cannot end what belongs to another user, even with the id of the socket.
SELECT is(pg_temp.as_user('ben', format('SELECT count(live.heartbeat(%L))', pg_temp.socket(7))), '1', 'a user may have a connection of any id');
SELECT is(pg_temp.as_user('ben', format('SELECT live.disconnect(%L)', pg_temp.socket(7))), '', 'and end it');
SELECT is(pg_temp.members(NULL, 'lobby'), 'guest8', 'the anonymous member of that socket stays');
SELECT is(pg_temp.as_user('ben', format('SELECT (live_private.heartbeat_of_socket(%L)).connections', pg_temp.socket(9))), '0', 'a beat that comes late brings no connection back');

-- What is over is seen nowhere.
SELECT live_private.connect_users('10000000-0000-4000-8000-000000000003', ARRAY[pg_temp.socket(10)], '{ben}') \g /dev/null
SELECT live_private.store_channel_presence('10000000-0000-4000-8000-000000000003', pg_temp.member('b5', 10, 'ben')) \g /dev/null
SELECT is(pg_temp.as_user('anna', 'SELECT count(*) FROM live.channel_presence WHERE is_private'), '1', 'a member is in the table');
SELECT pg_temp.at(5 + 11 + 20 + 11 + 3600) \g /dev/null
SELECT is(pg_temp.as_user('anna', 'SELECT count(*) FROM live.channel_presence'), '0', 'until its node has ended, whether or not that was told');
SELECT pg_temp.at(5 + 11 + 20 + 11) \g /dev/null
SELECT pg_temp.news() \g /dev/null

-- A clock that was set back does not extend presence by the time it was set back.
SELECT live_private.register_node('10000000-0000-4000-8000-000000000004', '1 hour') \g /dev/null
SELECT live_private.connect_users('10000000-0000-4000-8000-000000000004', ARRAY[pg_temp.socket(14)], '{ben}') \g /dev/null
SELECT live_private.store_channel_presence('10000000-0000-4000-8000-000000000004', pg_temp.member('b6', 14, 'ben')) \g /dev/null
SELECT live_private.disconnect_users(ARRAY[pg_temp.socket(14)], false) \g /dev/null
SELECT pg_temp.at(0) \g /dev/null
SELECT live_private.follow_clock_back() \g /dev/null
SELECT cmp_ok((SELECT expires_at FROM live.channel_presence WHERE ref = 'b6'), '<=', live_private.clock() + live_private.grace_period(), 'the grace period is what it was');
SELECT pg_temp.news() \g /dev/null

-- Bad input.
SELECT throws_ok(format('SELECT live_private.store_channel_presence(''10000000-0000-4000-8000-000000000003'', %L)', entry), state, NULL, name) FROM (VALUES
  ('no key', '22004', pg_temp.member('x', 1, NULL)), ('an empty key', '22023', pg_temp.member('x', 1, 'anna', key => '')),
  ('a topic of 1101 bytes', '22023', pg_temp.member('x', 1, 'anna', topic => repeat('t', 1101))),
  ('a key of 10 kB', '22023', pg_temp.member('x', 1, 'anna', key => repeat('k', 10000))), ('a topic of 10 kB', '22023', pg_temp.member('x', 1, 'anna', topic => repeat('t', 10000))),
  ('metadata that are no object', '22023', pg_temp.member('x', 1, 'anna', '[1]')), ('metadata of 5 MB', '54000', pg_temp.member('x', 1, 'anna', jsonb_build_object('a', repeat('x', 5000000)))),
  ('__proto__', '22023', pg_temp.member('x', 1, 'anna', '{"__proto__": 1}')), ('no ref', '22004', pg_temp.member(NULL, 1, 'anna')),
  ('a key that JavaScript objects have', '22023', pg_temp.member('x', 1, 'anna', key => 'constructor')), ('another', '22023', pg_temp.member('x', 1, '__proto__')),
  ('no array', '22023', '{"ref": "x"}'::jsonb), ('null metadata', '22004', pg_temp.member('x', 1, 'anna', NULL)),
  ('a number of 100,000 digits', '54000', pg_temp.member('x', 1, 'anna', '{"n": 1e100000}'))) AS bad (name, state, entry);
SELECT is(pg_temp.news(), NULL, 'none of it was told');
-- What can be joined can be tracked: the longest topic, with the longest key.
SELECT lives_ok(format('SELECT live_private.store_channel_presence(''10000000-0000-4000-8000-000000000003'', %L)',
                       pg_temp.member('long', 1, 'anna', topic => repeat('t', 1100), key => repeat('😀', 255))), 'a topic of 1100 bytes is tracked');

-- Of many, the bridge learns which are refused, so that the others are stored.
SELECT results_eq(format('SELECT ref, code FROM live_private.refused_members(%L) ORDER BY ref',
                         pg_temp.member('bad1', 1, 'anna', '{"__proto__": 1}') || pg_temp.member('good', 1, 'anna') ||
                         pg_temp.member('bad2', 1, 'anna', jsonb_build_object('a', repeat('x', 50000))) || pg_temp.member('bad3', 1, 'anna', key => ''))::text,
                  $$VALUES ('bad1', '22023'), ('bad2', '54000'), ('bad3', '22023')$$, 'exactly the refused ones are named, with the reason');
SELECT is((SELECT count(*) FROM live_private.refused_members('[]')), 0::bigint, 'none of none');

SELECT finish();
ROLLBACK;
