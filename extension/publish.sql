-- Batches: the events that became visible between two snapshots. store_next_batch() is the rule that makes delivery
-- complete: nothing is skipped, however late a transaction commits.

CREATE TABLE live.batch (
  id bigint PRIMARY KEY,
  snapshot pg_snapshot NOT NULL,
  xids xid8[] NOT NULL,
  events integer NOT NULL DEFAULT 0,
  series bigint,
  after_id bigint NOT NULL DEFAULT 0,
  through_id bigint NOT NULL DEFAULT 9223372036854775807
);
COMMENT ON TABLE live.batch IS 'The units of delivery and of resume, kept as long as the events. None has more than pg_live.batch_events events.';
COMMENT ON COLUMN live.batch.id IS
'Microseconds of the clock, and more than the batch before. Not a sequence: those go back after a crash, and an id must never be given twice.';
COMMENT ON COLUMN live.batch.snapshot IS 'What was visible when the batch was made: the next pass starts here.';
COMMENT ON COLUMN live.batch.xids IS 'The transactions whose events are the batch, sorted.';
COMMENT ON COLUMN live.batch.events IS 'How many events it had when it was made.';
COMMENT ON COLUMN live.batch.series IS 'If the events of its transactions were too many for one batch: what its parts have in common. NULL for a batch that has all events of its transactions.';
COMMENT ON COLUMN live.batch.after_id IS 'Of its transactions, it has the events above this id.';
COMMENT ON COLUMN live.batch.through_id IS 'Of its transactions, it has the events up to this id.';
ALTER TABLE live.batch ENABLE ROW LEVEL SECURITY;

-- Replay asks for the first batch that shows a transaction.
CREATE INDEX batch_xmax_idx ON live.batch (pg_snapshot_xmax(snapshot), id);

-- And for the part of a series that has an event.
CREATE INDEX batch_series_idx ON live.batch (series, through_id) WHERE series IS NOT NULL;

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

CREATE FUNCTION live.ended_events(earlier pg_snapshot, later pg_snapshot)
RETURNS TABLE (xid xid8, id bigint, topic text, durable boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT found.xid, found.id, found.topic, found.durable
  FROM live.ended_xids(earlier, later) AS range
  CROSS JOIN LATERAL (
    SELECT e.xid, e.id, e.topic, true AS durable FROM live.event e WHERE e.xid >= range.first_xid AND e.xid < range.end_xid
    UNION ALL
    SELECT s.xid, s.id, s.topic, false FROM live.signal s WHERE s.xid >= range.first_xid AND s.xid < range.end_xid
  ) AS found;
END;
COMMENT ON FUNCTION live.ended_events(pg_snapshot, pg_snapshot) IS
'The events of the transactions that were running or unborn in the earlier snapshot and have ended in the later one.';

-- The snapshot that is stored is taken first. What the statements behind it read may be more, but all of the
-- transactions between the two snapshots had ended, so of these they all read the same.
-- Index scans only: the tables may be empty when the plan is made and large when it runs.
CREATE FUNCTION live.store_next_batch(most_events integer, flush_every_batch boolean, release boolean,
                                      OUT newest bigint, OUT holds boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  previous bigint;
  earlier pg_snapshot;
  later pg_snapshot;
  next bigint;
  ended record;
BEGIN
  SELECT coalesce(b.id, 0), coalesce(b.snapshot, '3:3:'), pg_current_snapshot(),
         greatest(coalesce(b.id, 0) + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
         EXISTS (SELECT FROM live.held_series s WHERE s.completed_by IS NULL)
  INTO previous, earlier, later, next, holds
  FROM (SELECT) AS always
  LEFT JOIN (SELECT b.id, b.snapshot FROM live.batch b ORDER BY b.id DESC LIMIT 1) AS b ON true;

  IF previous = 0 THEN -- without batches, all is published from the beginning, what was held with it
    DELETE FROM live.held_series;
    DELETE FROM live.held_transaction;
    DELETE FROM live.held_topic;
  END IF;
  SELECT count(*) AS events, array_agg(DISTINCT e.xid ORDER BY e.xid) AS xids, bool_or(e.durable) AS durable
  INTO ended
  FROM (SELECT e.xid, e.durable FROM live.ended_events(earlier, later) AS e LIMIT most_events + 1) AS e;

  IF holds OR ended.events > most_events THEN
    PERFORM live.store_batches(earlier, later, next, most_events, release);
    holds := EXISTS (SELECT FROM live.held_series s WHERE s.completed_by IS NULL);
    flush_every_batch := true;
  -- A snapshot from the future comes from another cluster: start anew rather than publish nothing for ever. What was
  -- emitted since, and before this pass, is in no batch.
  ELSIF ended.events > 0 OR pg_snapshot_xmax(earlier) > pg_snapshot_xmax(later) THEN
    INSERT INTO live.batch (id, snapshot, xids, events) VALUES (next, later, coalesce(ended.xids, '{}'), ended.events);
  END IF;
  newest := (SELECT b.id FROM live.batch b ORDER BY b.id DESC LIMIT 1);

  -- A lost batch would repeat its durable events under other positions, so it is flushed before anybody hears of it,
  -- whatever the database is set to. Signals are lost with it, so a batch of nothing else needs no flush.
  IF NOT (flush_every_batch OR ended.durable IS TRUE) THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  ELSIF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END
$$;
COMMENT ON FUNCTION live.store_next_batch(integer, boolean, boolean) IS
'Stores the next batch if there is one, and returns the newest batch, NULL if there never was one, and whether events are held for a later pass. With release, the next part of these is stored too. Part of live.publish(), which takes the lock first: not to be called alone. Unless flush_every_batch, the commit of a batch of signals does not wait for the disk.';

CREATE FUNCTION live.newest_batch() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT b.id FROM live.batch b ORDER BY b.id DESC LIMIT 1), 0)
$$;
COMMENT ON FUNCTION live.newest_batch() IS 'Id of the newest batch, 0 if there never was one: where a new listener starts.';

CREATE FUNCTION live.publish() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER AS 'MODULE_PATHNAME', 'pg_live_publish';
COMMENT ON FUNCTION live.publish() IS
'Stores the next batch if any event became visible, and returns the id of the newest batch (NULL if there never was one). A transaction of more than pg_live.batch_events events is published in parts, one a call; while more are left, the doorbell rings again. The worker does the same by itself; bridges call it where no worker runs. Error 25001 in a transaction that has written or is not READ COMMITTED.';
