-- Connections: one row a live tab, device or script of a user. UNLOGGED: after a crash all users are in fact offline until
-- they reconnect.
--
-- A connection made by plain SQL has a deadline of its own, moved by live.heartbeat(). A connection through a bridge lives
-- as long as the bridge renews the lease of its node, so it costs nothing while idle. Deadlines are in columns without an
-- index, so that a heartbeat is a HOT update; check_at, which is indexed, is never later than the next deadline and moves
-- only when the worker reaches it.

CREATE UNLOGGED TABLE live_private.node (
  id uuid PRIMARY KEY,
  renewed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE live_private.node IS 'The running bridges: one row each, renewed every few seconds.';
COMMENT ON COLUMN live_private.node.id IS 'Chosen by each bridge process; never reused.';
COMMENT ON COLUMN live_private.node.renewed_at IS 'When the node was last known to run.';
COMMENT ON COLUMN live_private.node.expires_at IS 'When its lease, and its connections with it, end unless it renews.';
COMMENT ON COLUMN live_private.node.retired IS 'Whether the bridge has shut down in order: its clients may reconnect through another until expires_at.';
ALTER TABLE live_private.node ENABLE ROW LEVEL SECURITY;

CREATE UNLOGGED TABLE live.connection (
  id uuid PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  node_id uuid,
  device_type live.device_type NOT NULL DEFAULT 'other',
  active boolean NOT NULL DEFAULT true,
  connected_at timestamptz NOT NULL,
  last_active_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  check_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE live.connection IS 'The live tabs, devices and scripts of users.';
COMMENT ON COLUMN live.connection.id IS 'Chosen by the client, or by the bridge.';
COMMENT ON COLUMN live.connection.user_id IS 'User whose connection it is.';
COMMENT ON COLUMN live.connection.node_id IS 'The bridge that serves it; NULL: the connection has a deadline of its own.';
COMMENT ON COLUMN live.connection.device_type IS 'The kind of device.';
COMMENT ON COLUMN live.connection.active IS 'False: the client reported that the user is not present.';
COMMENT ON COLUMN live.connection.connected_at IS 'When the connection was made.';
COMMENT ON COLUMN live.connection.last_active_at IS 'When the user last used it; to the minute through a bridge.';
COMMENT ON COLUMN live.connection.seen_at IS 'When it was last known to live; node.renewed_at counts too while a node serves it.';
COMMENT ON COLUMN live.connection.expires_at IS 'When it ends; infinity while a node serves it.';
COMMENT ON COLUMN live.connection.check_at IS 'When the worker checks it, no later than its next deadline.';
CREATE INDEX connection_user_idx ON live.connection (user_id);
CREATE INDEX connection_node_idx ON live.connection (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX connection_check_idx ON live.connection (check_at) WHERE check_at < 'infinity';
ALTER TABLE live.connection ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (id, user_id, node_id, device_type, active, connected_at, last_active_at, seen_at, expires_at, check_at) ON live.connection');
CREATE POLICY own_read ON live.connection FOR SELECT USING (user_id = live.user_id());

CREATE FUNCTION live_private.has_connection(connection_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live.connection c WHERE c.id = connection_id)
$$;
COMMENT ON FUNCTION live_private.has_connection(uuid) IS
'Whether a connection is there: one whose user went offline may have come back before its bridge heard of that. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.has_connection(uuid)');

-- One row a user, in a form that reads the connections of one user by index. Ended connections do not count, but their
-- seen_at does.
CREATE VIEW live_private.true_presence AS
SELECT p.user_id, p.status AS announced_status, p.mode AS announced_mode, p.custom_status, p.device_type AS announced_device_type,
       p.metadata, p.last_seen_at AS announced_last_seen_at,
       i.user_id IS NOT NULL AS invisible, i.custom_status AS own_custom_status, i.metadata AS own_metadata,
       live_private.derived_status(CASE WHEN i.user_id IS NULL THEN p.mode ELSE 'auto' END, c.connections, c.active) AS status,
       c.connections, c.last_active_at, greatest(p.last_seen_at, c.seen_at) AS last_seen_at,
       live_private.shown_device(c.device_type, p.device_type) AS device_type
FROM live.user_presence p
LEFT JOIN live_private.invisible_user i ON i.user_id = p.user_id
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE alive.is) AS connections,
         coalesce(bool_or(c.active AND c.last_active_at > live_private.clock() - live_private.idle_after()) FILTER (WHERE alive.is), false) AS active,
         max(c.last_active_at) FILTER (WHERE alive.is) AS last_active_at,
         max(greatest(c.seen_at, n.renewed_at)) AS seen_at,
         (array_agg(c.device_type ORDER BY c.last_active_at DESC, c.id) FILTER (WHERE alive.is))[1] AS device_type
  FROM live.connection c
  LEFT JOIN live_private.node n ON n.id = c.node_id
  CROSS JOIN LATERAL (SELECT live_private.is_alive(c.expires_at, c.node_id, n.expires_at) AS is) AS alive
  WHERE c.user_id = p.user_id
) AS c;
COMMENT ON VIEW live_private.true_presence IS 'The actual presence of each user, exact when read, beside the announced one. For the extension itself.';
COMMENT ON COLUMN live_private.true_presence.user_id IS 'User whose presence it is.';
COMMENT ON COLUMN live_private.true_presence.announced_status IS 'As in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.announced_mode IS 'Mode in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.custom_status IS 'As in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.announced_device_type IS 'Device in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.metadata IS 'As in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.announced_last_seen_at IS 'last_seen_at in live.user_presence.';
COMMENT ON COLUMN live_private.true_presence.invisible IS 'Whether the user''s mode is invisible.';
COMMENT ON COLUMN live_private.true_presence.own_custom_status IS 'custom_status in live_private.invisible_user.';
COMMENT ON COLUMN live_private.true_presence.own_metadata IS 'Metadata in live_private.invisible_user.';
COMMENT ON COLUMN live_private.true_presence.status IS 'The status by mode and connections, for an invisible user as if visible.';
COMMENT ON COLUMN live_private.true_presence.connections IS 'Number of live connections.';
COMMENT ON COLUMN live_private.true_presence.last_active_at IS 'When the user last used a connection; NULL while not connected.';
COMMENT ON COLUMN live_private.true_presence.last_seen_at IS 'When the user was last known to be connected.';
COMMENT ON COLUMN live_private.true_presence.device_type IS 'The device last used.';

