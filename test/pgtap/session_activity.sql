-- Activity in sessions: who is active, on which connections, and where the cursors are.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS
$$ SELECT id FROM live.collaboration_sessions WHERE room_name = room ORDER BY created_at DESC LIMIT 1 $$;
-- The query that apps run, as written.
CREATE FUNCTION pg_temp.active(room text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN (SELECT coalesce(string_agg(p.user_id, ' ' ORDER BY p.user_id), '')
          FROM (SELECT * FROM live.session_participants WHERE session_id = pg_temp.id_of(room) AND is_active = TRUE ORDER BY joined_at) AS p);
END $$;
CREATE FUNCTION pg_temp.connection(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.node() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT '10000000-0000-4000-8000-000000000001'::uuid $$;
CREATE FUNCTION pg_temp.enter(n integer, room text) RETURNS text[] LANGUAGE sql AS
$$ SELECT live_private.enter_sessions(ARRAY[pg_temp.connection(n)], ARRAY[pg_temp.id_of(room)]) $$;
CREATE FUNCTION pg_temp.told(room text, event text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg((payload - 'session_id')::text, ', ' ORDER BY id), '') FROM (SELECT * FROM live.event UNION ALL SELECT * FROM live.signal) AS e
  WHERE topic = 'session:' || pg_temp.id_of(room) AND e.event = told.event $$;
-- Moves the clock of presence, and runs what the worker runs then.
CREATE FUNCTION pg_temp.pass(span interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('pg_live.clock_offset', extract(epoch FROM current_setting('pg_live.clock_offset')::interval + span)::integer || 's', true);
  PERFORM live.expire_presence();
END $$;

SELECT live_private.register_node(pg_temp.node(), '30 seconds') \g /dev/null
SELECT live_private.connect_users(pg_temp.node(), array_agg(pg_temp.connection(n)), array_agg(CASE WHEN n = 4 THEN 'ben' ELSE 'anna' END)) FROM generate_series(1, 4) n \g /dev/null
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('room', is_public => true)$$), pg_temp.as_user('anna', $$SELECT live.create_session('other')$$),
       pg_temp.as_user('ben', $$SELECT live.join_session('room')$$) \g /dev/null

SELECT is(pg_temp.active('room'), '', 'joining by HTTP or SQL alone makes nobody active');
SELECT is(pg_temp.enter(1, 'room'), '{}', 'a connection enters');
SELECT is(pg_temp.active('room'), 'anna', 'and its user is active');
SELECT is(pg_temp.enter(2, 'room'), '{}', 'a second tab enters');
SELECT is(pg_temp.enter(2, 'room'), '{}', 'which may be said twice');
SELECT is(pg_temp.enter(4, 'room'), '{}', 'and that of another user');
SELECT is(pg_temp.active('room'), 'anna ben', 'both are active');
SELECT is(pg_temp.told('room', 'collab:user_changed'), '{"role": "owner", "user_id": "anna", "is_active": true}, {"role": "editor", "user_id": "ben", "is_active": true}',
  'and the participants are told once of each');
SELECT is(live_private.exit_sessions(ARRAY[pg_temp.connection(1)], ARRAY[pg_temp.id_of('room')]), '{}', 'one tab leaves the session');
SELECT is(pg_temp.active('room'), 'anna ben', 'while another is there the user stays active');
SELECT live_private.disconnect_users(ARRAY[pg_temp.connection(2)], true) \g /dev/null
SELECT is(pg_temp.active('room'), 'ben', 'who closes the last one is not active any more');
SELECT is(pg_temp.as_user('anna', $$SELECT count(*) FROM live.my_sessions()$$), '2', 'but a participant still');
SELECT is(pg_temp.enter(3, 'room'), '{}', 'a third tab enters');
SELECT live_private.disconnect_users(ARRAY[pg_temp.connection(3)], false) \g /dev/null
SELECT is(pg_temp.active('room'), 'anna ben', 'a connection that broke counts for the grace period');
SELECT pg_temp.pass(live_private.grace_period() + '1 second') \g /dev/null
SELECT is(pg_temp.active('room'), 'ben', 'and no longer');
SELECT pg_temp.pass('1 minute') \g /dev/null
SELECT is(pg_temp.active('room'), '', 'with the lease of a bridge that died, the activity of its users ends');

-- What the bridge is answered.
SELECT live_private.register_node('10000000-0000-4000-8000-000000000002', '1 hour'),
       live_private.connect_users('10000000-0000-4000-8000-000000000002', ARRAY[pg_temp.connection(5), pg_temp.connection(6), pg_temp.connection(7)], '{anna,ben,carl}') \g /dev/null
SELECT is(pg_temp.enter(99, 'room'), '{}', 'a connection that is not known enters nothing');
SELECT is(pg_temp.enter(7, 'room'), '{}', 'nor that of a user who is no participant');
SELECT is(pg_temp.enter(6, 'other'), '{}', 'nor in a session of others');
SELECT is(pg_temp.active('room') || pg_temp.active('other'), '', 'so nobody is active');
SELECT is(live_private.exit_sessions(ARRAY[pg_temp.connection(99)], ARRAY[pg_temp.id_of('room')]), '{}', 'what is not there has left');

-- Connections of plain SQL.
SELECT is(pg_temp.as_user('dora', format('SELECT (live.heartbeat(%L)).status', pg_temp.connection(20))), 'online', 'dora is connected by plain SQL');
SELECT is(pg_temp.as_user('dora', $$SELECT live.join_session('room') ->> 'role'$$), 'editor', 'and joins');
SELECT is(pg_temp.active('room'), 'dora', 'so that her connection is in the session');
SELECT pg_temp.pass('91 seconds') \g /dev/null
SELECT is(pg_temp.active('room'), '', 'until its heartbeats stop');

-- Cursors.
SELECT is(pg_temp.enter(5, 'room') || pg_temp.enter(6, 'room'), '{}', 'anna and ben are there');
SELECT lives_ok(format('SELECT live_private.move_cursors(%L, %L)', pg_temp.id_of('room'),
  jsonb_build_array(jsonb_build_object('connection_id', pg_temp.connection(5), 'client_id', 'a', 'cursor', '{"at": 1}'::jsonb))), 'a cursor moves');
SELECT is(pg_temp.told('room', 'collab:cursor'), '{"cursor": {"at": 1}, "user_id": "anna", "client_id": "a"}', 'which is one signal');
SELECT live_private.move_cursors(pg_temp.id_of('room'), jsonb_agg(jsonb_build_object('connection_id', pg_temp.connection(n), 'client_id', chr(92 + n), 'cursor', jsonb_build_object('at', n))))
FROM unnest('{5,6,7}'::integer[]) n \g /dev/null
SELECT is(pg_temp.told('room', 'collab:cursors'), '{"cursors": [{"cursor": {"at": 5}, "user_id": "anna", "client_id": "a"}, {"cursor": {"at": 6}, "user_id": "ben", "client_id": "b"}]}',
  'several are one too, without those who are not in the session');
SELECT is((SELECT count(*) FROM live.event WHERE event LIKE 'collab:cursor%'), 0::bigint, 'none is kept');
SELECT is(pg_temp.as_user('ben', format('SELECT live.get_session(%L) -> ''cursors''', pg_temp.id_of('room'))),
  '[{"cursor": {"at": 5}, "user_id": "anna", "client_id": "a"}, {"cursor": {"at": 6}, "user_id": "ben", "client_id": "b"}]', 'who joins gets the newest of each');
SELECT throws_ok(format('SELECT live_private.move_cursors(%L, %L)', pg_temp.id_of('room'),
  jsonb_build_array(jsonb_build_object('connection_id', pg_temp.connection(5), 'client_id', client_id, 'cursor', cursor))), state, NULL, format('%s %s', left(client_id, 9), left(cursor::text, 30)))
FROM (VALUES ('a', '[1]'::jsonb, '22023'), ('a', '{"__proto__": 1}', '22023'), ('a', jsonb_build_object('a', repeat('x', 100000)), '54000'), ('', '{}', '22023'), (NULL, '{}', '22004'),
  (repeat('x', 256), '{}', '22023')) AS bad (client_id, cursor, state);
SELECT is(pg_temp.as_user('anna', $$SELECT (live.update_presence('invisible')).mode$$), 'invisible', 'anna becomes invisible');
SELECT is(pg_temp.active('room'), 'ben', 'and so is not shown as active');
SELECT is(pg_temp.as_user('ben', format('SELECT live.get_session(%L) -> ''cursors'' -> 0 ->> ''user_id''', pg_temp.id_of('room'))), 'ben', 'nor is her cursor');
SELECT is(pg_temp.told('room', 'collab:cursor'), '{"cursor": {"at": 1}, "user_id": "anna", "client_id": "a"}, {"cursor": null, "user_id": "anna", "client_id": "a"}', 'which is taken away from those who have it');
SELECT is(pg_temp.as_user('anna', format('SELECT live.move_cursor(%L, ''{}'')', pg_temp.id_of('room'))), '', 'moving it');
SELECT live_private.move_cursors(pg_temp.id_of('room'), jsonb_build_array(jsonb_build_object('connection_id', pg_temp.connection(5), 'client_id', 'a', 'cursor', '{"at": 9}'::jsonb))) \g /dev/null
SELECT is((SELECT count(*) FROM live.signal WHERE event = 'collab:cursor' AND payload -> 'cursor' <> 'null'), 1::bigint, 'shows it to nobody');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.update_presence('auto')).mode$$), 'auto', 'until she is visible again');
SELECT is(pg_temp.active('room'), 'anna ben', 'and active');
SELECT is((SELECT payload -> 'cursor' FROM live.signal WHERE event = 'collab:cursor' ORDER BY id DESC LIMIT 1), '{"at": 9}', 'with her newest cursor');
SELECT live_private.disconnect_users(ARRAY[pg_temp.connection(5)], true) \g /dev/null
SELECT is((SELECT payload -> 'cursor' FROM live.signal WHERE event = 'collab:cursor' ORDER BY id DESC LIMIT 1), 'null', 'the cursor of who goes is taken away');
SELECT is(pg_temp.as_user(who, format('SELECT live.move_cursor(%s, %L)', coalesce(quote_literal(session), 'NULL'), cursor)), state, format('move_cursor: %s, %s, %s', who, session IS NOT NULL, left(cursor, 20)))
FROM (VALUES ('ben', pg_temp.id_of('room'), '{"at": 2}', ''), ('ben', pg_temp.id_of('room'), NULL, ''), ('ben', NULL, '{}', '22004'), ('ben', pg_temp.id_of('other'), '{}', 'P0002'), ('ben', gen_random_uuid(), '{}', 'P0002'),
  ('carl', pg_temp.id_of('room'), '{}', 'P0002'), (NULL, pg_temp.id_of('room'), '{}', '42501'), ('ben', pg_temp.id_of('room'), '"x"', '22023')) AS c (who, session, cursor, state);

