-- Replay: the events of a topic after a position, since a time, or the latest ones, for a client that was away.

-- Events stay as they were emitted, so the activity in an event may have been deleted or its visibility reduced since. Such
-- an event is not replayed, or a user who joins a topic later would read what the author has withdrawn. An app may emit
-- events of these names itself; those of the extension carry the cursor of an activity.
CREATE FUNCTION live_private.is_told_now(topic text, payload jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT live_private.is_built_in_topic(topic) OR NOT coalesce(payload ->> 'id' ~ '^[0-9]{1,18}$' AND payload ? 'cursor', false) THEN
    RETURN true;
  END IF;
  RETURN EXISTS (
    SELECT FROM live.activity_stream a
    WHERE a.id = (payload ->> 'id')::bigint AND a.deleted_at IS NULL
      AND topic IN (SELECT t FROM live_private.activity_topics(a) AS t));
END
$$;
COMMENT ON FUNCTION live_private.is_told_now(text, jsonb) IS 'Whether an activity would be emitted on a topic now; true for other payloads. Part of live_private.is_still_told().';

-- Inlined, since replay evaluates it for every event.
CREATE FUNCTION live_private.is_still_told(topic text, event text, payload jsonb) RETURNS boolean
LANGUAGE sql STABLE
RETURN event NOT IN ('activity:new', 'notification:new') OR live_private.is_told_now(topic, payload);
COMMENT ON FUNCTION live_private.is_still_told(text, text, jsonb) IS 'Whether an event may be replayed: false for an activity that would no longer be emitted on that topic.';

-- The published events of a topic after a start, with their batches. It examines transactions below end_xid (NULL: all),
-- and those that were deferred (hold.sql). The events of a transaction are in the first batch whose snapshot shows it, or,
-- if that batch belongs to a series, in one part of the series; where a pass stored several batches, the first is not one
-- of deferred transactions. That batch is looked up once a transaction and not once an event: for a transaction that stayed
-- open for long, the search passes all batches published before it ended. A large deferred transaction has max_events
-- candidates: its first, or its last published ones. Small deferred transactions may be very many, so the topic is searched
-- for them, not each of them for the topic. The plan is made for each topic, since its share of all events decides which
-- index serves.
CREATE TYPE live_private.replay_end AS ENUM ('first', 'last');
COMMENT ON TYPE live_private.replay_end IS 'The end from which events are wanted. Part of live_private.published_events().';

CREATE FUNCTION live_private.published_events(topic text, end_xid xid8, start_snapshot pg_snapshot, start_batch bigint, start_series bigint,
                                      start_id bigint, seen pg_snapshot, created_since timestamptz, max_events integer, wanted live_private.replay_end)
RETURNS TABLE (batch bigint, id bigint, event text, payload jsonb, created_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH found AS MATERIALIZED (
    SELECT e.xid, e.id, e.event, e.payload, e.created_at
    FROM live_private.event_with_payload e
    WHERE e.topic = published_events.topic
      AND e.xid >= pg_snapshot_xmin(start_snapshot) AND e.xid < coalesce(end_xid, '18446744073709551615')
      AND NOT pg_visible_in_snapshot(e.xid, start_snapshot)
      AND pg_visible_in_snapshot(e.xid, seen) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM live_private.held_transaction h WHERE h.xid = e.xid OFFSET 0) -- one by one, not all deferred ones
      AND e.created_at >= created_since
      AND live_private.is_sendable(e.topic, e.event, e.payload)
      AND live_private.is_still_told(e.topic, e.event, e.payload)
  ), emitter AS MATERIALIZED (
    SELECT emitter.xid, first.id, first.series
    FROM (SELECT DISTINCT f.xid FROM found f) AS emitter
    CROSS JOIN LATERAL (
      SELECT b.id, b.series
      FROM live_private.batch b
      WHERE pg_snapshot_xmax(b.snapshot) > emitter.xid AND pg_visible_in_snapshot(emitter.xid, b.snapshot)
      ORDER BY pg_snapshot_xmax(b.snapshot), b.id
      LIMIT 1
    ) AS first
  ), series AS MATERIALIZED (
    SELECT s.id, s.first_small, s.last_small,
           greatest((SELECT max(b.through_id) FROM live_private.batch b WHERE b.series = s.id AND b.id < start_batch),
                    CASE WHEN s.id = start_series THEN start_id END,
                    0) AS after_id
    FROM live_private.held_series s
    WHERE s.completed_by IS NULL OR s.completed_by >= start_batch
  ), large AS MATERIALIZED (
    SELECT s.id AS series, h.xid,
           greatest(s.after_id,
                    (SELECT e.id FROM live_private.event_with_payload e
                     WHERE wanted = 'last' AND e.topic = published_events.topic AND e.xid = h.xid
                       AND e.id <= (SELECT max(b.through_id) FROM live_private.batch b WHERE b.series = s.id)
                       AND e.created_at >= created_since
                       AND live_private.is_sendable(e.topic, e.event, e.payload)
                       AND live_private.is_still_told(e.topic, e.event, e.payload)
                     ORDER BY e.id DESC OFFSET max_events LIMIT 1)) AS after_id
    FROM series s JOIN live_private.held_transaction h ON h.series = s.id AND h.is_large AND pg_visible_in_snapshot(h.xid, seen) IS NOT TRUE
  )
  SELECT e.batch, e.id, e.event, e.payload, e.created_at
  FROM (
    SELECT coalesce(part.id, m.id) AS batch, f.id, f.event, f.payload, f.created_at
    FROM found f
    JOIN emitter m ON m.xid = f.xid
    LEFT JOIN LATERAL (SELECT b.id FROM live_private.batch b WHERE b.series = m.series AND b.through_id >= f.id ORDER BY b.through_id LIMIT 1)
      AS part ON true
    UNION ALL
    SELECT part.id, d.id, d.event, d.payload, d.created_at
    FROM (
      SELECT l.series, candidate.*
      FROM large l
      CROSS JOIN LATERAL (
        SELECT e.id, e.event, e.payload, e.created_at
        FROM live_private.event_with_payload e
        WHERE e.topic = published_events.topic AND e.xid = l.xid AND e.id > l.after_id
          AND e.created_at >= created_since
          AND live_private.is_sendable(e.topic, e.event, e.payload)
          AND live_private.is_still_told(e.topic, e.event, e.payload)
        ORDER BY e.id LIMIT max_events
      ) AS candidate
      UNION ALL
      SELECT s.id, candidate.*
      FROM series s
      CROSS JOIN LATERAL (
        SELECT e.id, e.event, e.payload, e.created_at
        FROM live_private.event_with_payload e
        WHERE e.topic = published_events.topic AND e.xid >= s.first_small AND e.xid <= s.last_small AND e.id > s.after_id
          AND pg_visible_in_snapshot(e.xid, seen) IS NOT TRUE
          AND (SELECT h.series FROM live_private.held_transaction h WHERE h.xid = e.xid AND NOT h.is_large) = s.id
          AND e.created_at >= created_since
          AND live_private.is_sendable(e.topic, e.event, e.payload)
          AND live_private.is_still_told(e.topic, e.event, e.payload)
        OFFSET 0 -- by series, whatever the planner expects: few transactions of the topic are in one
      ) AS candidate
    ) AS d
    CROSS JOIN LATERAL (SELECT b.id FROM live_private.batch b WHERE b.series = d.series AND b.through_id >= d.id ORDER BY b.through_id LIMIT 1) AS part
  ) AS e
  WHERE (e.batch, e.id) > (start_batch, start_id);
END
$$;
COMMENT ON FUNCTION live_private.published_events(text, xid8, pg_snapshot, bigint, bigint, bigint, pg_snapshot, timestamptz, integer, live_private.replay_end) IS
'Part of live_private.replay_events() and live_private.start_of_latest(): the candidates of one page; checks no access.';

-- The id of a batch is the clock after its snapshot was taken, or greater, so what the snapshot shows was emitted before.
-- Deferred events are compared by batch id. The minute allows for a clock that was set back.
CREATE FUNCTION live_private.start_since(since timestamptz, OUT created_since timestamptz, OUT batch bigint, OUT snapshot pg_snapshot)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  since_batch bigint;
BEGIN
  -- Expired events may still lie in their slot, but their batches are gone.
  created_since := greatest(since, clock_timestamp() - current_setting('pg_live.event_retention')::interval);
  since_batch := extract(epoch FROM least(created_since, clock_timestamp()) - interval '1 minute') * 1000000;
  SELECT b.id, b.snapshot INTO batch, snapshot
  FROM live_private.batch b
  WHERE b.id < since_batch
  ORDER BY b.id DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION live_private.start_since(timestamptz) IS
'The time from which events count, and the last batch that has none of them; NULL: no such batch. Part of live_private.replay_events() and live_private.start_of_latest().';

-- The rows of live.replay(), for callers that have checked access.
CREATE FUNCTION live_private.replay_events(topic text, after_position text, since timestamptz, max_events integer)
RETURNS TABLE ("position" text, event text, payload jsonb, created_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  start record;
  start_batch record;
  start_snapshot pg_snapshot := '3:3:';
  start_series bigint;
  start_id bigint := 0;
  start_number bigint := 0;
  seen pg_snapshot;
  newest bigint := live_private.newest_batch();
  created_since timestamptz;
  examined integer := max_events;
  end_xid xid8;
  end_batch bigint;
BEGIN
  IF after_position IS NOT NULL THEN
    start := live_private.parse_position(after_position);
    start_number := start.batch;
    start_id := start.id;
    seen := start.seen;
    -- The batch may be gone after a crash if it had signals only; then the one before it serves as well.
    SELECT b.id, b.snapshot, b.series INTO start_batch FROM live_private.batch b WHERE b.id <= start.batch ORDER BY b.id DESC LIMIT 1;
    -- The position of a state that was read before the first batch is valid if no batch can have expired since.
    IF start_batch IS NULL AND NOT coalesce(
         seen IS NOT NULL
         AND start.batch >= extract(epoch FROM clock_timestamp() - current_setting('pg_live.event_retention')::interval) * 1000000, false) THEN
      RAISE EXCEPTION 'position "%" is older than the events that are kept', left(after_position, 60)
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Read the current state again, then follow the topic from now on.';
    -- After recovery to an earlier time, or from another cluster: the client has seen events that do not exist here. The
    -- batch of a durable event is on disk before a client learns of it, so a crash does not lose it.
    ELSIF (seen IS NOT NULL AND start.lifetime IS DISTINCT FROM nullif(live_private.current_lifetime(), 0))
       OR (start.batch > newest AND (newest > 0 OR seen IS NULL))
       OR (start_batch.id < start.batch AND start.id > 0) THEN
      RAISE EXCEPTION 'position "%" is not of this history', left(after_position, 60)
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Read the current state again, then follow the topic from now on.';
    ELSIF start_batch.id < start.batch THEN
      start_snapshot := start_batch.snapshot;
    ELSIF start_batch.id = start.batch THEN
      -- Events after the position were not visible before the pass that stored its batch, perhaps with others, or were
      -- deferred.
      start_series := start_batch.series;
      start_snapshot := coalesce(
        (SELECT b.snapshot FROM live_private.batch b WHERE b.id < start.batch AND b.snapshot::text <> start_batch.snapshot::text
         ORDER BY b.id DESC LIMIT 1), start_snapshot);
    END IF;
  END IF;

  SELECT s.batch AS id, s.snapshot, s.created_since INTO start_batch FROM live_private.start_since(since) AS s;
  created_since := start_batch.created_since;
  IF start_batch.id > start_number THEN
    start_number := start_batch.id;
    start_id := 0;
    start_series := NULL;
    start_snapshot := start_batch.snapshot;
  END IF;

  -- A page must not cost the whole topic. Transactions are examined in order of xid, which is nearly that of batches:
  -- those from end_xid on cannot be in a batch before end_batch, the first whose snapshot reaches beyond end_xid, so the
  -- events before that batch are complete. If they do not fill the page, more transactions are examined.
  LOOP
    end_batch := NULL;
    SELECT e.xid INTO end_xid
    FROM live.event e
    WHERE e.topic = replay_events.topic AND e.xid >= pg_snapshot_xmin(start_snapshot)
      AND NOT pg_visible_in_snapshot(e.xid, start_snapshot)
      AND pg_visible_in_snapshot(e.xid, seen) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM live_private.held_transaction h WHERE h.xid = e.xid OFFSET 0) -- one by one, not all deferred ones
      AND e.created_at >= created_since
    ORDER BY e.xid OFFSET examined LIMIT 1;
    EXIT WHEN end_xid IS NULL;
    SELECT b.id INTO end_batch
    FROM live_private.batch b WHERE pg_snapshot_xmax(b.snapshot) > end_xid
    ORDER BY pg_snapshot_xmax(b.snapshot), b.id LIMIT 1;
    EXIT WHEN max_events <= (
      SELECT count(*)
      FROM live_private.published_events(topic, end_xid, start_snapshot, start_number, start_series, start_id, seen, created_since, max_events, 'first') e
      WHERE end_batch IS NULL OR e.batch < end_batch);
    examined := examined * 8;
  END LOOP;

  RETURN QUERY
  SELECT format('%s-%s%s', e.batch, e.id, substring(after_position FROM '@.*')), e.event, e.payload, e.created_at
  FROM live_private.published_events(topic, end_xid, start_snapshot, start_number, start_series, start_id, seen, created_since, max_events, 'first') e
  WHERE end_batch IS NULL OR e.batch < end_batch
  ORDER BY e.batch, e.id
  LIMIT max_events;
END
$$;
COMMENT ON FUNCTION live_private.replay_events(text, text, timestamptz, integer) IS 'The rows of live.replay(); checks no access.';

-- Counts one transaction after another, since one may have very many events. Deferred transactions do not count.
CREATE FUNCTION live_private.xid_of_latest(topic text, start_snapshot pg_snapshot, most integer) RETURNS xid8
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE latest AS (
    SELECT '18446744073709551615'::xid8 AS xid, 0::bigint AS events
    UNION ALL
    SELECT earlier.xid, latest.events + CASE
             WHEN EXISTS (SELECT FROM live_private.held_transaction h WHERE h.xid = earlier.xid) THEN 0
             ELSE (SELECT count(*) FROM (SELECT FROM live.event e WHERE e.topic = xid_of_latest.topic AND e.xid = earlier.xid LIMIT most) AS counted) END
    FROM latest CROSS JOIN LATERAL (
      SELECT e.xid FROM live.event e
      WHERE e.topic = xid_of_latest.topic AND e.xid < latest.xid AND e.xid >= pg_snapshot_xmin(start_snapshot)
      ORDER BY e.xid DESC LIMIT 1) AS earlier
    WHERE latest.events < most
  )
  SELECT latest.xid FROM latest WHERE latest.events >= most LIMIT 1
$$;
COMMENT ON FUNCTION live_private.xid_of_latest(text, pg_snapshot, integer) IS
'The transaction from which on a topic has so many events, not counting deferred ones; NULL: fewer follow the start. Part of live_private.start_of_latest().';

-- The candidates are the events after the last batch that shows none of the latest transactions, and the last events of
-- each deferred transaction. If too few of them may be replayed, more are examined.
CREATE FUNCTION live_private.start_of_latest(topic text, since timestamptz, max_events integer) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  start record;
  behind record;
  first record;
  examined bigint := max_events;
  latest_xid xid8;
BEGIN
  SELECT s.created_since, coalesce(s.batch, 0) AS batch, coalesce(s.snapshot, '3:3:') AS snapshot INTO start FROM live_private.start_since(since) AS s;
  LOOP
    latest_xid := live_private.xid_of_latest(topic, start.snapshot, least(examined, 2147483647)::integer);
    SELECT b.id, b.snapshot INTO behind
    FROM live_private.batch b WHERE pg_snapshot_xmax(b.snapshot) <= latest_xid
    ORDER BY pg_snapshot_xmax(b.snapshot) DESC, b.id DESC LIMIT 1;
    IF behind.id IS NULL OR behind.id <= start.batch THEN
      behind.id := start.batch;
      behind.snapshot := start.snapshot;
    END IF;
    SELECT e.batch, e.id INTO first
    FROM live_private.published_events(topic, NULL, behind.snapshot, behind.id, NULL, 0, NULL, start.created_since, max_events, 'last') e
    ORDER BY e.batch DESC, e.id DESC OFFSET max_events - 1 LIMIT 1;
    IF FOUND THEN
      RETURN format('%s-%s', first.batch, first.id - 1);
    END IF;
    IF behind.id = start.batch THEN
      RETURN NULL;
    END IF;
    examined := examined * 8;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.start_of_latest(text, timestamptz, integer) IS 'The result of live_private.replay_start(); checks no access.';

CREATE FUNCTION live.replay(topic text, after_position text DEFAULT NULL, since timestamptz DEFAULT NULL,
                            max_events integer DEFAULT 1000)
RETURNS TABLE ("position" text, event text, payload jsonb, created_at timestamptz)
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_replay';
COMMENT ON FUNCTION live.replay(text, text, timestamptz, integer) IS
'Durable events of a topic in order, after a position or since a time; without those that cannot be sent. For users who may receive the topic. Errors: 42501 without access, 22023 for an invalid position or max_events outside 1..10000, 55000 for a position of expired events or of another history.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.replay(text, text, timestamptz, integer)');

CREATE FUNCTION live_private.replay_start(topic text, since timestamptz DEFAULT NULL, max_events integer DEFAULT 1000) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_replay_start';
COMMENT ON FUNCTION live_private.replay_start(text, timestamptz, integer) IS
'The position from which live.replay() returns the last max_events events of a topic since a time; NULL if there are fewer, for which it needs no position. For users who may receive the topic. Errors: 42501 without access, 22023 for max_events outside 1..10000.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.replay_start(text, timestamptz, integer)');
