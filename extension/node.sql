-- Functions for bridges. A node is one running bridge; its connections live as long as it renews its lease. Each call
-- handles many connections. The bridge has verified the users' tokens, so it passes their ids.

CREATE FUNCTION live_private.renew_node(node_id uuid, lease interval DEFAULT live_private.default_lease()) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz := live_private.clock();
BEGIN
  IF node_id IS NULL OR lease IS NULL THEN
    RAISE EXCEPTION 'node_id and lease must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF lease < '1 second' OR lease > '1 hour' THEN
    RAISE EXCEPTION 'lease must be from 1 second to 1 hour' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- An ended node stays ended: its users may have been announced offline.
  UPDATE live_private.node n SET renewed_at = at, expires_at = at + lease WHERE n.id = node_id AND n.expires_at > at AND NOT n.retired;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION live_private.renew_node(uuid, interval) IS
'Renews the lease of a node. False if the node has ended or is unknown: the bridge then registers under a new id and connects all its users again. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.renew_node(uuid, interval)');

CREATE FUNCTION live_private.register_node(node_id uuid, lease interval DEFAULT live_private.default_lease()) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz := live_private.clock();
BEGIN
  IF live_private.renew_node(node_id, lease) THEN
    RETURN;
  END IF;
  INSERT INTO live_private.node (id, renewed_at, expires_at) VALUES (node_id, at, at + lease);
  PERFORM live_private.wake_worker(at + lease);
END
$$;
COMMENT ON FUNCTION live_private.register_node(uuid, interval) IS
'Registers a node, or renews its lease. Error 23505 for the id of a node that has ended. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.register_node(uuid, interval)');

-- Updates one row, however many connections: they live as long as the node.
CREATE FUNCTION live_private.retire_node(node_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz := live_private.clock();
BEGIN
  UPDATE live_private.node n SET retired = true, renewed_at = at, expires_at = at + live_private.grace_period()
  WHERE n.id = retire_node.node_id AND n.expires_at > at AND NOT n.retired;
  IF FOUND THEN
    PERFORM live_private.wake_worker(at + live_private.grace_period());
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.retire_node(uuid) IS
'Ends a node whose bridge shuts down: its users have the grace period to reconnect through another. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.retire_node(uuid)');

