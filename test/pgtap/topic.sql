-- Who may receive and send on which topic, as each kind of user; which rule counts; and that no argument of a client is
-- ever executed. What the rules look like in use is in sql/topic.sql.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO anon, authenticated, service_role;
CREATE FUNCTION app.anybody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
CREATE FUNCTION app.nobody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false';
CREATE FUNCTION app.members(topic text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT live.user_id() = 'anna' OR live.jwt_role() = 'service_role' $$;
CREATE FUNCTION app.as_themselves(topic text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT current_user = 'authenticated' AND NOT has_table_privilege('live_private.topic_rule', 'SELECT') $$;
DO $$
BEGIN
  PERFORM live.set_topic_rule('room:*', 'app.members(text)', 'app.members(text)');
  PERFORM live.set_topic_rule('open', 'app.anybody(text)', 'app.anybody(text)');
  PERFORM live.set_topic_rule('closed:*');
  PERFORM live.set_topic_rule('mailbox:*', send_check => 'app.anybody(text)');
  PERFORM live.set_topic_rule('self', 'app.as_themselves(text)', 'app.as_themselves(text)');
END
$$;

-- Runs a statement with a role and claims: its single value, or the error's code.
CREATE FUNCTION pg_temp.as_user(role text, claims text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  PERFORM set_config('role', role, true), set_config('request.jwt.claims', claims, true);
  EXECUTE statement INTO result;
  RAISE 'rolled back' USING ERRCODE = 'UNDO1';
EXCEPTION WHEN OTHERS THEN
  RETURN CASE SQLSTATE WHEN 'UNDO1' THEN result ELSE SQLSTATE END;
END
$$;
-- r: may receive, s: may send.
CREATE FUNCTION pg_temp.access(role text, claims text, topic text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user(role, claims, format('SELECT CASE WHEN can_receive THEN ''r'' ELSE ''-'' END || CASE WHEN can_send THEN ''s'' ELSE ''-'' END FROM live.topic_access(%L)', topic))
$$;
CREATE TEMP TABLE matrix (topic text, anonymous text, anna text, ben text, service text);
INSERT INTO matrix VALUES
  ('presence',                    '--', 'r-', 'r-', '--'), -- the signed in; a service is not signed in
  ('activity',                    'r-', 'r-', 'r-', 'r-'),
  ('user:anna',                   '--', 'r-', '--', '--'),
  ('user:ben',                    '--', '--', 'r-', '--'),
  ('user:',                       '--', '--', '--', '--'),
  ('user:anna:x',                 '--', '--', '--', '--'),
  ('User:anna',                   '--', '--', '--', '--'),
  ('followers:anna',              '--', '--', '--', '--'),
  ('session:0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f10', '--', '--', '--', '--'),
  ('$access',                     '--', '--', '--', '--'),
  ('$anything',                   '--', '--', '--', '--'),
  ('typing:lobby',                '--', 'r-', 'r-', '--'), -- no rule for lobby: the signed in
  ('typing:room:1',               '--', 'r-', '--', 'r-'), -- as the rule of room:1
  ('typing:open',                 'r-', 'r-', 'r-', 'r-'),
  ('typing:closed:1',             '--', '--', '--', '--'), -- a rule without a check: nobody
  ('typing:mailbox:1',            '--', '--', '--', '--'),
  ('typing:presence',             '--', 'r-', 'r-', '--'), -- as the rule of the built-in topic, for the signed in
  ('typing:activity',             '--', 'r-', 'r-', '--'),
  ('typing:user:anna',            '--', 'r-', '--', '--'),
  ('typing:session:1',            '--', '--', '--', '--'),
  ('typing:$access',              '--', '--', '--', '--'),
  ('typing:typing:lobby',         '--', '--', '--', '--'),
  ('room:1',                      '--', 'rs', '--', 'rs'),
  ('room:',                       '--', 'rs', '--', 'rs'),
  ('room',                        '--', '--', '--', '--'),
  ('open',                        'r-', 'rs', 'rs', 'rs'),
  ('opened',                      '--', '--', '--', '--'),
  ('closed:1',                    '--', '--', '--', '--'),
  ('mailbox:1',                   '--', '-s', '-s', '-s'),
  ('self',                        '--', 'rs', 'rs', '--'),
  ('other',                       '--', '--', '--', '--'),
  ('*',                           '--', '--', '--', '--'),
  ('room:*',                      '--', 'rs', '--', 'rs'),
  ('',                            '--', '--', '--', '--'),
  (' presence',                   '--', '--', '--', '--'),
  (E'presence\n',                 '--', '--', '--', '--'),
  (E'other\nuser:anna',           '--', '--', '--', '--'),
  (E'a\x01',                      '--', '--', '--', '--'),
  (repeat('x', 10000),            '--', '--', '--', '--'),
  -- A name that no event can have is nowhere let in.
  ('room:' || repeat('x', 10000), '--', '--', '--', '--'),
  ('room:' || repeat('x', 1095),  '--', 'rs', '--', 'rs'),
  ('room:' || repeat('x', 1096),  '--', '--', '--', '--'),
  ('room:' || repeat('é', 548),   '--', '--', '--', '--'),
  (E'room:\x7f',                  '--', '--', '--', '--');
SELECT is(pg_temp.access(role, claims, topic), allowed, format('%s on %s', who, to_json(left(topic, 60))))
FROM matrix CROSS JOIN LATERAL (VALUES
  ('anonymous', 'anon', '', anonymous),
  ('anonymous with the key of the app', 'anon', '{"role": "anon"}', anonymous),
  ('anna', 'authenticated', '{"sub": "anna", "role": "authenticated"}', anna),
  ('ben', 'authenticated', '{"sub": "ben", "role": "authenticated"}', ben),
  ('the service', 'service_role', '{"role": "service_role"}', service)) AS users (who, role, claims, allowed);
SELECT is(pg_temp.as_user(role, claims, 'SELECT live.send(''open'', ''e'', ''{}'') > 0'), allowed, format('%s sends where the check says yes: %s', claims, allowed))
FROM (VALUES ('service_role', '{"role": "service_role"}', 'true'), ('anon', '{"role": "anon"}', '42501'), ('anon', '', '42501')) AS users (role, claims, allowed);
-- With malformed claims every request is anonymous.
SELECT is(pg_temp.access('authenticated', claims, topic), '--', format('%s on %s', claims, topic))
FROM unnest(ARRAY['not json', '{"sub": ""}', '{"sub": null}', '{"sub": 1}', '["anna"]', '{"sub": "anna\u0000"}']) AS claims,
     unnest('{presence,user:anna,user:,user:1,typing:lobby,room:1}'::text[]) AS topic;
SELECT is(pg_temp.access('authenticated', json_build_object('sub', name)::text, 'user:' || name), 'r-', format('user %s on their own topic', left(name, 20)))
FROM unnest(ARRAY['0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f10', 'auth0|1', 'a:b', '*', '%', repeat('😀', 255)]) AS name;
SELECT is(pg_temp.access('authenticated', '{"sub": "*"}', 'user:anna'), '--', 'a user named * is nobody else');
SELECT throws_ok('SELECT live.topic_access(NULL)', '22004', 'topic must not be null');

-- Access and what follows from it agree: send works where can_send, replay where can_receive.
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', format('SELECT live.send(%L, ''e'', ''{}'') IS NOT NULL', topic)),
          CASE WHEN anna LIKE '%s' THEN 'true' WHEN live_private.is_topic_name(topic) THEN '42501' ELSE '22023' END, format('anna sends to %s', to_json(left(topic, 60))))
FROM matrix;
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', format('SELECT count(*) >= 0 FROM live.replay(%L)', topic)),
          CASE WHEN anna LIKE 'r%' THEN 'true' WHEN live_private.is_topic_name(topic) THEN '42501' ELSE '22023' END, format('anna replays %s', to_json(left(topic, 60))))
FROM matrix;
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', $$SELECT live.send('room:' || repeat('x', 10000), 'e', '{}')$$), '22023', 'a topic of 10 kB is too long to send to');

-- What a client can send is bounded below what can be emitted, as it is stored and as text.
SET LOCAL pg_live.max_send_size = '2kB';
SELECT is(pg_temp.as_user('service_role', '{"role": "service_role"}', format('SELECT live.send(''open'', ''e'', %s, %L) > 0', payload, durable)), state,
          format('%s, durable %s: %s', payload, durable, state))
FROM (VALUES ($$to_jsonb(repeat('x', 2036))$$, 'true'), ($$to_jsonb(repeat('x', 2037))$$, '54000'), ($$'[1e2100]'$$, '54000')) AS sent (payload, state), unnest('{t,f}'::boolean[]) AS durable;
SELECT lives_ok($$SELECT live.emit('open', 'e', to_jsonb(repeat('x', 2037)))$$, 'the owner emits more');
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', 'SET LOCAL pg_live.max_send_size = 1024'), '42501', 'a client cannot raise the limit');
SELECT throws_ok(format('SET LOCAL pg_live.max_send_size = %L', bad), '22023', NULL, 'max_send_size of ' || bad) FROM unnest('{0,-1,x,257MB}'::text[]) AS bad;
RESET pg_live.max_send_size;

-- The most specific rule counts: the topic itself, else the longest prefix. Against a search from the longest prefix down.
DELETE FROM live_private.topic_rule;
CREATE FUNCTION pg_temp.rule_by_search(topic text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM live_private.topic_rule r WHERE r.pattern = topic) THEN
    RETURN topic;
  END IF;
  FOR size IN REVERSE length(topic) .. 0 LOOP
    IF EXISTS (SELECT FROM live_private.topic_rule r WHERE r.pattern = left(topic, size) || '*') THEN
      RETURN left(topic, size) || '*';
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.random_word(length integer) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(string_agg(substr('ab:%_é', 1 + floor(random() * 6)::integer, 1), ''), '') FROM generate_series(1, floor(random() * (length + 1))::integer)
$$;
SELECT setseed(0.42);
INSERT INTO live_private.topic_rule (pattern, receive_check)
SELECT DISTINCT word, word FROM (SELECT pg_temp.random_word(4) || CASE WHEN random() < 0.7 THEN '*' ELSE '' END AS word FROM generate_series(1, 300)) AS words
WHERE word <> '' AND random() < 0.5;
CREATE TEMP TABLE asked AS SELECT pg_temp.random_word(7) AS topic FROM generate_series(1, 3000);
SELECT is_empty($$
  SELECT topic, rule.receive_check, pg_temp.rule_by_search(topic) FROM asked LEFT JOIN LATERAL live_private.topic_rule_of(topic) AS rule ON true
  WHERE rule.receive_check IS DISTINCT FROM pg_temp.rule_by_search(topic) LIMIT 5
$$, 'of 3,000 topics each has the rule that a search from the longest prefix finds');
SELECT cmp_ok((SELECT count(DISTINCT pg_temp.rule_by_search(topic)) FROM asked), '>', 20::bigint, 'by many different rules');
DELETE FROM live_private.topic_rule;

-- No text of a client is executed. The canary would show in the claims, which any statement can set.
DO $$ BEGIN PERFORM live.set_topic_rule('room:*', 'app.anybody(text)', 'app.anybody(text)'); END $$;
CREATE TEMP TABLE hostile AS SELECT unnest(ARRAY[
  '(select set_config(''request.jwt.claims'', ''{"sub":"ben"}'', true)) is not null and live_private.is_built_in_topic',
  'x'') or set_config(''request.jwt.claims'', ''{"sub":"ben"}'', true) is not null --',
  'room:1''; select set_config(''request.jwt.claims'', ''{"sub":"ben"}'', true); --',
  'room:1") ; select 1; --', 'receive', 'send', 'send; drop schema app', '%s', '%I', '$1', '\', '"', '']) AS text;
CREATE FUNCTION pg_temp.user_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{"sub": "anna"}', true);
  BEGIN
    EXECUTE statement;
  EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN
    NULL; -- refused
  END;
  statement := live.user_id();
  PERFORM set_config('role', 'none', true);
  RETURN statement;
END
$$;
SELECT is(pg_temp.user_after(format(call, text)), 'anna', format(call, text))
FROM hostile, unnest(ARRAY['SELECT live_private.topic_rule_of(%L)',
  'SELECT live.topic_access(%L)', 'SELECT live_private.is_built_in_topic(%L)', 'SELECT live.claim(%L)', 'SELECT live.replay(%L)',
  'SELECT live.replay(''room:1'', %L)', 'SELECT live.send(%L, ''e'', ''{}'')', 'SELECT live.send(''room:1'', %L, ''{}'')']) AS call;

-- A check runs with the rights of the user, not of the extension's owner.
CREATE FUNCTION app.grab(topic text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM live_private.topic_rule; RETURN true; END $$;
DO $$ BEGIN PERFORM live.set_topic_rule('grab', 'app.grab(text)', 'app.grab(text)'); END $$;
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', 'SELECT can_send FROM live.topic_access(''grab'')'), '42501', 'a check has no rights of the owner');
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', 'SELECT live.send(''grab'', ''e'', ''{}'')'), '42501', 'nor when it is asked by send()');
-- One that the user may not execute denies too.
REVOKE EXECUTE ON FUNCTION app.anybody FROM PUBLIC;
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', 'SELECT can_receive FROM live.topic_access(''room:1'')'), '42501', 'a check that the user may not execute is an error');

-- Codes of the errors of admins.
SELECT throws_ok(call, state, NULL, call) FROM (VALUES
  ($$SELECT live.set_topic_rule(NULL)$$, '22023'), ($$SELECT live.set_topic_rule('')$$, '22023'), ($$SELECT live.set_topic_rule('a*b')$$, '22023'),
  ($$SELECT live.set_topic_rule('presence')$$, '22023'), ($$SELECT live.set_topic_rule(repeat('x', 2000))$$, '22023'),
  ($$SELECT live.set_topic_rule('a', 'pg_catalog.now()')$$, '42P13'), ($$SELECT live.set_topic_rule('a', 0)$$, '42P13'),
  ($$SELECT live.drop_topic_rule('absent')$$, '42704'), ($$SELECT live.drop_topic_rule(NULL)$$, '42704'),
  ($$SELECT live.revoke_access(NULL)$$, '22004')) AS bad (call, state);
-- Any user id has a topic that can be revoked.
SELECT lives_ok(format('SELECT live.revoke_access(''room:1'', %L)', repeat('😀', 255)), 'access of the longest user id can be revoked');

-- One rule for names: what can be emitted can be tracked, typed in, and have a rule of its own.
SELECT is(pg_temp.as_user('authenticated', '{"sub": "anna"}', format('SELECT live.set_typing(%L, true)', repeat('x', length))), outcome, format('typing at a location of %s bytes', length))
FROM (VALUES (256, ''), (1093, ''), (1094, '22023')) AS location (length, outcome);
SELECT is(pg_temp.as_user('postgres', '', format('SELECT live.set_topic_rule(%L)', repeat('x', length))), outcome, format('a rule for a topic of %s bytes', length))
FROM (VALUES (256, ''), (1100, ''), (1101, '22023')) AS pattern (length, outcome);

SELECT finish();
ROLLBACK;
