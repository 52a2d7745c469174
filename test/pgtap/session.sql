-- Sessions: who finds, joins, leaves and ends them, roles, capacity, and what participants are told.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS
$$ SELECT id FROM live.collaboration_sessions WHERE room_name = room ORDER BY created_at DESC, status LIMIT 1 $$;
CREATE FUNCTION pg_temp.members(room text) RETURNS text LANGUAGE sql SECURITY DEFINER AS
$$ SELECT string_agg(user_id || ':' || role, ' ' ORDER BY user_id) FROM live.session_participants WHERE session_id = pg_temp.id_of(room) $$;
CREATE FUNCTION pg_temp.told(room text) RETURNS text LANGUAGE sql SECURITY DEFINER AS
$$ SELECT string_agg(event || coalesce(' ' || (payload ->> 'user_id'), '') || coalesce(' ' || (payload ->> 'topic'), ''), ', ' ORDER BY id) FROM live.event
   WHERE topic = 'session:' || pg_temp.id_of(room) OR event = 'access:revoked' AND payload ->> 'topic' = 'session:' || pg_temp.id_of(room) $$;

-- Creating.
SELECT is(pg_temp.as_user('anna', $$SELECT room_name || ' ' || policy || ' ' || head || ' ' || created_by FROM live.create_session('private')$$), 'private text 0 anna', 'a session is created');
SELECT is(pg_temp.members('private'), 'anna:owner', 'and owned by who created it');
SELECT is(pg_temp.as_user('ben', $$SELECT live.create_session('private')$$), '23505', 'active sessions do not share a name');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.create_session('public', is_public => true, metadata => '{"a":1}')).is_public$$), 'true', 'one is public');
SELECT is(pg_temp.as_user(NULL, $$SELECT live.create_session('x')$$), '42501', 'the anonymous create none');
SELECT is(pg_temp.as_user('anna', format('SELECT live.create_session(%s)', bad)), state, format('create_session(%s): %s', left(bad, 60), state)) FROM (VALUES
  ('NULL', '22004'), ('''''', '22023'), ('repeat(''x'', 256)', '22023'), ('repeat(''x'', 10000)', '22023'), ('E''a\x01''', '22023'), ('''x'', NULL', '22004'), ('''x'', ''append'', ''document''', '22023'),
  ('''x'', ''cas'', ''document''', '22023'), ('''x'', is_public => NULL', '22004'), ('''x'', metadata => NULL', '22004'), ('''x'', metadata => ''[]''', '22023'), ('''x'', metadata => ''{"__proto__":1}''', '22023'),
  ('''x'', max_participants => 0', '22023'), ('''x'', max_participants => 1001', '22023'), ('''x'', ''none''', '22P02')) AS bad (bad, state);
SET LOCAL pg_live.max_sessions = 2;
SELECT is(pg_temp.as_user('anna', $$SELECT live.create_session('third')$$), '54000', 'the sessions of one user are bounded');
SELECT is(pg_temp.as_user('anna', 'SET LOCAL pg_live.max_sessions = 3'), '42501', 'a client cannot raise the limit');
SELECT throws_ok(format('SET LOCAL pg_live.%s = %L', setting, bad), '22023', NULL, format('%s of %s', setting, bad))
FROM (VALUES ('max_sessions', '{0,-1,x,10000001}'::text[]), ('max_participants', '{0,-1,x,1000001}')) AS s (setting, wrong), unnest(wrong) AS bad;
SELECT is(pg_temp.as_user('ben', $$SELECT (live.create_session('of ben', max_participants => 2)).max_participants$$), '2', 'those of another one do not count');

-- Finding and joining.
SELECT is(pg_temp.as_user('ben', format('SELECT live.join_session(%s)', argument)), 'P0002', format('a stranger does not find it by %s', argument))
FROM (VALUES ('''private'''), (format('session_id => %L', pg_temp.id_of('private'))), ('''none'''), ('session_id => gen_random_uuid()')) AS argument (argument);
SELECT is(pg_temp.as_user('ben', format('SELECT live.join_session(%s)', bad)), '22023', format('join_session(%s)', left(bad, 60)))
FROM unnest(array['', '''public'', gen_random_uuid()', '''''', 'repeat(''x'', 10000)']) AS bad;
SELECT is(pg_temp.as_user(NULL, $$SELECT live.join_session('public')$$), '42501', 'the anonymous do not join');
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('public') - 'participants' - 'session_id' - 'cursors' - 'position'$$),
  '{"head": 0, "role": "editor", "policy": "text", "document": "", "room_name": "public", "is_read_only": false}', 'who joins gets its state');
SELECT is(pg_temp.as_user('ben', format('SELECT live.join_session(session_id => %L) ->> ''role''', pg_temp.id_of('public'))), 'editor', 'joining twice is joining once');
SELECT is(pg_temp.told('public'), 'collab:user_joined ben', 'and told once');
SELECT is(pg_temp.as_user('carl', $$SELECT live.join_session('new', create_if_missing => true) ->> 'role'$$), 'owner', 'a session is created where it is asked for');
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('new', create_if_missing => true) ->> 'role'$$), 'editor', 'and others come to it by the same call');
SELECT is(pg_temp.as_user('ben', format('SELECT live.leave_session(%L)', pg_temp.id_of('new'))), '', 'ben leaves it');
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('private', create_if_missing => true)$$), 'P0002', 'a session that is not public is not joined so');
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(room_name, ', ' ORDER BY room_name) FROM live.collaboration_sessions$$), 'new, of ben, public', 'ben reads the rows of his sessions and of public ones');
SELECT is(pg_temp.as_user('dora', $$SELECT string_agg(room_name, ', ' ORDER BY room_name) FROM live.collaboration_sessions$$), 'new, public', 'a stranger those of public ones');
SELECT is(pg_temp.as_user('dora', $$SELECT count(*) FROM live.session_participants$$), '0', 'and no participants');

