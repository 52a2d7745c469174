-- What bridges call: nodes and their connections, many at a time, with every argument that makes no sense.
\unset ECHO
BEGIN;
SELECT no_plan();

\set node '10000000-0000-4000-8000-000000000001'
\set tab '00000000-0000-4000-8000-000000000001'
\set phone '00000000-0000-4000-8000-000000000002'
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS void LANGUAGE sql AS $$ SELECT set_config('pg_live.clock_offset', seconds::text, true) $$;
CREATE FUNCTION pg_temp.status(name text) RETURNS text LANGUAGE sql AS $$ SELECT status::text FROM live_private.true_presence WHERE user_id = name $$;
CREATE TEMP VIEW announced AS
SELECT count(*) FROM live.event WHERE topic = 'presence' AND payload ->> 'user_id' = 'anna';

SELECT throws_ok(format('SELECT live_private.connect_users(%L, %L, %L)', :'node', ARRAY[:'tab'::uuid], '{anna}'), '55000', NULL, 'connecting needs a registered node');
SELECT lives_ok(format('SELECT live_private.register_node(%L, ''20 seconds'')', :'node'), 'a node registers');
SELECT ok(live_private.renew_node(:'node', '20 seconds'), 'and renews');
SELECT ok(NOT live_private.renew_node(gen_random_uuid()), 'an unknown one does not');
SELECT lives_ok(format('SELECT live_private.connect_users(%L, %L, %L, %L)', :'node', ARRAY[:'tab', :'phone']::uuid[], '{anna,anna}', '{web,mobile}'), 'two tabs of one user');
SELECT results_eq('TABLE announced', ARRAY[1::bigint], 'are one event');
SELECT lives_ok(format('SELECT live_private.connect_users(%L, %L, %L)', :'node', ARRAY[:'tab']::uuid[], '{anna}'), 'connecting again');
SELECT is(live_private.count_connections(), 2::bigint, 'changes nothing');
SELECT is(live.status() -> 'connections', '2', 'live.status() counts them');
SELECT lives_ok(format('SELECT live_private.disconnect_users(%L, true)', ARRAY[:'tab']::uuid[]), 'one closes');
SELECT is(pg_temp.status('anna'), 'online', 'the user is still online');
SELECT lives_ok(format('SELECT live_private.disconnect_users(%L, false)', ARRAY[:'phone']::uuid[]), 'the other breaks off');
SELECT is(pg_temp.status('anna'), 'online', 'the user is still online for the grace period');
SELECT lives_ok($$SELECT live_private.disconnect_users('{00000000-0000-4000-8000-000000000002}', true)$$, 'what broke off is not closed a second time');
SELECT is(pg_temp.status('anna'), 'online', 'so a late report changes nothing');
SELECT pg_temp.at(11) \g /dev/null
SELECT is(pg_temp.status('anna'), 'offline', 'then not');
SELECT is(live.expire_presence(), 1, 'which is announced');
SELECT results_eq('TABLE announced', ARRAY[2::bigint], 'with one event');

-- Activity, by the clock.
SELECT live_private.connect_users(:'node', ARRAY[:'tab']::uuid[], '{anna}') \g /dev/null
SELECT live_private.renew_node(:'node', '1 hour') \g /dev/null
SELECT pg_temp.at(11 + 301) \g /dev/null
SELECT is(pg_temp.status('anna'), 'away', 'idle after five minutes');
SELECT live.expire_presence() \g /dev/null
SELECT is(live_private.next_presence_deadline() > clock_timestamp() + interval '30 minutes', true, 'and nothing is to do for a connection that is idle');
SELECT lives_ok(format('SELECT live_private.report_activity(%L)', ARRAY[:'tab']::uuid[]), 'activity');
SELECT is(ARRAY[live_private.has_connection(:'tab'), live_private.has_connection(gen_random_uuid())], '{true,false}', 'whether a connection is there');
SELECT is(pg_temp.status('anna'), 'online', 'brings the user back');
SELECT results_eq('TABLE announced', ARRAY[5::bigint], 'online, away, online: an event each');
SELECT is(live_private.next_presence_deadline() <= clock_timestamp() + interval '312 seconds' + interval '300 seconds', true, 'and the next look is set');
SELECT pg_temp.at(11 + 301 + 100) \g /dev/null
SELECT live_private.report_activity(ARRAY[:'tab', :'tab']::uuid[], '{70,40}') \g /dev/null
SELECT is((SELECT round(extract(epoch FROM live_private.clock() - last_active_at)) FROM live.connection WHERE id = :'tab'), 40::numeric, 'activity of a while ago');
SELECT live_private.report_activity(ARRAY[:'tab']::uuid[], '{90}') \g /dev/null
SELECT is((SELECT round(extract(epoch FROM live_private.clock() - last_active_at)) FROM live.connection WHERE id = :'tab'), 40::numeric, 'takes nothing from what was later');
SELECT pg_temp.at(11 + 301) \g /dev/null

-- What a user says on a connection that a node holds does not take it from the node.
SET LOCAL request.jwt.claim.sub = 'anna';
SELECT is((live.heartbeat(:'tab', active => false)).status::text, 'away', 'an idle heartbeat');
SELECT is((SELECT node_id::text FROM live.connection WHERE id = :'tab'), :'node', 'leaves it with its node');
SELECT lives_ok(format('SELECT live_private.retire_node(%L)', :'node'), 'a node retires');
SELECT is(pg_temp.status('anna'), 'away', 'its users have the grace period');
SELECT throws_ok(format('SELECT live_private.connect_users(%L, %L, %L)', :'node', ARRAY[:'tab'::uuid], '{anna}'), '55000', NULL, 'and it can connect nobody any more');

-- Arguments.
SELECT throws_ok(call, state, NULL, call) FROM (VALUES
  ('SELECT live_private.register_node(NULL)', '22004'), ('SELECT live_private.register_node(gen_random_uuid(), NULL)', '22004'),
  ($$SELECT live_private.register_node(gen_random_uuid(), '0 s')$$, '22023'), ($$SELECT live_private.register_node(gen_random_uuid(), '1 year')$$, '22023'),
  ($$SELECT live_private.connect_users(gen_random_uuid(), '{00000000-0000-4000-8000-000000000009}', '{}')$$, '22023'),
  ($$SELECT live_private.connect_users(gen_random_uuid(), '{00000000-0000-4000-8000-000000000009}', '{NULL}')$$, '22023'),
  ($$SELECT live_private.connect_users(gen_random_uuid(), NULL, '{anna}')$$, '22023')) AS bad (call, state);
SELECT lives_ok(call, call) FROM unnest(ARRAY['SELECT live_private.disconnect_users(NULL, true)', $$SELECT live_private.disconnect_users('{}', false)$$,
  $$SELECT live_private.report_activity('{}')$$, 'SELECT live_private.retire_node(gen_random_uuid())']) AS call;

SELECT finish();
ROLLBACK;
