-- What happened on the topic presence is replayed to whoever may see whose presence it was, by the rule in force now.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE FUNCTION public.as_user(id text) RETURNS void LANGUAGE sql AS
$$ SELECT set_config('request.jwt.claims', format('{"sub": %s}', to_jsonb(id)), false) $$;
CREATE SEQUENCE public.asked MINVALUE 0;
CREATE FUNCTION public.is_friend(id text) RETURNS boolean LANGUAGE sql AS
$$ SELECT nextval('public.asked'); SELECT live.user_id() = 'vera' AND id = 'bert' $$;

SELECT live.publish() IS NOT NULL AS starts \g /dev/null
SELECT public.as_user('bert') \g /dev/null
SELECT (live.heartbeat('00000000-0000-4000-8000-0000000000b1')).status;
SELECT public.as_user('carl') \g /dev/null
SELECT (live.heartbeat('00000000-0000-4000-8000-0000000000c1')).status;
SELECT live.set_presence_visibility('function', 'public.is_friend(text)') \g /dev/null
SELECT (live.update_presence('busy')).status;
SELECT public.as_user('bert') \g /dev/null
SELECT (live.update_presence('busy')).status;
SELECT live.go_offline();
SELECT live.publish() IS NOT NULL AS published;

-- The friend sees what happened before the rule and after, of the one user.
SELECT public.as_user('vera') \g /dev/null
SELECT payload ->> 'user_id' AS who, payload ->> 'previous_status' AS "from", payload ->> 'status' AS "to" FROM live.replay('presence');
-- A page is full although what lies between is not the viewer's.
SELECT payload ->> 'user_id' AS who, payload ->> 'status' AS "to" FROM live.replay('presence', max_events => 2);
SELECT payload ->> 'status' AS "to" FROM live.replay('presence', (SELECT "position" FROM live.replay('presence', max_events => 1)), max_events => 1);
SELECT public.as_user('carl') \g /dev/null
SELECT payload ->> 'user_id' AS who, payload ->> 'status' AS "to" FROM live.replay('presence');
SELECT public.as_user('nobody') \g /dev/null
-- The app's function is asked for each user of a page and not for each event; the pages that follow a small one are larger.
SELECT setval('public.asked', 0) \g /dev/null
SELECT count(*) FROM live.replay('presence');
SELECT last_value AS asked FROM public.asked;
SELECT setval('public.asked', 0) \g /dev/null
SELECT count(*) FROM live.replay('presence', max_events => 1);
SELECT last_value AS asked FROM public.asked;
-- With the rule everybody sees everyone, in the order it happened.
SELECT live.set_presence_visibility('everyone') \g /dev/null
SELECT payload ->> 'user_id' AS who, payload ->> 'status' AS "to" FROM live.replay('presence');
RESET request.jwt.claims;
SELECT count(*) FROM live.replay('presence');
DROP FUNCTION public.as_user, public.is_friend;
DROP SEQUENCE public.asked;