-- Capacity.
UPDATE live.collaboration_sessions SET is_public = true WHERE room_name = 'of ben';
SELECT is(pg_temp.as_user('carl', $$SELECT live.join_session('of ben') ->> 'role'$$), 'editor', 'a session takes as many as it may have');
SELECT is(pg_temp.as_user('dora', $$SELECT live.join_session('of ben')$$), '53400', 'and no more');
SELECT is(pg_temp.as_user('carl', $$SELECT live.join_session('of ben') ->> 'role'$$), 'editor', 'a participant of a full session joins again');
SET LOCAL pg_live.max_participants = 2;
SELECT is(pg_temp.as_user('dora', $$SELECT live.join_session('public')$$), '53400', 'the setting holds for all sessions');
SELECT is(pg_temp.as_user('ben', 'SET LOCAL pg_live.max_participants = 3'), '42501', 'and a client cannot raise it');
RESET pg_live.max_participants;

-- Roles, by those who may and those who may not.
SELECT is(pg_temp.as_user(who, format('SELECT live.%s', replace(call, '$1', quote_literal(pg_temp.id_of('public'))))), state, format('%s calls %s', coalesce(who, 'the anonymous'), call))
FROM (VALUES ('ben', '42501'), ('dora', '42501'), (NULL, '42501')) AS w (who, state),
     unnest(array['set_role($1, ''ben'', ''owner'')', 'remove_participant($1, ''anna'')', 'end_session($1)', 'set_read_only($1, true)']) AS call;
