-- Holding, or deferring: a transaction with more events than one batch may have is published in parts, so that it does not
-- delay other topics. Objects named held_* have such deferred transactions. A transaction that shares a topic with the rest
-- of a deferred one is deferred too, and so on: per topic, events come in the order of commits.
--
-- Deferred transactions form a series. They join the open one until its first part is published, then the next one. The
-- events of a series come by id, as those of one batch do: a series is what a longer pass would have found.

CREATE TABLE live_private.held_series (
  id bigint PRIMARY KEY,
  released_through bigint,
  completed_by bigint,
  first_small xid8,
  last_small xid8
);
COMMENT ON TABLE live_private.held_series IS 'Series of deferred transactions, published in parts one series after another; kept for replay as long as the events.';
COMMENT ON COLUMN live_private.held_series.id IS 'Microseconds of the clock, as for batches; the id of no batch.';
COMMENT ON COLUMN live_private.held_series.released_through IS 'The events up to this id are published. NULL: none yet, so transactions may join the series.';
COMMENT ON COLUMN live_private.held_series.completed_by IS 'A batch id after which no batch has events of the series; NULL while some are left to be published.';
COMMENT ON COLUMN live_private.held_series.first_small IS 'The lowest xid of its transactions that are not large; NULL if there are none.';
COMMENT ON COLUMN live_private.held_series.last_small IS 'The highest xid of its transactions that are not large; NULL if there are none.';
CREATE INDEX held_series_open_idx ON live_private.held_series (id) WHERE completed_by IS NULL;

CREATE TABLE live_private.held_transaction (
  xid xid8 PRIMARY KEY,
  series bigint NOT NULL,
  is_large boolean NOT NULL,
  next_id bigint
);
COMMENT ON TABLE live_private.held_transaction IS 'The deferred transactions of the series, kept as long as these.';
COMMENT ON COLUMN live_private.held_transaction.xid IS 'The transaction; its events are in batches of the series only.';
COMMENT ON COLUMN live_private.held_transaction.series IS 'Series of the transaction.';
COMMENT ON COLUMN live_private.held_transaction.is_large IS 'Whether it has more events than a batch; topics of its durable events are then looked up and not listed.';
COMMENT ON COLUMN live_private.held_transaction.next_id IS 'Its first unpublished event; NULL: all are published.';
CREATE INDEX held_transaction_next_idx ON live_private.held_transaction (series, next_id) WHERE next_id IS NOT NULL;
CREATE INDEX held_transaction_large_idx ON live_private.held_transaction (series) WHERE is_large;

CREATE TABLE live_private.held_topic (
  topic text COLLATE "C",
  series bigint,
  PRIMARY KEY (topic, series)
);
COMMENT ON TABLE live_private.held_topic IS 'The topics of deferred transactions, except those of durable events of large ones.';
COMMENT ON COLUMN live_private.held_topic.topic IS 'Transactions that emit on it are deferred.';
COMMENT ON COLUMN live_private.held_topic.series IS 'The series; its rows are deleted when it is complete.';

ALTER TABLE live_private.held_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.held_transaction ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.held_topic ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION live_private.with_running(snapshot pg_snapshot, xids xid8[]) RETURNS pg_snapshot
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(
    (SELECT format('%s:%s:%s', least(pg_snapshot_xmin(snapshot), (array_agg(r.xid ORDER BY r.xid))[1]), pg_snapshot_xmax(snapshot),
                   string_agg(r.xid::text, ',' ORDER BY r.xid))::pg_snapshot
     FROM (SELECT pg_snapshot_xip(snapshot) UNION SELECT unnest(xids)) AS r (xid)
     HAVING count(*) > 0),
    snapshot)
$$;
COMMENT ON FUNCTION live_private.with_running(pg_snapshot, xid8[]) IS 'The snapshot as if these transactions were still running, so that they do not count as ended.';

-- Finds out that a transaction is large without reading all of it. Where very many have ended, most of them small, reading
-- all events is faster than counting those of each.
CREATE FUNCTION live_private.large_xids(earlier pg_snapshot, later pg_snapshot, most_events integer) RETURNS SETOF xid8
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT sum(r.end_xid::text::bigint - r.first_xid::text::bigint) FROM live_private.ended_xids(earlier, later) AS r) <= 10000 THEN
    RETURN QUERY
    SELECT ended.xid
    FROM live_private.ended_xids(earlier, later) AS range
    CROSS JOIN LATERAL (SELECT number::text::xid8 AS xid
                        FROM generate_series(range.first_xid::text::bigint, range.end_xid::text::bigint - 1) AS number) AS ended
    CROSS JOIN LATERAL (
      SELECT count(*) AS events
      FROM (SELECT FROM live.event e WHERE e.xid = ended.xid
            UNION ALL SELECT FROM live.signal s WHERE s.xid = ended.xid
            LIMIT most_events + 1) AS found) AS counted
    WHERE counted.events > most_events;
  ELSE
    RETURN QUERY SELECT e.xid FROM live_private.ended_events(earlier, later) AS e GROUP BY e.xid HAVING count(*) > most_events;
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.large_xids(pg_snapshot, pg_snapshot, integer) IS
'The transactions that ended between two snapshots and have more than so many events.';

