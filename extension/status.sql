-- The state of the extension, for operators: whether it runs, how, and how far it lags.

CREATE FUNCTION live_private.worker_is_running() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_live_worker_is_running';
COMMENT ON FUNCTION live_private.worker_is_running() IS 'Whether a worker of this database runs and is not in the pause of one that keeps failing.';

CREATE FUNCTION live_private.worker_is_expected() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_live_worker_is_expected';
COMMENT ON FUNCTION live_private.worker_is_expected() IS
'Whether a worker has run since the server started, so that transactions ring it instead of notifying bridges.';

-- Unlike that of live.status(), its cost does not depend on the number of kept or waiting events. A batch that has expired
-- cannot be told from one that never existed, and counts as known.
CREATE FUNCTION live_private.stream_state(known_batch bigint, OUT worker_expected boolean, OUT newest_batch bigint, OUT is_known boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  worker_expected := live_private.worker_is_expected(); -- the settings exist once the library is loaded
  newest_batch := live_private.newest_batch();
  is_known := known_batch = 0 OR EXISTS (SELECT FROM live_private.batch b WHERE b.id = known_batch)
    OR known_batch < (extract(epoch FROM clock_timestamp() - current_setting('pg_live.event_retention')::interval) * 1000000)::bigint;
END
$$;
COMMENT ON FUNCTION live_private.stream_state(bigint) IS
'What a starting listener needs: whether a worker publishes, the newest batch (0 if there never was one), and whether the batch it knows belongs to this history. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.stream_state(bigint)');

-- Age of the oldest committed event that is in no batch; 0 if there is none. Transactions that ended since the last pass may
-- have millions of events, so the first thousand in order of xid stand for all; for deferred ones, the next thousand events
-- of each series do.
CREATE FUNCTION live_private.publish_lag() RETURNS interval
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
  SELECT coalesce(max(clock_timestamp() - waiting.created_at), '0')
  FROM (
    SELECT ended.created_at
    FROM (
      SELECT found.created_at
      FROM (SELECT coalesce((SELECT b.snapshot FROM live_private.batch b ORDER BY b.id DESC LIMIT 1), '3:3:') AS snapshot) AS published
      CROSS JOIN LATERAL live_private.ended_xids(published.snapshot, pg_current_snapshot()) AS range
      CROSS JOIN LATERAL (
        SELECT e.created_at FROM live.event e WHERE e.xid >= range.first_xid AND e.xid < range.end_xid
        UNION ALL
        SELECT s.created_at FROM live.signal s WHERE s.xid >= range.first_xid AND s.xid < range.end_xid
      ) AS found
      LIMIT 1000
    ) AS ended
    UNION ALL
    SELECT held.created_at
    FROM live_private.held_series series
    CROSS JOIN LATERAL (
      SELECT c.xid, c.next_id FROM live_private.held_transaction c
      WHERE c.series = series.id AND c.next_id > coalesce(series.released_through, 0) ORDER BY c.next_id LIMIT 1000) AS h
    CROSS JOIN LATERAL (
      SELECT e.created_at FROM live.event e WHERE e.xid = h.xid AND e.id = h.next_id
      UNION ALL
      SELECT s.created_at FROM live.signal s WHERE s.xid = h.xid AND s.id = h.next_id
    ) AS held
    WHERE series.completed_by IS NULL
  ) AS waiting
$$;
COMMENT ON FUNCTION live_private.publish_lag() IS 'Age of the oldest committed event that is not yet published, 0 if there is none.';

-- PL/pgSQL, so that the table is not opened on a standby, which cannot read UNLOGGED tables.
CREATE FUNCTION live_private.count_connections() RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT count(*) FROM live.connection c LEFT JOIN live_private.node n ON n.id = c.node_id
          WHERE live_private.is_alive(c.expires_at, c.node_id, n.expires_at));
END
$$;
COMMENT ON FUNCTION live_private.count_connections() IS 'Number of live connections; NULL on a standby, which cannot read them.';

CREATE FUNCTION live.status() RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'mode', CASE WHEN live_private.worker_is_expected() THEN 'worker' ELSE 'in-transaction' END,
    'worker_running', live_private.worker_is_running(),
    'publisher', CASE WHEN live_private.worker_is_running() THEN 'worker' WHEN listening.nodes > 0 AND NOT pg_is_in_recovery() THEN 'bridges' ELSE 'none' END,
    'last_batch', nullif(live_private.newest_batch(), 0),
    -- A standby publishes nothing, and cannot read UNLOGGED tables.
    'lag_seconds', CASE WHEN NOT pg_is_in_recovery() THEN extract(epoch FROM live_private.publish_lag()) END,
    'nodes', listening.nodes,
    'connections', live_private.count_connections(),
    'version', live.version(),
    'extension_version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_live'))
  -- A node listens with a connection of its own, under this name.
  FROM (SELECT count(*) AS nodes FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.application_name = 'pg-live-bridge listener') AS listening
$$;
COMMENT ON FUNCTION live.status() IS
'A JSON object: mode ("worker" or "in-transaction"); worker_running; publisher ("worker", "bridges", or "none": events wait, and none expires); last_batch (id or null); lag_seconds (age of the oldest unpublished event); nodes (listening bridges); connections; version (of the loaded library); extension_version. If the versions differ, restart the server or run ALTER EXTENSION pg_live UPDATE. For admins and bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.status()');
