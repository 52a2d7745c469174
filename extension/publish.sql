-- Batches: the events that became visible between two snapshots. publish.cpp makes them.

CREATE TABLE live_private.batch (
  id bigint PRIMARY KEY,
  snapshot pg_snapshot NOT NULL,
  xids xid8[] NOT NULL,
  events integer NOT NULL DEFAULT 0,
  series bigint,
  after_id bigint NOT NULL DEFAULT 0,
  through_id bigint NOT NULL DEFAULT 9223372036854775807
);
COMMENT ON TABLE live_private.batch IS 'The units of delivery and of resume, kept as long as the events. None has more than pg_live.batch_events events.';
COMMENT ON COLUMN live_private.batch.id IS
'Microseconds of the clock, and greater than that of the batch before. Not from a sequence: sequences go back after a crash, and an id must never be used twice.';
COMMENT ON COLUMN live_private.batch.snapshot IS 'The snapshot in which the batch was made; the next pass starts from it.';
COMMENT ON COLUMN live_private.batch.xids IS 'The transactions whose events the batch has, sorted.';
COMMENT ON COLUMN live_private.batch.events IS 'Number of events when the batch was made.';
COMMENT ON COLUMN live_private.batch.series IS 'Common to the parts of transactions with too many events for one batch. NULL for a batch with all events of its transactions.';
COMMENT ON COLUMN live_private.batch.after_id IS 'The batch has the events of its transactions above this id.';
COMMENT ON COLUMN live_private.batch.through_id IS 'The batch has the events of its transactions up to this id.';
ALTER TABLE live_private.batch ENABLE ROW LEVEL SECURITY;

-- Replay searches the first batch whose snapshot shows a transaction,
CREATE INDEX batch_xmax_idx ON live_private.batch (pg_snapshot_xmax(snapshot), id);

-- and the part of a series that has a given event.
CREATE INDEX batch_series_idx ON live_private.batch (series, through_id) WHERE series IS NOT NULL;

CREATE FUNCTION live_private.ended_xids(earlier pg_snapshot, later pg_snapshot)
RETURNS TABLE (first_xid xid8, end_xid xid8)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME', 'pg_live_ended_xids';
COMMENT ON FUNCTION live_private.ended_xids(pg_snapshot, pg_snapshot) IS
'Ranges [first_xid, end_xid) of the transactions that were running or in the future of the earlier snapshot and have ended in the later one.';

CREATE FUNCTION live_private.ended_events(earlier pg_snapshot, later pg_snapshot)
RETURNS TABLE (xid xid8, id bigint, topic text, durable boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT found.xid, found.id, found.topic, found.durable
  FROM live_private.ended_xids(earlier, later) AS range
  CROSS JOIN LATERAL (
    SELECT e.xid, e.id, e.topic, true AS durable FROM live.event e WHERE e.xid >= range.first_xid AND e.xid < range.end_xid
    UNION ALL
    SELECT s.xid, s.id, s.topic, false FROM live.signal s WHERE s.xid >= range.first_xid AND s.xid < range.end_xid
  ) AS found;
END;
COMMENT ON FUNCTION live_private.ended_events(pg_snapshot, pg_snapshot) IS
'The events of the transactions that were running or in the future of the earlier snapshot and have ended in the later one.';

CREATE FUNCTION live_private.newest_batch() RETURNS bigint
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'pg_live_newest_batch';
COMMENT ON FUNCTION live_private.newest_batch() IS 'Id of the newest batch, where a new listener starts; 0 if there never was one.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.newest_batch()');
-- The bridge asks it as the client: a replay covers the batches up to this one.
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.newest_batch()');

CREATE FUNCTION live.publish() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER AS 'MODULE_PATHNAME', 'pg_live_publish';
COMMENT ON FUNCTION live.publish() IS
'Stores the next batch if any event became visible, and returns the id of the newest batch, NULL if there never was one. A transaction of more than pg_live.batch_events events is published in parts, one a call. The worker does the same; bridges call it where none runs. Error 25001 in a transaction that has written or is not READ COMMITTED.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.publish()');
