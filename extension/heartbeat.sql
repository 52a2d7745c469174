-- Heartbeats: with them a connection made by plain SQL begins, lives on, and reports whether its user is present.

CREATE FUNCTION live_private.begin_connection(
  me text, connection_id uuid, device live.device_type, is_active boolean, ttl interval) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz := live_private.clock();
  most integer := 200;
BEGIN
  IF (SELECT count(*) FROM live.connection c WHERE c.user_id = me) >= most THEN
    RAISE EXCEPTION 'too many connections of one user' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('There are %s.', most);
  END IF;
  -- Two heartbeats may come at once, or one while its bridge connects the user: then the node's lease counts.
  INSERT INTO live.connection AS c (id, user_id, device_type, active, connected_at, last_active_at, seen_at, expires_at, check_at)
  VALUES (connection_id, me, coalesce(device, 'other'), is_active, at, at, at, at + ttl, least(at + ttl, at + live_private.idle_after()))
  ON CONFLICT ON CONSTRAINT connection_pkey DO UPDATE
  SET active = excluded.active, last_active_at = excluded.last_active_at, seen_at = excluded.seen_at,
      expires_at = CASE WHEN c.node_id IS NULL THEN excluded.expires_at ELSE c.expires_at END
  WHERE c.user_id = excluded.user_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'connection belongs to another user' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM live_private.wake_worker(least(at + ttl, at + live_private.idle_after()));
END
$$;
COMMENT ON FUNCTION live_private.begin_connection(text, uuid, live.device_type, boolean, interval) IS
'Inserts a connection with a deadline of its own. Part of live.heartbeat(). Errors: 42501 if the id is of another user''s connection, 54000 for too many.';

CREATE FUNCTION live_private.beat(connection_id uuid, device_type live.device_type, active boolean, ttl interval, may_begin boolean)
RETURNS live.presence
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  at timestamptz;
  old live.connection;
  was_idle boolean;
  new_check timestamptz;
BEGIN
  IF connection_id IS NULL OR active IS NULL OR ttl IS NULL THEN
    RAISE EXCEPTION 'connection_id, active and ttl must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF ttl < '1 second' OR ttl > '1 day' THEN
    RAISE EXCEPTION 'ttl must be from 1 second to 1 day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT c.* INTO old FROM live.connection c WHERE c.id = connection_id AND c.user_id = me FOR UPDATE;
  at := live_private.clock();
  IF old.id IS NULL AND NOT may_begin THEN
    RETURN live_private.presence_of(me);
  ELSIF old.id IS NULL THEN
    PERFORM live_private.begin_connection(me, connection_id, device_type, active, ttl);
    PERFORM live_private.announce(ARRAY[me]);
    RETURN live_private.presence_of(me);
  END IF;
  was_idle := NOT old.active OR old.last_active_at + live_private.idle_after() <= at;
  new_check := least(old.check_at, CASE WHEN old.node_id IS NULL THEN at + ttl ELSE 'infinity' END,
                     CASE WHEN active THEN at + live_private.idle_after() ELSE 'infinity' END);
  UPDATE live.connection c
  SET active = beat.active, device_type = coalesce(nullif(beat.device_type, 'other'), c.device_type), seen_at = at,
      last_active_at = CASE WHEN beat.active THEN at ELSE c.last_active_at END,
      expires_at = CASE WHEN c.node_id IS NULL THEN at + ttl ELSE c.expires_at END,
      check_at = new_check
  WHERE c.id = connection_id;
  IF new_check < old.check_at THEN
    PERFORM live_private.wake_worker(new_check);
  END IF;
  -- Only then can the shown presence have changed; otherwise the UPDATE is all that a heartbeat writes.
  IF was_idle = active OR old.expires_at <= at THEN
    PERFORM live_private.announce(ARRAY[me]);
  END IF;
  RETURN live_private.presence_of(me);
END
$$;
COMMENT ON FUNCTION live_private.beat(uuid, live.device_type, boolean, interval, boolean) IS
'As live.heartbeat(), but inserts a missing connection only if may_begin. For the extension itself.';

CREATE FUNCTION live.heartbeat(
  connection_id uuid, device_type live.device_type DEFAULT 'other', active boolean DEFAULT true, ttl interval DEFAULT '90 seconds')
RETURNS live.presence
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN live_private.beat(connection_id, device_type, active, ttl, true);
END
$$;
COMMENT ON FUNCTION live.heartbeat(uuid, live.device_type, boolean, interval) IS
'Keeps a connection of the current user alive, or makes it; it ends when no heartbeat comes for ttl (1 second to 1 day). active false: the user is not present. Returns the presence as the user sees it. Errors: 42501 when not signed in or for another user''s connection; 22004; 22023; 54000 for more than 200 connections.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.heartbeat(uuid, live.device_type, boolean, interval)');

-- For sockets, whose bridge begins and ends the connection: a late heartbeat must not restore it.
CREATE FUNCTION live_private.heartbeat_of_socket(connection_id uuid, device_type live.device_type DEFAULT 'other', active boolean DEFAULT true)
RETURNS live.presence
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN live_private.beat(connection_id, device_type, active, '90 seconds', false);
END
$$;
COMMENT ON FUNCTION live_private.heartbeat_of_socket(uuid, live.device_type, boolean) IS
'As live.heartbeat(), for a connection that a bridge serves: one that has ended is not restored. Errors: 42501, 22004.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.heartbeat_of_socket(uuid, live.device_type, boolean)');
