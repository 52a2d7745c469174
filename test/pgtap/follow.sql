-- The follow graph: one's own edges, once; open subscriptions end with it.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

SELECT is(pg_temp.as_user('bob', $$SELECT live.follow('anna')$$), '', 'bob follows anna');
SELECT is(pg_temp.as_user('bob', $$SELECT live.follow('anna')$$), '', 'twice is once');
SELECT is(pg_temp.as_user('carl', $$SELECT live.follow('bob')$$), '', 'carl follows bob');
SELECT is(pg_temp.as_user('bob', $$SELECT string_agg(follower || '>' || followed, ' ' ORDER BY follower) FROM live_private.follow_edge$$), 'bob>anna carl>bob', 'one reads whom one follows and by whom one is followed');
SELECT is(pg_temp.as_user('anna', $$SELECT string_agg(follower || '>' || followed, ' ' ORDER BY follower) FROM live_private.follow_edge$$), 'bob>anna', 'and nothing of others');
SELECT is(pg_temp.as_user('dora', 'SELECT count(*) FROM live_private.follow_edge'), '0', 'a stranger nothing');
SELECT is(pg_temp.as_user(NULL, 'SELECT count(*) FROM live_private.follow_edge'), '0', 'nor the anonymous');
SELECT is(pg_temp.as_user(viewer, $$SELECT live.follows('anna')$$), (viewer = 'bob')::text, viewer || ' follows anna') FROM unnest('{anna,bob,carl}'::text[]) AS viewer;
SELECT is(pg_temp.as_user('bob', 'SELECT string_agg(f, '','') FROM live_private.my_follows() AS f'), 'anna', 'my_follows');
SELECT is(pg_temp.as_user(viewer, $$SELECT can_receive FROM live.topic_access('followers:anna')$$), (viewer = 'bob')::text, viewer || ' may receive what is for her followers')
FROM unnest('{anna,bob,carl}'::text[]) AS viewer;
SELECT is(pg_temp.as_user('bob', $$SELECT live.unfollow('anna')$$), '', 'bob unfollows');
SELECT is((SELECT payload ->> 'topic' FROM live.event WHERE topic = 'user:bob' AND event = 'access:revoked'), 'followers:anna', 'which ends his open subscriptions');
SELECT is(pg_temp.as_user('bob', $$SELECT live.follows('anna')$$), 'false', 'he does not follow any more');
SELECT is(pg_temp.as_user('bob', $$SELECT live.unfollow('anna')$$), '', 'twice is once');
SELECT is((SELECT count(*) FROM live.event WHERE topic = 'user:bob' AND event = 'access:revoked'), 1::bigint, 'and told once');
SELECT is(pg_temp.as_user('carl', $$SELECT live.follows('bob')$$), 'true', 'others go on following');
SELECT is(pg_temp.as_user('bob', format('SELECT live.follow(%s)', bad)), state, format('follow(%s)', left(bad, 40))) FROM (VALUES
  ('NULL', '22004'), ('''''', '22023'), ('repeat(''x'', 256)', '22023'), ('E''a\x01''', '22023'), ('''bob''', '22023')) AS bad (bad, state);
SELECT is(pg_temp.as_user('bob', format('SELECT live.unfollow(%s)', bad)), state, format('unfollow(%s)', left(bad, 40))) FROM (VALUES
  ('NULL', '22004'), ('''''', '22023'), ('repeat(''x'', 256)', '22023'), ('E''a\x01''', '22023')) AS bad (bad, state);
SELECT is(pg_temp.as_user(NULL, format('SELECT live.%s(''anna'')', name)), '42501', name || ' by the anonymous') FROM unnest('{follow,unfollow}'::text[]) AS name;
SELECT is(pg_temp.as_user('bob', statement), '42501', statement) FROM unnest(ARRAY[
  $$INSERT INTO live_private.follow_edge VALUES ('bob', 'anna')$$, 'DELETE FROM live_private.follow_edge', $$UPDATE live_private.follow_edge SET followed = 'anna'$$]) AS statement;

-- The follows of one user are bounded.
SET LOCAL pg_live.max_follows = 2;
SELECT is(pg_temp.as_user('dora', format('SELECT live.follow(%L)', whom)), state, format('dora follows %s of at most two: %s', whom, state))
FROM (VALUES ('one', ''), ('two', ''), ('three', '54000'), ('two', '')) AS follow (whom, state);
SELECT is((SELECT count(*) FROM live_private.follow_edge WHERE follower = 'dora'), 2::bigint, 'none beyond the limit is stored');
SELECT is(pg_temp.as_user('dora', $$SELECT live.unfollow('one')$$) || pg_temp.as_user('dora', $$SELECT live.follow('three')$$), '', 'in place of another one it is');
SELECT is(pg_temp.as_user('erik', $$SELECT live.follow('one')$$), '', 'the follows of one user do not count for another');
SELECT is(pg_temp.as_user('dora', 'SET LOCAL pg_live.max_follows = 3'), '42501', 'a client cannot raise the limit');
SELECT throws_ok(format('SET LOCAL pg_live.max_follows = %L', bad), '22023', NULL, 'max_follows of ' || bad) FROM unnest('{0,-1,x,10000001}'::text[]) AS bad;

SELECT finish();
ROLLBACK;
