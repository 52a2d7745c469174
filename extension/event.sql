-- The tables of events. Only live.emit() and its siblings write rows; live.fetch_events() and live.replay() read them.
-- pg_dump does not dump them: transaction ids mean nothing in another cluster.
--
-- Both tables are lists of slots. A slot is written for a while, rests, and is truncated long after its last write;
-- slots are fixed because attaching and dropping partitions would lock the parent against every writer. The number of
-- slots and the choice of the current one are in event.cpp.

-- One sequence for both tables gives one order; CACHE 1, since the order of ids is the order of events in a batch.
CREATE SEQUENCE live_private.event_id CACHE 1;
COMMENT ON SEQUENCE live_private.event_id IS 'Ids of events and signals. Logged, so that a crash does not restart it.';

-- Either payload or payload_id is NULL. There is no CHECK constraint for it, since PostgreSQL would prepare it for every
-- emitted row, which costs more than a microsecond.
CREATE TABLE live.event (
  id bigint NOT NULL,
  xid xid8 NOT NULL,
  topic text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  payload jsonb,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  slot smallint NOT NULL,
  payload_id bigint
) PARTITION BY LIST (slot);
COMMENT ON TABLE live.event IS 'Durable events, kept for pg_live.event_retention.';
COMMENT ON COLUMN live.event.id IS 'Orders the events of one batch.';
COMMENT ON COLUMN live.event.xid IS 'The transaction that emitted the event. Readers see the event once it has committed.';
COMMENT ON COLUMN live.event.topic IS 'The named stream the event belongs to, 1 to 1100 bytes.';
COMMENT ON COLUMN live.event.event IS 'The name of the event, known to the clients of the topic, 1 to 255 bytes.';
COMMENT ON COLUMN live.event.payload IS 'The data of the event, any JSON. NULL if payload_id refers to it.';
COMMENT ON COLUMN live.event.created_at IS 'When the event was emitted, which is before its transaction committed.';
COMMENT ON COLUMN live.event.slot IS 'The partition, chosen by the clock.';
COMMENT ON COLUMN live.event.payload_id IS 'The event of the same transaction and slot that stores the payload, see live_private.emit_each().';

