-- Starts of the server: after one, users announced online get time to come back before they are announced offline.

-- A restart of the server may have emptied the UNLOGGED tables, and this one with them.
CREATE UNLOGGED TABLE live_private.presence_epoch (
  server_start timestamptz PRIMARY KEY,
  settles_at timestamptz NOT NULL
);
COMMENT ON TABLE live_private.presence_epoch IS 'One row, made by the first call after a start of the server; gone after a crash.';
COMMENT ON COLUMN live_private.presence_epoch.server_start IS 'When the server started.';
COMMENT ON COLUMN live_private.presence_epoch.settles_at IS 'Until then, users who were announced online may come back without an event; infinity once that is over.';
ALTER TABLE live_private.presence_epoch ENABLE ROW LEVEL SECURITY;

-- A node could not renew its lease while the server was down, so it gets a new one.
CREATE FUNCTION live_private.begin_presence_epoch() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  patience interval := live_private.default_lease() + live_private.grace_period();
BEGIN
  IF EXISTS (SELECT FROM live_private.presence_epoch e WHERE e.server_start = pg_postmaster_start_time()) THEN
    RETURN true;
  ELSIF NOT pg_try_advisory_xact_lock(hashtextextended('pg_live presence epoch', 0)) THEN
    RETURN false; -- another transaction is doing it, and is not waited for
  ELSIF EXISTS (SELECT FROM live_private.presence_epoch e WHERE e.server_start = pg_postmaster_start_time()) THEN
    RETURN true;
  END IF;
  DELETE FROM live_private.presence_epoch;
  INSERT INTO live_private.presence_epoch
  SELECT pg_postmaster_start_time(),
         CASE WHEN EXISTS (SELECT FROM live.user_presence p WHERE p.status <> 'offline') THEN live_private.clock() + patience ELSE 'infinity' END;
  UPDATE live_private.node n SET expires_at = greatest(n.expires_at, live_private.clock() + patience)
  WHERE n.id IN (SELECT free.id FROM live_private.node free WHERE NOT free.retired FOR UPDATE SKIP LOCKED);
  PERFORM live_private.settle_all_participants();
  RETURN true;
END
$$;
COMMENT ON FUNCTION live_private.begin_presence_epoch() IS
'Detects a restart of the server: bridges and clients get time to come back before their users are announced offline. In sessions, only connections that survived are active. Returns false while another transaction does so.';

-- A copy with triggers disabled may restore users who are announced online but have no connection. As after a crash, they
-- get time to come back.
CREATE FUNCTION live_private.notice_restored_presence() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  patience timestamptz := live_private.clock() + live_private.default_lease() + live_private.grace_period();
BEGIN
  IF EXISTS (SELECT FROM live.user_presence p WHERE p.status <> 'offline'
             AND NOT EXISTS (SELECT FROM live.connection c WHERE c.user_id = p.user_id)) THEN
    UPDATE live_private.presence_epoch e SET settles_at = patience WHERE e.settles_at = 'infinity';
    PERFORM live_private.wake_worker(patience);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.notice_restored_presence() IS
'Delays announcing offline those users who are announced online without a connection. Part of live.refresh_summaries().';
