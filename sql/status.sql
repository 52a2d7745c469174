-- What live.status() tells an operator. The mode differs with and without a worker, so it is compared, not printed.
\set SHOW_CONTEXT never
\pset null NULL

SELECT key, jsonb_typeof(value) AS type FROM jsonb_each(live.status() || '{"last_batch": 0}') ORDER BY key COLLATE "C";
SELECT live.status() ->> 'mode' = CASE WHEN live_private.worker_is_expected() THEN 'worker' ELSE 'in-transaction' END AS mode,
       live.status() ->> 'version' = extversion AS version,
       live.version() = extversion AS library
FROM pg_extension WHERE extname = 'pg_live';

-- The newest batch, and nothing waiting once it is published.
SELECT live.emit('status', 'e', '{}') IS NOT NULL AS emitted;
SELECT (live.status() ->> 'lag_seconds')::numeric >= 0 AS lag;
SELECT live.publish() AS batch \gset
SELECT (live.status() ->> 'last_batch')::bigint = :batch AS last_batch, live.status() -> 'lag_seconds' AS lag_seconds;

-- Nodes are counted by their listening connections. Without a worker they publish; without both nobody does.
SELECT live.status() -> 'nodes' AS nodes,
       live.status() ->> 'publisher' = CASE WHEN live_private.worker_is_running() THEN 'worker' ELSE 'none' END AS publisher;
SET application_name = 'pg-live-bridge listener';
SELECT live.status() -> 'nodes' AS nodes,
       live.status() ->> 'publisher' = CASE WHEN live_private.worker_is_running() THEN 'worker' ELSE 'bridges' END AS publisher;
RESET application_name;

-- It can be asked in a transaction that may not write.
BEGIN READ ONLY;
SELECT live.status() IS NOT NULL AS answered;
ROLLBACK;
