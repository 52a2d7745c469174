-- Fetching: how a bridge reads the batches it was rung for, and those it missed.

CREATE FUNCTION live.fetch_events(after_batch bigint, after_id bigint DEFAULT NULL, max_events integer DEFAULT 10000)
RETURNS TABLE (batch bigint, id bigint, topic text, event text, payload jsonb, durable boolean, created_at timestamptz)
LANGUAGE c STABLE ROWS 100 AS 'MODULE_PATHNAME', 'pg_live_fetch_events';
COMMENT ON FUNCTION live.fetch_events(bigint, bigint, integer) IS
'Events after a position, in order: batch by batch, by id within a batch. after_id NULL: all of after_batch was seen. An event that cannot be sent has the payload NULL: to be skipped, logged and counted. For bridges; checks no access.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.fetch_events(bigint, bigint, integer)');

-- A procedure, since no function can end its transaction: what waits in one has a snapshot, which holds up vacuum.
CREATE PROCEDURE live_private.await_batch(known_batch bigint, patience integer, INOUT newest_batch bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_live_await_batch';
COMMENT ON PROCEDURE live_private.await_batch(bigint, integer, bigint) IS
'Waits until a worker has published a batch newer than known_batch, at most patience milliseconds (10,000 at most), and returns the newest batch of which the worker has told since the server started; NULL, at once, if no worker runs. For bridges, which fetch then: it shows batches sooner than the notification pg_live, which is sent as well. Holds no snapshot while it waits. Errors: 22004; 22023 for a negative patience; 25001 in a transaction block or a function.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON PROCEDURE live_private.await_batch(bigint, integer, bigint)');