SELECT is(pg_temp.as_user('dora', format('SELECT live.%s', replace(call, '$1', quote_literal(pg_temp.id_of('private'))))), 'P0002', format('a stranger calls %s of a private session', call))
FROM unnest(array['set_role($1, ''ben'', ''owner'')', 'remove_participant($1, ''anna'')', 'end_session($1)', 'set_read_only($1, true)', 'leave_session($1)']) AS call;
SELECT is(pg_temp.as_user('anna', format('SELECT live.%s', replace(call, '$1', quote_literal(pg_temp.id_of('public'))))), state, format('the owner calls %s: %s', call, state))
FROM (VALUES ('set_role($1, ''anna'', ''editor'')', '55000'), ('remove_participant($1, ''anna'')', '55000'), ('leave_session($1)', '55000'),
             ('set_role($1, ''dora'', ''viewer'')', 'P0002'), ('set_role($1, NULL, ''viewer'')', '22004'), ('set_role($1, ''ben'', NULL)', '22004'), ('set_role(NULL, ''ben'', ''viewer'')', '22004'),
             ('set_read_only($1, NULL)', '22004'), ('remove_participant($1, '''')', '22023'), ('remove_participant($1, ''dora'')', '')) AS c (call, state);
SELECT is(pg_temp.as_user('anna', format('SELECT live.set_role(%L, ''ben'', ''owner'')', pg_temp.id_of('public'))), '', 'ownership is given');
SELECT is(pg_temp.as_user('anna', format('SELECT live.leave_session(%L)', pg_temp.id_of('public'))), '', 'then the first owner may leave');
SELECT is(pg_temp.members('public'), 'ben:owner', 'and the other one stays');
SELECT is(pg_temp.told('public'), format('collab:user_joined ben, collab:user_changed ben, collab:user_left anna, access:revoked session:%s', pg_temp.id_of('public')), 'both are told, and the open subscriptions of who left end');

-- Removal.
SELECT is(pg_temp.as_user('carl', $$SELECT live.join_session('public') ->> 'role'$$), 'editor', 'carl joins');
SELECT is(pg_temp.as_user('carl', format('SELECT can_receive FROM live.topic_access(%L)', 'session:' || pg_temp.id_of('public'))), 'true', 'a participant receives its events');
SELECT is(pg_temp.as_user('ben', format('SELECT live.remove_participant(%L, ''carl'')', pg_temp.id_of('public'))), '', 'carl is removed');
SELECT is(pg_temp.as_user('carl', format('SELECT can_receive FROM live.topic_access(%L)', 'session:' || pg_temp.id_of('public'))), 'false', 'a removed one does not');
SELECT is((SELECT count(*) FROM live.event WHERE topic = 'user:carl' AND event = 'access:revoked'), 1::bigint, 'and open subscriptions end');

-- The end.
SELECT is(pg_temp.as_user('ben', format('SELECT live.end_session(%L)', pg_temp.id_of('public'))), '', 'an owner ends it');
SELECT is((SELECT status || ' ' || (ended_at IS NOT NULL) FROM live.collaboration_sessions WHERE room_name = 'public'), 'ended true', 'it has ended');
SELECT matches(pg_temp.told('public'), 'collab:ended, access:revoked session:[-0-9a-f]+$', 'which all are told before their subscriptions end');
SELECT is(pg_temp.as_user('ben', format('SELECT live.%s(%L)', call, pg_temp.id_of('public'))), 'P0002', call || ' finds no session that ended')
FROM unnest('{end_session,leave_session,get_document}'::text[]) AS call;
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('public')$$), 'P0002', 'nor does one join it');
SELECT is(pg_temp.as_user('carl', format('SELECT live.leave_session(%L)', pg_temp.id_of('new'))), '', 'the last participant leaves');
SELECT is((SELECT status::text FROM live.collaboration_sessions WHERE room_name = 'new'), 'ended', 'and the session ends');
SELECT is(pg_temp.as_user('ben', $$SELECT (live.create_session('new')).room_name$$), 'new', 'its name is free again');
SELECT is(pg_temp.as_user('ben', statement), '42501', statement) FROM unnest(array[
  $$INSERT INTO live.session_participants (session_id, user_id, role) SELECT pg_temp.id_of('private'), 'ben', 'owner'$$, $$UPDATE live.session_participants SET role = 'owner'$$,
  $$DELETE FROM live.collaboration_sessions$$, $$UPDATE live.collaboration_sessions SET head = 0$$]) AS statement;

-- A session that nobody takes part in, as rows of an app may be.
INSERT INTO live.collaboration_sessions (room_name, created_by, is_public) VALUES ('empty', 'app', true);
SELECT is(pg_temp.as_user('dora', format('SELECT live.leave_session(%L)', pg_temp.id_of('empty'))), '', 'who is no participant leaves a public session');
SELECT is((SELECT status::text FROM live.collaboration_sessions WHERE room_name = 'empty'), 'active', 'and does not end it');

SELECT finish();
ROLLBACK;
