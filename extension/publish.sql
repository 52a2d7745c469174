-- Batches: the events that became visible between two snapshots. store_next_batch() is the rule that makes delivery
-- complete: nothing is skipped, however late a transaction commits.

CREATE TABLE live.batch (
  id bigint PRIMARY KEY,
  snapshot pg_snapshot NOT NULL,
  xids xid8[] NOT NULL
);
COMMENT ON TABLE live.batch IS 'The units of delivery and of resume, kept as long as the events.';
COMMENT ON COLUMN live.batch.id IS
'Microseconds of the clock, and more than the batch before. Not a sequence: those go back after a crash, and an id must never be given twice.';
COMMENT ON COLUMN live.batch.snapshot IS 'What was visible when the batch was made: the next batch starts here.';
COMMENT ON COLUMN live.batch.xids IS 'The transactions whose events are the batch, sorted.';
ALTER TABLE live.batch ENABLE ROW LEVEL SECURITY;

-- Replay asks for the first batch that shows a transaction.
CREATE INDEX batch_xmax_idx ON live.batch (pg_snapshot_xmax(snapshot), id);

-- The transactions that ended between two snapshots, as ranges [first_xid, end_xid). Those that still run lie between
-- the ranges, so their rows are never touched, however many they are.
CREATE FUNCTION live.ended_xids(earlier pg_snapshot, later pg_snapshot)
RETURNS TABLE (first_xid xid8, end_xid xid8)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT range.low::text::xid8, range.high::text::xid8
  FROM (
    SELECT x::text::bigint AS low, x::text::bigint + 1 AS high
    FROM pg_snapshot_xip(earlier) x
    WHERE pg_visible_in_snapshot(x, later)
    UNION ALL
    SELECT CASE WHEN boundary.running THEN boundary.low + 1 ELSE boundary.low END,
           lead(boundary.low, 1, pg_snapshot_xmax(later)::text::bigint) OVER (ORDER BY boundary.running, boundary.low)
    FROM (
      SELECT pg_snapshot_xmax(earlier)::text::bigint AS low, false AS running
      UNION ALL
      SELECT x::text::bigint, true FROM pg_snapshot_xip(later) x WHERE x >= pg_snapshot_xmax(earlier)
    ) boundary
  ) range
  WHERE range.low < range.high;
END;
COMMENT ON FUNCTION live.ended_xids(pg_snapshot, pg_snapshot) IS
'Ranges of the transaction ids that were running or unborn in the earlier snapshot and have ended in the later one.';

-- Index scans only: the tables may be empty when the plan is made and large when it runs.
CREATE FUNCTION live.store_next_batch(flush_every_batch boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  batch_id bigint;
  has_durable boolean;
BEGIN
  -- One statement: the snapshot that is stored is the snapshot that reads.
  WITH bounds AS MATERIALIZED (
    SELECT coalesce(previous.id, 0) AS previous_id,
           coalesce(previous.snapshot, '3:3:') AS earlier,
           pg_current_snapshot() AS later
    FROM (SELECT) AS always
    LEFT JOIN (SELECT b.id, b.snapshot FROM live.batch b ORDER BY b.id DESC LIMIT 1) AS previous ON true
  ), ended AS MATERIALIZED (
    SELECT found.xid, bool_or(found.durable) AS durable
    FROM bounds
    CROSS JOIN LATERAL live.ended_xids(bounds.earlier, bounds.later) AS range
    CROSS JOIN LATERAL (
      SELECT e.xid, true AS durable FROM live.event e WHERE e.xid >= range.first_xid AND e.xid < range.end_xid
      UNION ALL
      SELECT s.xid, false FROM live.signal s WHERE s.xid >= range.first_xid AND s.xid < range.end_xid
    ) AS found
    GROUP BY found.xid
  )
  INSERT INTO live.batch (id, snapshot, xids)
  SELECT greatest(bounds.previous_id + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
         bounds.later,
         array(SELECT ended.xid FROM ended ORDER BY ended.xid)
  FROM bounds
  WHERE EXISTS (SELECT FROM ended)
     -- A snapshot from the future comes from another cluster: start anew rather than publish nothing for ever. What
     -- was emitted since, and before this pass, is in no batch.
     OR pg_snapshot_xmax(bounds.earlier) > pg_snapshot_xmax(bounds.later)
  RETURNING id, EXISTS (SELECT FROM ended WHERE ended.durable) INTO batch_id, has_durable;

  -- A lost batch would repeat its durable events under other positions, so it is flushed before anybody hears of it.
  -- Signals are lost with it, so a batch of nothing else needs no flush.
  IF NOT (has_durable OR flush_every_batch) THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN coalesce(batch_id, (SELECT b.id FROM live.batch b ORDER BY b.id DESC LIMIT 1));
END
$$;
COMMENT ON FUNCTION live.store_next_batch(boolean) IS
'Stores the next batch if there is one, and returns the newest batch, NULL if there never was one. Part of live.publish(), which takes the lock first: not to be called alone. Unless flush_every_batch, the commit of a batch of signals does not wait for the disk.';

CREATE FUNCTION live.newest_batch() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT b.id FROM live.batch b ORDER BY b.id DESC LIMIT 1), 0)
$$;
COMMENT ON FUNCTION live.newest_batch() IS 'Id of the newest batch, 0 if there never was one: where a new listener starts.';

CREATE FUNCTION live.publish() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER AS 'MODULE_PATHNAME', 'pg_live_publish';
COMMENT ON FUNCTION live.publish() IS
'Stores the next batch if any event became visible, and returns the id of the newest batch (NULL if there never was one). The worker does the same by itself; bridges call it where no worker runs. Error 25001 in a transaction that has written or is not READ COMMITTED.';
