-- What live.status() says where a worker runs, and that the worker does what live.publish() does. Outside of a transaction,
-- since a worker publishes what is committed.
\unset ECHO
SELECT plan(13);

-- Waits until the condition holds; fails after a minute. In a procedure, so that each look has a new snapshot.
CREATE PROCEDURE pg_temp.wait_until(condition text) LANGUAGE plpgsql AS $$
DECLARE
  holds boolean;
  give_up_at timestamptz := clock_timestamp() + interval '1 minute';
BEGIN
  LOOP
    EXECUTE 'SELECT ' || condition INTO holds;
    EXIT WHEN holds OR clock_timestamp() > give_up_at;
    PERFORM pg_sleep(0.005);
  END LOOP;
END
$$;

CALL pg_temp.wait_until('live_private.worker_is_running()');
SELECT ok(live_private.worker_is_running(), 'a worker runs');
SELECT is(live.status() ->> 'mode', 'worker', 'the mode is worker');
SELECT is(live.status() -> 'worker_running', 'true', 'and it runs right now');
SELECT is(live.status() ->> 'publisher', 'worker', 'it is who publishes');
SELECT is(live.status() ->> 'version', live.version(), 'the version');
SELECT is(live.status() -> 'extension_version', live.status() -> 'version', 'the library fits the objects of this database');

SELECT live_private.newest_batch() AS before \gset
SELECT live.emit('status', 'event', '1') AS id \gset
CALL pg_temp.wait_until(format('live_private.newest_batch() > %s', :before));
SELECT cmp_ok(live_private.newest_batch(), '>', :before::bigint, 'the worker publishes what was committed without being asked');
SELECT results_eq(format('SELECT id, topic, event, payload FROM live.fetch_events(%s)', :before),
                  format('SELECT %s::bigint, ''status'', ''event'', ''1''::jsonb', :id), 'exactly that event');
SELECT is((live.status() ->> 'last_batch')::bigint, live_private.newest_batch(), 'the last batch');
SELECT is((live.status() ->> 'lag_seconds')::numeric, 0::numeric, 'nothing waits');

-- The worker is killed: it comes back and publishes what was committed while it was away.
SELECT live_private.newest_batch() AS before \gset
SELECT pid AS old_worker, pg_terminate_backend(pid, 60000) AS ended FROM pg_stat_activity WHERE backend_type = 'pg_live worker' AND datname = current_database() \gset
SELECT live.emit('status', 'while away', '2') IS NOT NULL AS emitted \gset
SELECT is(live.status() ->> 'mode', 'worker', 'the mode stays worker while it is restarted');
CALL pg_temp.wait_until(format('live_private.newest_batch() > %s', :before));
SELECT results_eq(format('SELECT event FROM live.fetch_events(%s)', :before), $$VALUES ('while away')$$, 'a new worker publishes what the old one missed');
SELECT isnt((SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_live worker' AND datname = current_database()), :old_worker, 'it is another process');

SELECT finish();
