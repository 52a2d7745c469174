-- Positions. `<batch>-<event id>` is the place of an event in the stream. `<batch>-<event id>@<lifetime>:<snapshot>` is the
-- position of a state: the events after the first part that the snapshot does not see. A batch alone cannot express that:
-- one batch may have events that the snapshot sees and events that it does not see.

CREATE FUNCTION live_private.parse_position(value text, OUT batch bigint, OUT id bigint, OUT lifetime bigint, OUT seen pg_snapshot)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parts text[] := regexp_match(value COLLATE "C", '^([0-9]{1,18})-([0-9]{1,18})(?:@([0-9]{1,18}):([0-9]{1,19}:[0-9]{1,19}:[0-9,]*))?$');
BEGIN
  IF parts[4] IS NOT NULL AND length(value) <= 60000 THEN
    BEGIN
      seen := parts[4]::pg_snapshot;
    EXCEPTION WHEN invalid_text_representation THEN
      parts := NULL;
    END;
  END IF;
  IF parts IS NULL OR length(value) > 60000 THEN
    RAISE EXCEPTION 'invalid position: "%"', left(value, 60)
      USING ERRCODE = 'invalid_parameter_value', HINT = 'A position is the "meta.id" of an event or a result of live.position(), unchanged.';
  END IF;
  batch := parts[1]::bigint;
  id := parts[2]::bigint;
  lifetime := parts[3]::bigint;
END
$$;
COMMENT ON FUNCTION live_private.parse_position(text) IS
'Splits a position; lifetime and seen are NULL for the position of an event. Error 22023 if it is invalid.';

-- After a crash, transaction ids whose use was not yet on disk are assigned again, and a snapshot from before the crash
-- would count the new transactions as seen. UNLOGGED, so a crash resets it; maintenance then begins the next lifetime.
CREATE UNLOGGED SEQUENCE live_private.lifetime;
COMMENT ON SEQUENCE live_private.lifetime IS
'The lifetime of the server, from one crash to the next, in microseconds of the clock. Not called: maintenance has not run since the last crash.';

CREATE FUNCTION live_private.begin_lifetime() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT setval('live_private.lifetime', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) FROM live_private.lifetime l WHERE NOT l.is_called
$$;
COMMENT ON FUNCTION live_private.begin_lifetime() IS 'Begins a lifetime if a crash has ended the one before. Part of live.drop_expired_events().';
SELECT live_private.begin_lifetime();

-- 0 matches the lifetime of no position.
CREATE FUNCTION live_private.current_lifetime() RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN l.is_called THEN l.last_value ELSE 0 END FROM live_private.lifetime l
$$;
COMMENT ON FUNCTION live_private.current_lifetime() IS 'The lifetime of the server; 0 until maintenance has run. Part of live.position().';

-- Where there is no batch, the clock serves as its id: no later batch has a smaller one.
CREATE FUNCTION live.position() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN NULL;
  ELSIF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION 'live.position() cannot run in a transaction that has written' USING ERRCODE = 'active_sql_transaction',
      DETAIL = 'A snapshot does not tell whether it sees what its own transaction wrote.',
      HINT = 'Read the state and its position in a transaction that only reads.';
  END IF;
  RETURN format('%s-0@%s:%s', coalesce(nullif(live_private.newest_batch(), 0), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
                live_private.current_lifetime(), pg_current_snapshot());
END
$$;
COMMENT ON FUNCTION live.position() IS
'The position of the current snapshot: live.replay() or a subscription from it gives exactly the events that the snapshot does not see. Read a state and its position in one statement. Invalid after a crash of the server. NULL on a standby. Error 25001 in a transaction that has written.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.position()');

-- Searches the transactions that ended between the newest batch and the snapshot, and deferred ones.
CREATE FUNCTION live_private.has_unpublished(topics text[], seen pg_snapshot) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT
    FROM unnest(topics) AS t (topic)
    CROSS JOIN live_private.ended_xids(
      coalesce((SELECT b.snapshot FROM live_private.batch b ORDER BY b.id DESC LIMIT 1), '3:3:'), seen) AS range
    CROSS JOIN LATERAL (SELECT FROM live.event e WHERE e.topic = t.topic AND e.xid >= range.first_xid AND e.xid < range.end_xid LIMIT 1) AS ended
  ) OR EXISTS (
    SELECT
    FROM live_private.held_series s
    JOIN live_private.held_transaction h ON h.series = s.id AND h.is_large
    CROSS JOIN unnest(topics) AS t (topic)
    CROSS JOIN LATERAL (SELECT FROM live.event e WHERE e.topic = t.topic AND e.xid = h.xid AND e.id > coalesce(s.released_through, 0) LIMIT 1) AS large
    WHERE s.completed_by IS NULL AND pg_visible_in_snapshot(h.xid, seen)
  ) OR EXISTS (
    SELECT
    FROM live_private.held_series s
    CROSS JOIN unnest(topics) AS t (topic)
    CROSS JOIN LATERAL (
      SELECT FROM live.event e
      WHERE e.topic = t.topic AND e.xid >= s.first_small AND e.xid <= s.last_small AND e.id > coalesce(s.released_through, 0)
        AND pg_visible_in_snapshot(e.xid, seen)
        AND (SELECT h.series FROM live_private.held_transaction h WHERE h.xid = e.xid AND NOT h.is_large) = s.id
      LIMIT 1) AS small
    WHERE s.completed_by IS NULL);
END
$$;
COMMENT ON FUNCTION live_private.has_unpublished(text[], pg_snapshot) IS
'Whether a snapshot sees durable events of these topics that are not yet published. Part of live_private.await_published().';

CREATE FUNCTION live_private.is_published(topic text, after_position text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  state record := live_private.parse_position(after_position);
BEGIN
  RETURN NOT live_private.has_unpublished(CASE topic COLLATE "C" WHEN 'presence' THEN '{presence,$presence}' ELSE array[topic] END, state.seen);
END
$$;
COMMENT ON FUNCTION live_private.is_published(text, text) IS
'Whether all durable events of a topic that the position of a state has seen are published. Part of live_private.await_published().';

-- A subscription from a state must not get live events that the state's snapshot has seen.
CREATE FUNCTION live_private.await_published(topic text, after_position text) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_await_published';
COMMENT ON FUNCTION live_private.await_published(text, text) IS
'Waits until all durable events of a topic that the position of a state has seen are published; returns at once for the position of an event. For users who may receive the topic. Errors: 42501 without access, 22023 for an invalid position, 25001 in a REPEATABLE READ or SERIALIZABLE transaction, 55000 if they are not published within 3 seconds.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.await_published(text, text)');