CREATE TABLE live.signal (LIKE live.event INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY LIST (slot);
COMMENT ON TABLE live.signal IS 'Signals: delivered at most once, not kept. The slots are UNLOGGED.';

-- Replay reads one topic. This index is older than the primary keys of the slots: where two indexes cost the same, as on
-- an empty slot, PostgreSQL chooses the newer one, and such plans are cached.
CREATE INDEX event_topic_xid_idx ON live.event (topic, xid, id);

CREATE TABLE live_private.event_0 PARTITION OF live.event (PRIMARY KEY (xid, id)) FOR VALUES IN (0);
CREATE TABLE live_private.event_1 PARTITION OF live.event (PRIMARY KEY (xid, id)) FOR VALUES IN (1);
CREATE TABLE live_private.event_2 PARTITION OF live.event (PRIMARY KEY (xid, id)) FOR VALUES IN (2);
CREATE TABLE live_private.event_3 PARTITION OF live.event (PRIMARY KEY (xid, id)) FOR VALUES IN (3);
CREATE UNLOGGED TABLE live_private.signal_0 PARTITION OF live.signal (PRIMARY KEY (xid, id)) FOR VALUES IN (0);
CREATE UNLOGGED TABLE live_private.signal_1 PARTITION OF live.signal (PRIMARY KEY (xid, id)) FOR VALUES IN (1);
CREATE UNLOGGED TABLE live_private.signal_2 PARTITION OF live.signal (PRIMARY KEY (xid, id)) FOR VALUES IN (2);

ALTER TABLE live.event ENABLE ROW LEVEL SECURITY;
ALTER TABLE live.signal ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.event_0 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.event_1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.event_2 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.event_3 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.signal_0 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.signal_1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_private.signal_2 ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION live.emit(topic text, event text, payload jsonb, durable boolean DEFAULT true) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_emit';
COMMENT ON FUNCTION live.emit(text, text, jsonb, boolean) IS
'Emits an event on a topic if the current transaction commits, and returns its id. Checks no access. Errors: 22004 for NULL, 22023 for a bad topic (1 to 1100 bytes) or event (1 to 255 bytes), 54000 for a payload above pg_live.max_payload_size or 256 levels, 22P05 for text that is not UTF-8.';

CREATE FUNCTION live_private.emit_each(topics text[], events text[], payload jsonb) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_emit_each';
COMMENT ON FUNCTION live_private.emit_each(text[], text[], jsonb) IS
'Emits durable events with one payload, in the order of the arrays. The first event stores a payload above 1 kB for all of them, so it must not be deleted alone. Errors: as live.emit(), and 22023 for arrays of different lengths.';

CREATE FUNCTION live_private.shared_payload(slot smallint, xid xid8, payload_id bigint) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE COST 1 -- few events share their payload
SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.payload FROM live.event e WHERE e.slot = shared_payload.slot AND e.xid = shared_payload.xid AND e.id = shared_payload.payload_id
$$;
COMMENT ON FUNCTION live_private.shared_payload(smallint, xid8, bigint) IS 'The payload that one durable event stores for several. Part of live_private.event_with_payload.';

CREATE VIEW live_private.event_with_payload AS
SELECT e.id, e.xid, e.topic, e.event, coalesce(e.payload, live_private.shared_payload(e.slot, e.xid, e.payload_id)) AS payload, e.created_at
FROM live.event e;
COMMENT ON VIEW live_private.event_with_payload IS 'Durable events as they were emitted, each with its payload.';
COMMENT ON COLUMN live_private.event_with_payload.id IS 'As in live.event.';
COMMENT ON COLUMN live_private.event_with_payload.xid IS 'As in live.event.';
COMMENT ON COLUMN live_private.event_with_payload.topic IS 'As in live.event.';
COMMENT ON COLUMN live_private.event_with_payload.event IS 'As in live.event.';
COMMENT ON COLUMN live_private.event_with_payload.payload IS 'The data of the event, its own or shared.';
COMMENT ON COLUMN live_private.event_with_payload.created_at IS 'As in live.event.';

CREATE FUNCTION live_private.printed_size(value jsonb) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_printed_size';
COMMENT ON FUNCTION live_private.printed_size(jsonb) IS 'Bytes of a JSON value as text, computed without printing it: 1e100000 takes 16 bytes as stored.';

CREATE FUNCTION live_private.is_sendable(topic text, event text, payload jsonb) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_is_sendable';
COMMENT ON FUNCTION live_private.is_sendable(text, text, jsonb) IS
'Whether a stored event can be sent to bridges and clients. live.emit() refuses an event that cannot; one that is stored nevertheless is skipped and does not stop the stream.';

-- Uses the index alone: on a slot full of expired rows, the planner overestimates the fresh ones.
CREATE FUNCTION live_private.slot_has_fresh_rows(slot regclass, seen pg_snapshot, fresh_since timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  has_fresh_rows boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %1$s WHERE xid >= pg_snapshot_xmax($1) AND created_at >= $2)
                      OR EXISTS (SELECT FROM pg_snapshot_xip($1) AS running (xid) JOIN %1$s USING (xid) WHERE created_at >= $2)', slot)
    INTO has_fresh_rows USING seen, fresh_since;
  RETURN has_fresh_rows;
END
$$;
COMMENT ON FUNCTION live_private.slot_has_fresh_rows(regclass, pg_snapshot, timestamptz) IS
'Whether a slot has rows created since a time by transactions that had not ended in a snapshot. Part of live.drop_expired_events().';

-- Truncates the slots whose rows have all expired. It examines a slot without a lock first, and waits for the lock only
-- briefly, since readers of the whole table would queue behind a waiting TRUNCATE. While it holds the lock of one slot it
-- waits for no other. A transaction that keeps one snapshot could not see rows added before the lock, so it is refused.
CREATE FUNCTION live.drop_expired_events() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' SET enable_seqscan = off AS $$
DECLARE
  slot record;
  expires_before timestamptz;
  expired_batch bigint;
  seen pg_snapshot;
  has_fresh_rows boolean;
  holds_lock boolean := false;
  rows_left boolean := false;
BEGIN
  IF current_setting('transaction_isolation') COLLATE "C" IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'live.drop_expired_events() cannot run in a REPEATABLE READ or SERIALIZABLE transaction'
      USING ERRCODE = 'active_sql_transaction', HINT = 'Call it in a READ COMMITTED transaction.';
  END IF;
  PERFORM live.version(); -- the settings exist once the library is loaded
  PERFORM live_private.begin_lifetime();
  -- Batch ids are microseconds of the clock. The newest batch stays, since its snapshot starts the next one, and so does
  -- the newest expired batch, which marks the events that have expired. Deletes in chunks, before any slot is locked.
  expires_before := clock_timestamp() - current_setting('pg_live.event_retention')::interval;
  expired_batch := (
    SELECT b.id FROM live_private.batch b
    WHERE b.id < (extract(epoch FROM expires_before) * 1000000)::bigint ORDER BY b.id DESC LIMIT 1);
  DELETE FROM live_private.batch b
  WHERE b.id IN (SELECT old.id FROM live_private.batch old WHERE old.id < expired_batch ORDER BY old.id LIMIT 100000);
  WITH gone AS (DELETE FROM live_private.held_series s WHERE s.completed_by < expired_batch RETURNING s.id)
  DELETE FROM live_private.held_transaction h USING gone WHERE h.series = gone.id;
  FOR slot IN
    SELECT i.inhrelid::regclass AS name, i.inhparent = 'live.event'::regclass AS durable
    FROM pg_inherits i
    WHERE i.inhparent IN ('live.event'::regclass, 'live.signal'::regclass)
  LOOP
    expires_before := clock_timestamp()
      - (current_setting(CASE WHEN slot.durable THEN 'pg_live.event_retention' ELSE 'pg_live.signal_retention' END))::interval;
    -- The newest transaction's row decides for almost every slot. NULL: the slot is empty.
    EXECUTE format('SELECT (SELECT created_at >= $1 FROM %s ORDER BY xid DESC, id DESC LIMIT 1)', slot.name)
      INTO has_fresh_rows USING expires_before;
    CONTINUE WHEN has_fresh_rows IS NULL;
    rows_left := true;
    CONTINUE WHEN has_fresh_rows;
    -- Transactions that a batch's snapshot shows as ended are older than the batch, unless the snapshot is of another cluster.
    seen := coalesce(
      (SELECT b.snapshot FROM live_private.batch b
       WHERE b.id < (extract(epoch FROM expires_before) * 1000000)::bigint
         AND pg_snapshot_xmax(b.snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
       ORDER BY b.id DESC LIMIT 1), '3:3:');
    SELECT live_private.slot_has_fresh_rows(slot.name, seen, expires_before), pg_current_snapshot() INTO has_fresh_rows, seen;
    CONTINUE WHEN has_fresh_rows;
    BEGIN
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE %s', slot.name, CASE WHEN holds_lock THEN 'NOWAIT' END);
      holds_lock := true;
      -- A transaction that held the lock may have written after the check above.
      IF NOT live_private.slot_has_fresh_rows(slot.name, seen, expires_before) THEN
        EXECUTE format('TRUNCATE %s', slot.name);
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      NULL; -- the next maintenance tries again
    END;
  END LOOP;
  RETURN rows_left;
END
$$;
COMMENT ON FUNCTION live.drop_expired_events() IS
'Deletes expired events, signals and batches in bulk. Returns whether any events are left. The worker calls it; where no worker runs, bridges do. Error 25001 in a REPEATABLE READ or SERIALIZABLE transaction.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.drop_expired_events()');
