-- The helpers for policies, as each kind of user; what the tables behind them show; and the plan of the form that the
-- README tells apps to write.
\unset ECHO
BEGIN;
SELECT no_plan();

\ir support/as_user.sql
\set room '00000000-0000-4000-8000-000000000001'
\set ended '00000000-0000-4000-8000-000000000002'
\set public '00000000-0000-4000-8000-000000000003'
INSERT INTO live.collaboration_sessions (id, room_name, status, is_public, created_by) VALUES
  (:'room', 'room', 'active', false, 'olga'), (:'ended', 'ended', 'ended', false, 'olga'), (:'public', 'public', 'active', true, 'olga');
INSERT INTO live.session_participants (session_id, user_id, role) VALUES
  (:'room', 'olga', 'owner'), (:'room', 'ed', 'editor'), (:'room', 'vera', 'viewer'),
  (:'ended', 'olga', 'owner'), (:'ended', 'xenia', 'owner'), (:'public', 'olga', 'owner');
INSERT INTO live_private.follow_edge (follower, followed) VALUES ('ed', 'olga'), ('olga', 'vera');

SELECT is(pg_temp.as_user(who, format('SELECT live.is_participant(%L, %L)', session, at_least)), expected::text,
          format('is_participant: %s, at least %s, in %s', coalesce(who, 'anonymous'), at_least, session))
FROM (VALUES
  ('olga', :'room', 'owner', true), ('ed', :'room', 'owner', false), ('ed', :'room', 'editor', true), ('ed', :'room', 'viewer', true),
  ('vera', :'room', 'editor', false), ('vera', :'room', 'viewer', true), ('xenia', :'room', 'viewer', false),
  ('xenia', :'ended', 'viewer', false), (NULL, :'room', 'viewer', false), ('ed', :'public', 'viewer', false)) AS t (who, session, at_least, expected);
SELECT is(pg_temp.as_user(who, 'SELECT array_agg(s ORDER BY s)::text FROM live.my_sessions() AS s'), expected, format('my_sessions: %s', coalesce(who, 'anonymous')))
FROM (VALUES ('olga', format('{%s,%s}', :'room', :'public')), ('ed', format('{%s}', :'room')), ('xenia', NULL), (NULL, NULL)) AS t (who, expected);
SELECT is(pg_temp.as_user(who, format('SELECT live.shares_session_with(%L)', other)), expected::text, format('shares_session_with: %s and %s', coalesce(who, 'anonymous'), other))
FROM (VALUES ('olga', 'vera', true), ('vera', 'ed', true), ('xenia', 'olga', false), ('olga', 'nobody', false), (NULL, 'olga', false)) AS t (who, other, expected);
SELECT is(pg_temp.as_user(who, format('SELECT live.follows(%L)', other)), expected::text, format('follows: %s, %s', coalesce(who, 'anonymous'), other))
FROM (VALUES ('ed', 'olga', true), ('olga', 'ed', false), ('olga', 'vera', true), ('xenia', 'olga', false), (NULL, 'olga', false)) AS t (who, other, expected);

-- The tables themselves.
SELECT is(pg_temp.as_user(who, statement), expected, format('%s: %s', coalesce(who, 'anonymous'), statement)) FROM (VALUES
  ('ed', 'SELECT count(*) FROM live.session_participants', '3'), ('xenia', 'SELECT count(*) FROM live.session_participants', '0'),
  (NULL, 'SELECT count(*) FROM live.session_participants', '0'), ('olga', 'SELECT count(*) FROM live.session_participants', '4'),
  ('ed', 'SELECT count(*) FROM live.collaboration_sessions', '2'), ('xenia', 'SELECT count(*) FROM live.collaboration_sessions', '1'),
  (NULL, 'SELECT count(*) FROM live.collaboration_sessions', '0'),
  ('ed', 'SELECT count(*) FROM live_private.follow_edge', '1'), ('olga', 'SELECT count(*) FROM live_private.follow_edge', '2'),
  ('xenia', 'SELECT count(*) FROM live_private.follow_edge', '0'), (NULL, 'SELECT count(*) FROM live_private.follow_edge', '0')) AS t (who, statement, expected);

-- Topics that depend on them.
SELECT is(pg_temp.as_user(who, format('SELECT can_receive FROM live.topic_access(%L)', topic)), expected::text, format('%s receives %s', coalesce(who, 'anonymous'), topic))
FROM (VALUES
  ('ed', 'session:' || :'room', true), ('xenia', 'session:' || :'room', false), (NULL, 'session:' || :'room', false), ('xenia', 'session:' || :'ended', false),
  ('ed', 'session:not a session', false), ('ed', 'session:' || upper(:'room') || 'x', false),
  ('ed', 'followers:olga', true), ('olga', 'followers:ed', false), (NULL, 'followers:olga', false)) AS t (who, topic, expected);

-- The form for policies is an index condition, computed once.
CREATE TABLE public.note (session_id uuid, body text);
INSERT INTO public.note SELECT gen_random_uuid(), 'x' FROM generate_series(1, 20000);
INSERT INTO public.note VALUES (:'room', 'ours');
CREATE INDEX note_session_idx ON public.note (session_id);
ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY participants ON public.note FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
GRANT SELECT ON public.note TO authenticated;
ANALYZE public.note;
SELECT is(pg_temp.as_user('vera', 'SELECT string_agg(body, '','') FROM public.note'), 'ours', 'a policy shows what is of one''s sessions');
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM public.note'; END $$;
SELECT matches(pg_temp.as_user('vera', 'SELECT string_agg(line, '' '') FROM pg_temp.plan() AS line'), 'Index Cond: \(session_id = ANY \((\$0|\(InitPlan 1\).col1)\)\)', 'by index');

SELECT finish();
ROLLBACK;
