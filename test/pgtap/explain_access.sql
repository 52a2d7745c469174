-- Which rule and which check decide about a topic, as an admin asks for a user; that asking changes nothing; and who may not.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO anon, authenticated;
CREATE TABLE app.asked (topic text);
GRANT INSERT ON app.asked TO authenticated;
CREATE FUNCTION app.members(topic text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT live.user_id() = 'anna' $$;
CREATE FUNCTION app.anybody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
CREATE FUNCTION app.fails(topic text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'no answer for %', topic; END $$;
CREATE FUNCTION app.notes(topic text) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO app.asked VALUES (topic); SELECT current_user = 'authenticated' $$;
DO $$
BEGIN
  PERFORM live.set_topic_rule('room:*', 'app.members(text)', 'app.anybody(text)');
  PERFORM live.set_topic_rule('room:quiet', 'app.anybody(text)');
  PERFORM live.set_topic_rule('room:broken', 'app.fails(text)');
  PERFORM live.set_topic_rule('notes', 'app.notes(text)', 'app.notes(text)');
END
$$;

-- The steps in one line; of a rule without the time since when it is.
CREATE FUNCTION pg_temp.explained(topic text, user_id text DEFAULT NULL, role name DEFAULT 'authenticated') RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s=%s:%s%s', step, regexp_replace(decided_by, ', since .*', ''), coalesce(can_receive::text, '-'), '/' || coalesce(can_send::text, '-')), ' | ')
  FROM live.explain_access(topic, user_id, role)
$$;
SELECT is(pg_temp.explained(topic, user_id, role), expected, format('%s to %s as %s', topic, coalesce(user_id, 'one without a user'), role))
FROM (VALUES
  ('room:1', 'anna', 'authenticated', 'rule=room:*:-/- | check for receiving=app.members:true/- | check for sending=app.anybody:-/true | result=live.topic_access(text):true/true'),
  ('room:1', 'ben', 'authenticated', 'rule=room:*:-/- | check for receiving=app.members:false/- | check for sending=app.anybody:-/true | result=live.topic_access(text):false/true'),
  ('room:1', NULL, 'anon', 'rule=room:*:-/- | check for receiving=app.members:false/- | check for sending=app.anybody:-/true | sender=anonymous requests cannot send:-/false | result=live.topic_access(text):false/false'),
  ('room:quiet', 'ben', 'authenticated', 'rule=room:quiet:-/- | check for receiving=app.anybody:true/- | result=live.topic_access(text):true/false'),
  ('room:broken', 'ben', 'authenticated', 'rule=room:broken:-/- | check for receiving=app.fails fails: no answer for room:broken:-/- | result=live.topic_access(text) fails: no answer for room:broken:false/false'),
  ('typing:room:1', 'anna', 'authenticated', 'rule=room:*:-/- | check for receiving=app.members:true/- | result=live.topic_access(text):true/false'),
  ('typing:hall', 'anna', 'authenticated', 'rule=there is none for hall:true/false | result=live.topic_access(text):true/false'),
  ('hall', 'anna', 'authenticated', 'rule=there is none for hall:false/false | result=live.topic_access(text):false/false'),
  ('user:anna', 'anna', 'authenticated', 'built-in rule=that user receives:-/false | result=live.topic_access(text):true/false'),
  ('user:anna', 'ben', 'authenticated', 'built-in rule=that user receives:-/false | result=live.topic_access(text):false/false'),
  ('presence', NULL, 'anon', 'built-in rule=signed-in users receive:-/false | result=live.topic_access(text):false/false'),
  ('activity', NULL, 'anon', 'built-in rule=everyone receives:-/false | result=live.topic_access(text):true/false'),
  ('$access', 'anna', 'authenticated', 'built-in rule=no user receives:-/false | result=live.topic_access(text):false/false'),
  ('', 'anna', 'authenticated', 'name=no event can have this topic:false/false | result=live.topic_access(text):false/false'),
  (repeat('x', 2000), 'anna', 'authenticated', 'name=no event can have this topic:false/false | result=live.topic_access(text):false/false')
) AS asked (topic, user_id, role, expected);
SELECT matches((SELECT decided_by FROM live.explain_access('room:1') WHERE step = 'rule'), '^room:\*, since ' || to_char(now(), 'YYYY-MM-DD'), 'it says since when the rule is');

-- The result is what the user has, whatever the topic.
CREATE FUNCTION pg_temp.access_of(user_id text, topic text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  PERFORM set_config('role', 'authenticated', true), set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
  SELECT a::text INTO result FROM live.topic_access(topic) AS a;
  PERFORM set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  RETURN result;
END
$$;
SELECT is((SELECT (can_receive, can_send)::text FROM live.explain_access(topic, 'anna') WHERE step = 'result'), pg_temp.access_of('anna', topic), topic || ' is as topic_access() says')
FROM unnest('{room:1,room:quiet,hall,typing:hall,typing:typing:hall,typing:presence,user:anna,user:ben,followers:ben,activity,$x,session:00000000-0000-4000-8000-000000000001}'::text[]) AS topic;

-- Asking changes nothing.
SELECT is(pg_temp.explained('notes', 'anna'), 'rule=notes:-/- | check for receiving=app.notes:true/- | check for sending=app.notes:-/true | result=live.topic_access(text):true/true',
  'checks run as the user');
SELECT is_empty('TABLE app.asked', 'what they write is undone');
SELECT is(current_user::text || coalesce(nullif(current_setting('request.jwt.claims', true), ''), '-'), session_user::text || '-', 'role and claims are as before');

-- What cannot be asked, and by whom.
SELECT throws_ok(statement, state, NULL, statement) FROM (VALUES
  ($$SELECT live.explain_access(NULL)$$, '22004'), ($$SELECT live.explain_access('room:1', role => NULL)$$, '22004'),
  ($$SELECT live.explain_access('room:1', '')$$, '22023'), ($$SELECT live.explain_access('room:1', repeat('x', 256))$$, '22023'),
  ($$SELECT live.explain_access('room:1', E'a\nb')$$, '22023'), ($$SELECT live.explain_access('room:1', 'anna', 'nobody at all')$$, '42704'),
  ($$SELECT live.explain_access('room:1', 'anna', 'none')$$, '42704')) AS refused (statement, state);
CREATE ROLE helpdesk;
GRANT USAGE ON SCHEMA live, live_private TO helpdesk;
SET ROLE authenticated;
SELECT throws_ok($$SELECT live.explain_access('room:1')$$, '42501', NULL, 'a client may not ask');
SELECT throws_ok($$SELECT live_private.answer_as('ben', 'authenticated', 'SELECT true', 'x')$$, '42501', NULL, 'nor act for another');
SET ROLE helpdesk;
SELECT throws_ok($$SELECT live.explain_access('room:1')$$, '42501', NULL, 'nor may another role that was not granted it');
RESET ROLE;

SELECT finish();
ROLLBACK;