-- Leaving, and the end.
SELECT is(pg_temp.enter(5, 'room') || ARRAY[pg_temp.active('room')], '{ben}', 'a connection that has ended does not enter');
SELECT is(pg_temp.as_user('ben', format('SELECT live.leave_session(%L)', pg_temp.id_of('room'))), '', 'ben leaves');
SELECT is((SELECT count(*) FROM live_private.session_connection WHERE user_id = 'ben'), 0::bigint, 'and none of his connections is in the session');
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('room') ->> 'role'$$), 'editor', 'joining again');
SELECT is(pg_temp.active('room'), '', 'does not bring them back');
SELECT is(pg_temp.enter(6, 'room'), '{}', 'until he enters');
SELECT is(pg_temp.as_user('anna', format('SELECT live.end_session(%L)', pg_temp.id_of('room'))), '', 'the session ends');
SELECT is(pg_temp.active('room'), '', 'and nobody is active in it');
SELECT is(pg_temp.enter(6, 'room'), '{}', 'nor enters it');
SELECT is((SELECT count(*) FROM live_private.session_connection), 0::bigint, 'no connection is left');

-- A start of the server without connections, as after a crash.
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('kept', create_if_missing => true) ->> 'role'$$), 'owner', 'a session');
SELECT pg_temp.enter(6, 'kept') \g /dev/null
SET LOCAL session_replication_role = replica;
DELETE FROM live_private.session_connection;
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.active('kept'), 'ben', 'whose connections a crash took away');
SELECT live_private.settle_all_participants() \g /dev/null
SELECT is(pg_temp.active('kept'), '', 'has nobody active after the start');
SELECT pg_temp.enter(6, 'kept') \g /dev/null
SELECT live_private.settle_all_participants() \g /dev/null
SELECT is(pg_temp.active('kept'), 'ben', 'but those who are there');

