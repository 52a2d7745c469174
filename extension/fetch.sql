-- Fetching: bridges read the batches after the last one they have.

CREATE FUNCTION live.fetch_events(after_batch bigint, after_id bigint DEFAULT NULL, max_events integer DEFAULT 10000)
RETURNS TABLE (batch bigint, id bigint, topic text, event text, payload jsonb, durable boolean, created_at timestamptz)
LANGUAGE c STABLE ROWS 100 AS 'MODULE_PATHNAME', 'pg_live_fetch_events';
COMMENT ON FUNCTION live.fetch_events(bigint, bigint, integer) IS
'Events after a position, in order of batch and, within a batch, of id. after_id NULL: all of after_batch was seen. The payload of an event that cannot be sent is NULL; bridges skip, log and count it. For bridges; checks no access.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.fetch_events(bigint, bigint, integer)');

-- A procedure, since a function cannot end its transaction: it would keep its snapshot during the wait and hold back vacuum.
CREATE PROCEDURE live_private.await_batch(known_batch bigint, patience integer, INOUT newest_batch bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_live_await_batch';
COMMENT ON PROCEDURE live_private.await_batch(bigint, integer, bigint) IS
'Waits until a worker has published a batch newer than known_batch, at most patience milliseconds (no more than 10,000), and returns the newest batch a worker made known since the server started; NULL, at once, if no worker runs. Holds no snapshot while it waits. For bridges, which learn of a batch sooner than by NOTIFY. Errors: 22004; 22023 for a negative patience; 25001 in a transaction block or a function.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON PROCEDURE live_private.await_batch(bigint, integer, bigint)');