-- Locks the row until the transaction ends, so that the node cannot be retired before that.
CREATE FUNCTION live_private.require_node(node_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM live_private.node n WHERE n.id = require_node.node_id AND n.expires_at > live_private.clock() AND NOT n.retired FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'node is not registered' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'Call live_private.register_node() first.';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_node(uuid) IS 'Error 55000 unless the node is registered and alive. For the extension itself.';

CREATE FUNCTION live_private.connect_users(
  node_id uuid, connection_ids uuid[], user_ids text[], device_types live.device_type[] DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  at timestamptz := live_private.clock();
  users text[] COLLATE "C" := user_ids;
  free uuid[];
  held uuid[];
BEGIN
  IF cardinality(connection_ids) IS DISTINCT FROM cardinality(user_ids) OR array_position(user_ids, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'each connection needs a user' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.require_node(connect_users.node_id);
  free := array(SELECT c.id FROM live.connection c WHERE c.id = ANY (connection_ids) ORDER BY c.id FOR UPDATE SKIP LOCKED);
  held := array(SELECT c.id FROM live.connection c WHERE c.id = ANY (connection_ids) EXCEPT SELECT f FROM unnest(free) AS f);
  INSERT INTO live.connection AS c (id, user_id, node_id, device_type, connected_at, last_active_at, seen_at, expires_at, check_at)
  SELECT new.id, new.user_id, connect_users.node_id, coalesce(new.device_type, 'other'), at, at, at, 'infinity', at + live_private.idle_after()
  FROM unnest(connection_ids, users, device_types) AS new (id, user_id, device_type)
  WHERE new.id <> ALL (held)
  -- A node that lost its lease, or the answer to its query, connects all its users again.
  ON CONFLICT ON CONSTRAINT connection_pkey DO UPDATE
  SET node_id = excluded.node_id, seen_at = excluded.seen_at, expires_at = 'infinity', check_at = least(c.check_at, excluded.check_at)
  WHERE c.user_id = excluded.user_id AND c.node_id IS DISTINCT FROM excluded.node_id;
  PERFORM live_private.wake_worker(at + live_private.idle_after());
  PERFORM live_private.announce_unheld(users);
  RETURN held;
END
$$;
COMMENT ON FUNCTION live_private.connect_users(uuid, uuid[], text[], live.device_type[]) IS
'Stores connections of a node and announces their users. Takes over known connections of the same user. Returns those that are locked, for the bridge to retry. The worker announces users whose rows are locked. Errors: 55000 if the node is not registered or has ended, 22023, 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.connect_users(uuid, uuid[], text[], live.device_type[])');

-- Skips locked connections, so that an open transaction of one user does not delay the others.
CREATE FUNCTION live_private.disconnect_users(connection_ids uuid[], clean boolean) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  at timestamptz := live_private.clock();
  ends_at timestamptz := at + CASE WHEN clean THEN '0'::interval ELSE live_private.grace_period() END;
  users text[];
  held uuid[];
BEGIN
  WITH free AS MATERIALIZED (
    SELECT c.id FROM live.connection c WHERE c.id = ANY (connection_ids) AND c.node_id IS NOT NULL ORDER BY c.id FOR UPDATE SKIP LOCKED
  ), ended AS (
    UPDATE live.connection c SET node_id = NULL, seen_at = at, expires_at = ends_at, check_at = least(c.check_at, ends_at)
    FROM free WHERE c.id = free.id
    RETURNING c.user_id
  )
  SELECT array_agg(ended.user_id) INTO users FROM ended;
  held := array(SELECT c.id FROM live.connection c WHERE c.id = ANY (connection_ids) AND c.node_id IS NOT NULL);
  IF clean AND users IS NOT NULL THEN
    PERFORM live_private.announce_unheld(users);
  ELSIF users IS NOT NULL THEN
    PERFORM live_private.wake_worker(ends_at);
  END IF;
  RETURN held || live_private.end_channel_presence(array(SELECT c FROM unnest(connection_ids) AS c WHERE c <> ALL (held)), ends_at);
END
$$;
COMMENT ON FUNCTION live_private.disconnect_users(uuid[], boolean) IS
'Ends connections of nodes and their channel members: at once if clean (closed by the client), else after the grace period, within which a client can reconnect unnoticed. Returns connections that are locked, or whose members are, for the bridge to retry. Error 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.disconnect_users(uuid[], boolean)');

CREATE FUNCTION live_private.report_activity(connection_ids uuid[], seconds_ago integer[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  at timestamptz := live_private.clock();
  were_idle text[];
  next_check timestamptz;
BEGIN
  WITH used AS (
    SELECT u.id, at - make_interval(secs => min(greatest(coalesce(u.ago, 0), 0))) AS used_at
    FROM unnest(connection_ids, seconds_ago) AS u (id, ago) GROUP BY u.id
  ), before AS MATERIALIZED (
    SELECT c.id, u.used_at, NOT c.active OR c.last_active_at + live_private.idle_after() <= at AS idle
    FROM live.connection c JOIN used u ON u.id = c.id
    WHERE c.last_active_at < u.used_at OR NOT c.active ORDER BY c.id FOR UPDATE OF c SKIP LOCKED
  ), now AS (
    UPDATE live.connection c
    SET active = true, last_active_at = greatest(c.last_active_at, b.used_at), check_at = least(c.check_at, b.used_at + live_private.idle_after())
    FROM before b WHERE c.id = b.id
    RETURNING c.user_id, b.idle, c.check_at
  )
  SELECT array_agg(now.user_id), min(now.check_at) INTO were_idle, next_check FROM now WHERE now.idle;
  IF were_idle IS NOT NULL THEN
    PERFORM live_private.wake_worker(next_check);
    PERFORM live_private.announce_unheld(were_idle);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.report_activity(uuid[], integer[]) IS
'Reports that connections of nodes were used, so many seconds ago (NULL: now). Enough once in a fraction of pg_live.idle_after. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.report_activity(uuid[], integer[])');
