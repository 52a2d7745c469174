-- Fetching: how a bridge reads the batches it was rung for, and those it missed.

-- Only a name that has no form in UTF-8 is another then, so that it can be logged.
CREATE FUNCTION live.as_sendable(name text) RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN live.is_sendable(name, '', 'null') THEN name ELSE encode(convert_to(name, getdatabaseencoding()), 'escape') END;
COMMENT ON FUNCTION live.as_sendable(text) IS 'The name, in escaped form if it has text that cannot be sent.';

CREATE FUNCTION live.fetch_events(after_batch bigint, after_id bigint DEFAULT NULL, max_events integer DEFAULT 10000)
RETURNS TABLE (batch bigint, id bigint, topic text, event text, payload jsonb, durable boolean, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  seen_id ALIAS FOR after_id;
  batch record;
  last_batch bigint;
  counted bigint := 0;
BEGIN
  IF after_batch IS NULL OR max_events IS NULL THEN
    RAISE EXCEPTION 'after_batch and max_events must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF max_events < 1 THEN
    RAISE EXCEPTION 'max_events must be positive' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- So many batches fill a page. The first may have been seen in part, and does not count.
  FOR batch IN SELECT b.id, b.events FROM live.batch b WHERE b.id >= after_batch ORDER BY b.id LOOP
    last_batch := batch.id;
    counted := counted + CASE WHEN batch.id > after_batch THEN batch.events ELSE 0 END;
    EXIT WHEN counted >= max_events;
  END LOOP;
  RETURN QUERY
  SELECT b.id, e.id, live.as_sendable(e.topic), live.as_sendable(e.event),
         CASE WHEN live.is_sendable(e.topic, e.event, e.payload) THEN e.payload END, e.durable, e.created_at
  FROM live.batch b
  CROSS JOIN LATERAL unnest(b.xids) AS member (xid)
  CROSS JOIN LATERAL (
    SELECT d.id, d.topic, d.event, d.payload, true AS durable, d.created_at
    FROM live.event d WHERE d.xid = member.xid AND d.id > b.after_id AND d.id <= b.through_id
    UNION ALL
    SELECT s.id, s.topic, s.event, s.payload, false, s.created_at
    FROM live.signal s WHERE s.xid = member.xid AND s.id > b.after_id AND s.id <= b.through_id
  ) AS e
  WHERE b.id >= after_batch + (seen_id IS NULL)::integer AND b.id <= last_batch
    AND (b.id > after_batch OR e.id > seen_id)
  ORDER BY b.id, e.id
  LIMIT max_events;
END
$$;
COMMENT ON FUNCTION live.fetch_events(bigint, bigint, integer) IS
'Events after a position, in order: batch by batch, by id within a batch. after_id NULL: all of after_batch was seen. An event that cannot be sent has the payload NULL: to be skipped, logged and counted. For bridges; checks no access.';

-- A procedure, since no function can end its transaction: what waits in one has a snapshot, which holds up vacuum.
CREATE PROCEDURE live.await_batch(known_batch bigint, patience integer, INOUT newest_batch bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_live_await_batch';
COMMENT ON PROCEDURE live.await_batch(bigint, integer, bigint) IS
'Waits until a worker has published a batch newer than known_batch, at most patience milliseconds (10,000 at most), and returns the newest batch of which the worker has told since the server started; NULL, at once, if no worker runs. For bridges, which fetch then: it shows batches sooner than the notification pg_live, which is sent as well. Holds no snapshot while it waits. Errors: 22004; 22023 for a negative patience; 25001 in a transaction block or a function.';
