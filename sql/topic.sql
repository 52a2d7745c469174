-- Topics: the app's rules, who passes them, and sending. Who may use the built-in topics is in test/pgtap/topic.sql.
\set SHOW_CONTEXT never
\pset null NULL

-- An app with rooms: members receive, and may speak unless muted. Checks are the app's own functions.
CREATE TABLE member (room text, user_id text, muted boolean);
INSERT INTO member VALUES ('1', 'anna', false), ('1', 'ben', true), ('2', 'ben', false);
CREATE FUNCTION may_read(topic text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT EXISTS (SELECT FROM member WHERE 'room:' || room = topic AND user_id = live.user_id()) $$;
CREATE FUNCTION may_speak(topic text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT EXISTS (SELECT FROM member WHERE 'room:' || room = topic AND user_id = live.user_id() AND NOT muted) $$;
CREATE FUNCTION everybody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
CREATE FUNCTION nobody(topic text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT NULL::boolean';

-- What the current user may do on some topics.
CREATE FUNCTION access(VARIADIC topics text[]) RETURNS TABLE (topic text, can_receive boolean, can_send boolean) LANGUAGE sql AS
$$ SELECT asked.topic, a.can_receive, a.can_send FROM unnest(topics) AS asked (topic) CROSS JOIN LATERAL live.topic_access(asked.topic) AS a $$;

-- No rule, no access.
SET request.jwt.claims = '{"sub": "anna"}';
SELECT * FROM access('room:1', 'news');

-- Rules by prefix and by name; the most specific counts, alone.
SELECT live.set_topic_rule('room:*', 'may_read(text)', 'may_speak(text)');
SELECT live.set_topic_rule('room:lobby', 'everybody(text)');
SELECT live.set_topic_rule('room:private:*', 'nobody(text)', 'nobody(text)');
SELECT live.set_topic_rule('news', receive_check => 'everybody(text)');
SELECT pattern, receive_check, send_check FROM live_private.topic_rule ORDER BY pattern COLLATE "C";
SELECT * FROM access('room:1', 'room:2', 'room:', 'room', 'Room:1', 'room:lobby', 'room:lobby:2', 'room:private:1', 'news', 'news:1', 'new');
SET request.jwt.claims = '{"sub": "ben"}';
SELECT * FROM access('room:1', 'room:2', 'room:lobby');
-- Nobody sends without a user, whatever the check says.
SELECT live.set_topic_rule('open', 'everybody(text)', 'everybody(text)');
SELECT * FROM access('open');
RESET request.jwt.claims;
SELECT * FROM access('room:1', 'room:lobby', 'open');

-- A rule is replaced as a whole, and dropped.
SET request.jwt.claims = '{"sub": "anna"}';
SELECT live.set_topic_rule('news', send_check => 'everybody(text)');
SELECT * FROM access('news');
SELECT live.drop_topic_rule('news');
SELECT * FROM access('news');
SELECT live.drop_topic_rule('news');
SELECT live.drop_topic_rule(NULL);

-- Patterns that are none, and built-in topics, are refused.
SELECT live.set_topic_rule(NULL);
SELECT live.set_topic_rule('');
SELECT live.set_topic_rule('a*b');
SELECT live.set_topic_rule('a**');
SELECT live.set_topic_rule(E'a\nb');
SELECT live.set_topic_rule(repeat('x', 2000));
SELECT live.set_topic_rule('presence');
SELECT live.set_topic_rule('user:*');
SELECT live.set_topic_rule('session:1');
SELECT live.set_topic_rule('$access');

-- LIKE and regular expression characters have no meaning.
SELECT live.set_topic_rule('100%_(a|b)*', 'everybody(text)');
SELECT * FROM access('100%_(a|b)1', '100xx_a', '100%_a');
SELECT live.drop_topic_rule('100%_(a|b)*');

-- A pattern * stands for every topic of the app, and for no built-in one.
SELECT live.set_topic_rule('*', 'everybody(text)', 'everybody(text)');
SELECT * FROM access('whatever', 'room:lobby', 'room:private:1', 'user:ben', 'session:1', 'followers:ben', '$access');
SELECT live.drop_topic_rule('*');

-- Functions that are no checks are refused.
CREATE FUNCTION no_arguments() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION two_arguments(a text, b text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION other_argument(a integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION other_result(topic text) RETURNS text LANGUAGE sql AS 'SELECT topic';
CREATE FUNCTION a_set(topic text) RETURNS SETOF boolean LANGUAGE sql AS 'SELECT true';
SELECT live.set_topic_rule('bad', 'no_arguments()');
SELECT live.set_topic_rule('bad', 'two_arguments(text, text)');
SELECT live.set_topic_rule('bad', 'other_argument(integer)');
SELECT live.set_topic_rule('bad', 'other_result(text)');
SELECT live.set_topic_rule('bad', 'a_set(text)');
SELECT live.set_topic_rule('bad', 'everybody(text)', 'bool_and(boolean)');
SELECT live.set_topic_rule('bad', 'absent(text)');
SELECT count(*) FROM live_private.topic_rule WHERE pattern = 'bad';

-- Names are kept quoted: a check of any name, in any schema, is called and nothing else.
CREATE SCHEMA "my ""App";
CREATE FUNCTION "my ""App"."may(), pg_sleep"(topic text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT live.set_topic_rule('odd', '"my ""App"."may(), pg_sleep"(text)');
SELECT receive_check FROM live_private.topic_rule WHERE pattern = 'odd';
SELECT * FROM access('odd');

-- A check that raises, or is gone, gives an error and no access.
CREATE FUNCTION raises(topic text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'no answer for %', topic; END $$;
SELECT live.set_topic_rule('odd', 'raises(text)', 'everybody(text)');
SELECT * FROM live.topic_access('odd');
SELECT live.send('odd', 'e', '{}');
DROP FUNCTION raises(text);
SELECT * FROM live.topic_access('odd');
SELECT live.drop_topic_rule('odd');

-- Checks do not see the caller's search path.
CREATE FUNCTION path(topic text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN current_setting('search_path') = 'pg_catalog, pg_temp'; END $$;
SELECT live.set_topic_rule('path', 'path(text)');
SET search_path = "my ""App", public;
SELECT can_receive FROM live.topic_access('path');
RESET search_path;
SELECT live.drop_topic_rule('path');
DROP SCHEMA "my ""App" CASCADE;

-- Sending: for those who may, and as live.emit() otherwise.
SELECT coalesce(live.publish(), 0) AS start \gset
SET request.jwt.claims = '{"sub": "anna"}';
SELECT live.send('room:1', 'said', '{"text": "hello"}') IS NOT NULL AS sent;
SELECT live.send(topic => 'room:1', event => 'said', payload => '2', durable => true) IS NOT NULL AS sent;
SELECT live.send('room:2', 'said', '3');
SELECT live.send('room:lobby', 'said', '3');
SELECT live.send('news', 'said', '3');
SELECT live.send('presence', 'said', '3');
SELECT live.send('user:anna', 'access:revoked', '3');
SELECT live.send('$access', 'access:revoked', '3');
SELECT live.send('', 'said', '3');
SELECT live.send(NULL, 'said', '3');
SELECT live.send('room:1', NULL, '3');
SELECT live.send('room:1', 'said', NULL);
SELECT live.send('room:1', 'said', '3', NULL);
SELECT live.send('room:1', '', '3');
SET request.jwt.claims = '{"sub": "ben"}';
SELECT live.send('room:1', 'said', '4');
RESET request.jwt.claims;
SELECT live.send('open', 'said', '5');
SELECT live.publish() > :start AS published;
SELECT topic, event, payload, durable FROM live.fetch_events(:start);

-- Access is asked again for each row, as the user of that moment.
SET request.jwt.claims = '{"sub": "anna"}';
SELECT topic, can_receive FROM access('room:1') UNION ALL
SELECT set_config('request.jwt.claims', '{"sub": "nobody"}', false), NULL UNION ALL
SELECT topic, can_receive FROM access('room:1');
RESET request.jwt.claims;

-- Every change of a rule, and revoke_access(), tells the bridges which subscriptions to look at.
SELECT live.publish() AS start \gset
SELECT live.set_topic_rule('room:*', 'nobody(text)');
SELECT live.drop_topic_rule('room:*');
SELECT live.revoke_access('room:1');
SELECT live.revoke_access('room:*', 'anna');
SELECT live.revoke_access(topic => 'room:1', user_id => 'anna');
BEGIN;
SELECT live.revoke_access('undone');
ROLLBACK;
SELECT live.revoke_access(NULL);
SELECT live.publish() > :start AS published;
SELECT topic, event, payload, durable FROM live.fetch_events(:start);

SELECT live.drop_topic_rule(pattern) FROM live_private.topic_rule;
DROP FUNCTION access, may_read, may_speak, everybody, nobody, no_arguments, two_arguments, other_argument, other_result, a_set;
DROP FUNCTION path(text);
DROP TABLE member;