-- The presence that clients read. Others see an invisible user as last announced, without connections. A session without a
-- user and not bound by row security, such as an admin's, sees all users; one that acts as a user sees what that user may.
CREATE VIEW live.presence WITH (security_barrier) AS
SELECT t.user_id,
       CASE WHEN shown.frozen THEN t.announced_status ELSE t.status END AS status,
       CASE WHEN t.invisible AND NOT shown.frozen THEN 'invisible' ELSE t.announced_mode END AS mode,
       CASE WHEN t.invisible AND NOT shown.frozen THEN t.own_custom_status ELSE t.custom_status END AS custom_status,
       CASE WHEN shown.frozen THEN t.announced_device_type ELSE t.device_type END AS device_type,
       CASE WHEN shown.frozen THEN 0 ELSE t.connections END AS connections,
       CASE WHEN NOT shown.frozen THEN t.last_active_at END AS last_active_at,
       CASE WHEN shown.frozen THEN t.announced_last_seen_at ELSE t.last_seen_at END AS last_seen_at,
       CASE WHEN t.invisible AND NOT shown.frozen THEN t.own_metadata ELSE t.metadata END AS metadata
FROM live_private.true_presence t
CROSS JOIN LATERAL (SELECT t.invisible AND t.user_id IS DISTINCT FROM live.user_id() AS frozen) AS shown
WHERE CASE WHEN (SELECT live.user_id()) IS NULL THEN NOT (SELECT row_security_active('live.user_presence'))
           WHEN (SELECT rule FROM live_private.presence_rule_in_force()) = 'everyone' THEN true
           ELSE live_private.can_see_presence(t.user_id) END;
COMMENT ON VIEW live.presence IS
'The presence of the users that the current user may see, exact when read. Without a user: that of all users for roles not bound by row security, none for others.';
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, status, mode, custom_status, device_type, connections, last_active_at, last_seen_at, metadata) ON live.presence');
COMMENT ON COLUMN live.presence.user_id IS 'User whose presence it is.';
COMMENT ON COLUMN live.presence.status IS 'online, away, busy or offline, as of now.';
COMMENT ON COLUMN live.presence.mode IS 'The mode the user chose; invisible is shown to that user only.';
COMMENT ON COLUMN live.presence.custom_status IS 'A text of the user.';
COMMENT ON COLUMN live.presence.device_type IS 'The device last used.';
COMMENT ON COLUMN live.presence.connections IS 'Number of live connections of the user.';
COMMENT ON COLUMN live.presence.last_active_at IS 'When the user last used a connection; NULL while not connected.';
COMMENT ON COLUMN live.presence.last_seen_at IS 'When the user was last connected; NULL: never.';
COMMENT ON COLUMN live.presence.metadata IS 'Metadata that the app wants to show.';

-- Users whose announced presence may be out of date until the worker has checked their connections.
CREATE VIEW live_private.due_presence WITH (security_barrier) AS
SELECT due.user_id, shown.announced_status
FROM (SELECT c.user_id FROM live.connection c WHERE c.check_at <= live_private.clock() AND c.check_at < 'infinity'
      UNION
      SELECT c.user_id FROM live_private.node n
      CROSS JOIN LATERAL (SELECT c.user_id FROM live.connection c WHERE c.node_id = n.id OFFSET 0) AS c -- by index, not a scan of all
      WHERE n.expires_at <= live_private.clock()) AS due
CROSS JOIN LATERAL ( -- one by one, however many are expected
  SELECT p.status, a.status AS announced_status FROM live.presence p JOIN live.user_presence a ON a.user_id = p.user_id
  WHERE p.user_id = due.user_id OFFSET 0) AS shown
WHERE shown.status <> 'offline' AND shown.announced_status <> 'offline';
COMMENT ON VIEW live_private.due_presence IS 'The users shown as connected to the current user with a connection whose deadline has passed. Part of live.get_online_users().';
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, announced_status) ON live_private.due_presence');
COMMENT ON COLUMN live_private.due_presence.user_id IS 'User whose presence may have changed by the passing of time.';
COMMENT ON COLUMN live_private.due_presence.announced_status IS 'As in live.user_presence.';

ALTER TABLE live.user_presence ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, status, mode, custom_status, device_type, metadata, last_seen_at, updated_at) ON live.user_presence');
CREATE POLICY visible_read ON live.user_presence FOR SELECT
  USING (CASE (SELECT rule FROM live_private.presence_rule_in_force())
           WHEN 'everyone' THEN (SELECT live.user_id()) IS NOT NULL
           ELSE live_private.can_see_presence(user_id) END);
ALTER TABLE live_private.invisible_user ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, custom_status, metadata) ON live_private.invisible_user');
CREATE POLICY own_read ON live_private.invisible_user FOR SELECT USING (user_id = live.user_id());
ALTER TABLE live_private.presence_rule ENABLE ROW LEVEL SECURITY;