CREATE FUNCTION live_private.first_event_behind(xid xid8, after_id bigint) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
  SELECT least(
    (SELECT e.id FROM live.event e WHERE e.xid = first_event_behind.xid AND e.id > after_id ORDER BY e.id LIMIT 1),
    (SELECT s.id FROM live.signal s WHERE s.xid = first_event_behind.xid AND s.id > after_id ORDER BY s.id LIMIT 1))
$$;
COMMENT ON FUNCTION live_private.first_event_behind(xid8, bigint) IS 'The first event of a transaction after an id; NULL if there is none.';

CREATE FUNCTION live_private.hold_transactions(xids xid8[], series bigint, are_large boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO live_private.held_series (id) VALUES (series) ON CONFLICT ON CONSTRAINT held_series_pkey DO NOTHING;
  IF NOT are_large THEN
    UPDATE live_private.held_series s SET first_small = least(s.first_small, small.first), last_small = greatest(s.last_small, small.last)
    FROM (SELECT (array_agg(h.xid ORDER BY h.xid))[1] AS first, (array_agg(h.xid ORDER BY h.xid DESC))[1] AS last FROM unnest(xids) AS h (xid)) AS small
    WHERE s.id = hold_transactions.series;
  END IF;
  WITH found AS MATERIALIZED (
    SELECT h.xid, e.id, e.topic
    FROM unnest(xids) AS h (xid)
    CROSS JOIN LATERAL (
      SELECT e.id, e.topic FROM live.event e WHERE e.xid = h.xid AND NOT are_large
      UNION ALL
      SELECT s.id, s.topic FROM live.signal s WHERE s.xid = h.xid) AS e
  ), noted AS (
    INSERT INTO live_private.held_topic (topic, series) SELECT DISTINCT f.topic, hold_transactions.series FROM found f
    ON CONFLICT ON CONSTRAINT held_topic_pkey DO NOTHING
  )
  INSERT INTO live_private.held_transaction (xid, series, is_large, next_id)
  SELECT f.xid, hold_transactions.series, false, min(f.id) FROM found f WHERE NOT are_large GROUP BY f.xid
  UNION ALL
  SELECT h.xid, hold_transactions.series, true, live_private.first_event_behind(h.xid, 0) FROM unnest(xids) AS h (xid) WHERE are_large;
END
$$;
COMMENT ON FUNCTION live_private.hold_transactions(xid8[], bigint, boolean) IS 'Adds transactions to a series. Part of live_private.hold_ended().';

CREATE FUNCTION live_private.hold_ended(earlier pg_snapshot, later pg_snapshot, new_series bigint, most_events integer) RETURNS xid8[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  series bigint := coalesce(
    (SELECT s.id FROM live_private.held_series s WHERE s.completed_by IS NULL AND s.released_through IS NULL), new_series);
  added xid8[] := array(SELECT live_private.large_xids(earlier, later, most_events));
  held xid8[] := added;
BEGIN
  IF added <> '{}' THEN
    PERFORM live_private.hold_transactions(added, series, true);
  END IF;
  -- Repeated, since deferring a transaction may defer others.
  WHILE EXISTS (SELECT FROM live_private.held_series s WHERE s.completed_by IS NULL) LOOP
    added := array(
      SELECT DISTINCT e.xid
      FROM live_private.ended_events(earlier, live_private.with_running(later, held)) AS e
      WHERE EXISTS (SELECT FROM live_private.held_topic t WHERE t.topic = e.topic)
         OR EXISTS (
           SELECT
           FROM (SELECT h.xid, coalesce(s.released_through, 0) AS after_id
                 FROM live_private.held_series s JOIN live_private.held_transaction h ON h.series = s.id AND h.is_large
                 WHERE s.completed_by IS NULL OFFSET 0) AS large
           -- A comparison of rows, so that only the index on the topic serves.
           CROSS JOIN LATERAL (SELECT FROM live.event d
                               WHERE (d.topic, d.xid, d.id) > (e.topic, large.xid, large.after_id)
                                 AND (d.topic, d.xid) <= (e.topic, large.xid)
                               LIMIT 1) AS left_over));
    EXIT WHEN added = '{}';
    PERFORM live_private.hold_transactions(added, series, false);
    held := held || added;
  END LOOP;
  RETURN held;
END
$$;
COMMENT ON FUNCTION live_private.hold_ended(pg_snapshot, pg_snapshot, bigint, integer) IS
'Defers the transactions that ended between two snapshots and are large or share a topic with a deferred one. Returns them.';

CREATE FUNCTION live_private.store_parts(earlier pg_snapshot, later pg_snapshot, snapshot pg_snapshot, first_batch bigint, most_events integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  stored integer;
BEGIN
  INSERT INTO live_private.batch (id, snapshot, xids, events, series, after_id, through_id)
  SELECT first_batch + part.number, store_parts.snapshot, part.xids, part.events, first_batch,
         lag(part.through_id, 1, 0::bigint) OVER (ORDER BY part.number), part.through_id
  FROM (
    SELECT cut.number, array_agg(DISTINCT cut.xid ORDER BY cut.xid) AS xids, count(*) AS events, max(cut.id) AS through_id
    FROM (SELECT e.xid, e.id, (row_number() OVER (ORDER BY e.id) - 1) / most_events AS number
          FROM live_private.ended_events(earlier, later) AS e) AS cut
    GROUP BY cut.number) AS part;
  GET DIAGNOSTICS stored = ROW_COUNT;
  RETURN stored;
END
$$;
COMMENT ON FUNCTION live_private.store_parts(pg_snapshot, pg_snapshot, pg_snapshot, bigint, integer) IS
'Stores the events of transactions that ended between two snapshots as batches of at most so many events. Cuts by event id, since a transaction may be older than its events and a cut by transaction would change their order. Returns the number of batches.';

-- However many transactions are deferred, a part reads only as many as it may have events, those with the lowest next
-- events: each adds at least one, so events of the others come later. Where some have lost their events (signals, after a
-- crash), the part ends before the next event of the others. Next events are above released_through, so the search begins
-- there and passes no dead rows of earlier parts.
CREATE FUNCTION live_private.release_part(snapshot pg_snapshot, batch_id bigint, most_events integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  head record;
  part record;
  others_from bigint;
BEGIN
  SELECT s.id, coalesce(s.released_through, 0) AS through_id INTO head
  FROM live_private.held_series s WHERE s.completed_by IS NULL ORDER BY s.id LIMIT 1;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  others_from := (
    SELECT h.next_id FROM live_private.held_transaction h
    WHERE h.series = head.id AND h.next_id > head.through_id ORDER BY h.next_id OFFSET most_events LIMIT 1);
  SELECT count(*) AS events, array_agg(DISTINCT e.xid ORDER BY e.xid) AS xids, max(e.id) AS through_id INTO part
  FROM (
    SELECT h.xid, e.id
    FROM (SELECT c.xid, c.next_id FROM live_private.held_transaction c
          WHERE c.series = head.id AND c.next_id > head.through_id ORDER BY c.next_id LIMIT most_events) AS h
    CROSS JOIN LATERAL (
      (SELECT d.id FROM live.event d WHERE d.xid = h.xid AND d.id >= h.next_id ORDER BY d.id LIMIT most_events)
      UNION ALL
      (SELECT s.id FROM live.signal s WHERE s.xid = h.xid AND s.id >= h.next_id ORDER BY s.id LIMIT most_events)
    ) AS e
    WHERE others_from IS NULL OR e.id < others_from
    ORDER BY e.id LIMIT most_events) AS e;
  IF part.events < most_events THEN
    part.through_id := coalesce(others_from - 1, part.through_id, head.through_id);
  END IF;
  IF part.events > 0 THEN
    INSERT INTO live_private.batch (id, snapshot, xids, events, series, after_id, through_id)
    VALUES (batch_id, release_part.snapshot, part.xids, part.events, head.id, head.through_id, part.through_id);
  END IF;
  UPDATE live_private.held_transaction h SET next_id = live_private.first_event_behind(h.xid, part.through_id)
  WHERE h.series = head.id AND h.next_id > head.through_id AND h.next_id <= part.through_id;
  UPDATE live_private.held_series s
  SET released_through = part.through_id,
      completed_by = CASE WHEN part.events < most_events AND others_from IS NULL THEN batch_id END
  WHERE s.id = head.id;
  IF part.events < most_events AND others_from IS NULL THEN
    DELETE FROM live_private.held_topic t WHERE t.series = head.id;
  END IF;
  RETURN (part.events > 0)::integer;
END
$$;
COMMENT ON FUNCTION live_private.release_part(pg_snapshot, bigint, integer) IS
'Stores the next part of the deferred transactions as a batch. Returns how many batches it stored, 0 or 1.';

-- Batches of transactions that are not deferred come first, so that replay finds them as the first batches of this pass.
CREATE FUNCTION live_private.store_batches(earlier pg_snapshot, later pg_snapshot, next bigint, most_events integer, release boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held xid8[] := live_private.hold_ended(earlier, later, next, most_events);
  stored integer := live_private.store_parts(earlier, live_private.with_running(later, held), later, next + 1, most_events);
BEGIN
  IF release THEN
    stored := stored + live_private.release_part(later, next + 1 + stored, most_events);
  END IF;
  IF stored = 0 AND (held <> '{}' OR pg_snapshot_xmax(earlier) > pg_snapshot_xmax(later)) THEN
    -- A batch without events, so that the next pass starts after the transactions deferred now.
    INSERT INTO live_private.batch (id, snapshot, xids) VALUES (next, later, '{}');
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.store_batches(pg_snapshot, pg_snapshot, bigint, integer, boolean) IS
'Stores the transactions that ended between two snapshots, if they are too much for one batch or some are deferred. Part of a publisher''s pass.';