INSERT INTO live.session_participants (session_id, user_id, is_active) VALUES (pg_temp.id_of('kept'), 'carl', true);
SELECT is(pg_temp.active('kept'), 'ben', 'a row that an app inserts says nothing about who is there');

-- Lists.
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(concat_ws(' ', room_name, policy, role, head, active_participants), ', ') FROM live.get_sessions()$$), 'kept text owner 0 1', 'the sessions of ben');
SELECT pg_temp.as_user('anna', format('SELECT live.create_session(%L, is_public => true)', 'public ' || n)) FROM generate_series(1, 3) n \g /dev/null
UPDATE live.collaboration_sessions SET updated_at = now() + right(room_name, 1)::integer * '1 second'::interval WHERE room_name LIKE 'public _';
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(concat_ws(' ', room_name, role), ', ') FROM live.get_sessions(mine => false)$$), 'public 3, public 2, public 1, kept owner', 'and with the public ones, those changed last first');
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(n.room_name, ', ') FROM (SELECT p.cursor FROM live.get_sessions(2, mine => false) p OFFSET 1) AS p, live.get_sessions(2, p.cursor, false) n$$), 'public 1, kept', 'page by page');
SELECT is(pg_temp.as_user(NULL, 'SELECT live.get_sessions()'), '42501', 'the anonymous have none');
SELECT is(pg_temp.as_user('ben', format('SELECT live.get_sessions(%s)', bad)), '22023', format('get_sessions(%s)', bad))
FROM unnest(array['0', '1001', 'NULL', '1, ''x''', '1, ''1-1''', '1, ''9999999999999999999-00000000-0000-4000-8000-000000000001''']) AS bad;
SELECT is(pg_temp.as_user('ben', 'SELECT live.get_sessions(mine => NULL)'), '22004', 'mine is true or false');
SELECT is(pg_temp.as_user(who, format('SELECT live.get_session(%s)', coalesce(quote_literal(session), 'NULL'))), state, format('get_session: %s, %s', who, session IS NOT NULL))
FROM (VALUES ('anna', pg_temp.id_of('kept'), 'P0002'), (NULL, pg_temp.id_of('kept'), '42501'), ('ben', NULL, '22004'), ('ben', gen_random_uuid(), 'P0002'), ('ben', pg_temp.id_of('room'), 'P0002')) AS c (who, session, state);

SELECT * FROM finish();
ROLLBACK;
