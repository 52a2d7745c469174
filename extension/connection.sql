-- Connections: one row a live tab, device or script of a user. UNLOGGED: after a crash everybody is offline until they
-- come back, which is the truth.
--
-- A connection made by plain SQL has a deadline of its own, moved by live.heartbeat(). A connection through a bridge
-- lives as long as the bridge renews the lease of its node, so it costs nothing while idle. Deadlines are in columns
-- without an index, so a heartbeat is a HOT update; check_at, which is indexed, is never later than the next deadline
-- and moves only when the worker reaches it.

CREATE UNLOGGED TABLE live.node (
  id uuid PRIMARY KEY,
  renewed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE live.node IS 'The bridges that run: one row each, renewed every few seconds.';
COMMENT ON COLUMN live.node.id IS 'Made anew by each process.';
COMMENT ON COLUMN live.node.renewed_at IS 'Until when the node is known to have lived.';
COMMENT ON COLUMN live.node.expires_at IS 'The end of its lease, and of its connections, unless it renews.';
ALTER TABLE live.node ENABLE ROW LEVEL SECURITY;

CREATE UNLOGGED TABLE live.connection (
  id uuid PRIMARY KEY,
  user_id text NOT NULL,
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
COMMENT ON COLUMN live.connection.user_id IS 'Whose it is.';
COMMENT ON COLUMN live.connection.node_id IS 'The bridge that holds it; NULL: it has a deadline of its own.';
COMMENT ON COLUMN live.connection.device_type IS 'What it runs on.';
COMMENT ON COLUMN live.connection.active IS 'False: the client said that nobody is at it.';
COMMENT ON COLUMN live.connection.connected_at IS 'Since when.';
COMMENT ON COLUMN live.connection.last_active_at IS 'When the user last did something; to the minute through a bridge.';
COMMENT ON COLUMN live.connection.seen_at IS 'When it was last known to live; while its node lives, that renews it.';
COMMENT ON COLUMN live.connection.expires_at IS 'It ends then; infinity while a node holds it.';
COMMENT ON COLUMN live.connection.check_at IS 'When the worker looks at it: no later than its next deadline.';
CREATE INDEX connection_user_idx ON live.connection (user_id);
CREATE INDEX connection_node_idx ON live.connection (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX connection_check_idx ON live.connection (check_at) WHERE check_at < 'infinity';
ALTER TABLE live.connection ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_read ON live.connection FOR SELECT USING (user_id = live.user_id());

CREATE VIEW live.connected_user AS
SELECT c.user_id,
       count(*) FILTER (WHERE alive.is) AS connections,
       coalesce(bool_or(c.active AND c.last_active_at > live.clock() - live.idle_after()) FILTER (WHERE alive.is), false) AS active,
       max(c.last_active_at) AS last_active_at,
       max(greatest(c.seen_at, n.renewed_at)) AS seen_at,
       (array_agg(c.device_type ORDER BY c.last_active_at DESC, c.id) FILTER (WHERE alive.is))[1] AS device_type
FROM live.connection c
LEFT JOIN live.node n ON n.id = c.node_id
CROSS JOIN LATERAL (
  SELECT c.expires_at > live.clock() AND (c.node_id IS NULL OR coalesce(n.expires_at > live.clock(), false)) AS is
) AS alive
GROUP BY c.user_id;
COMMENT ON VIEW live.connected_user IS 'The users with connections, exact when read; those that ended and are not announced yet count as none. For the extension itself.';
COMMENT ON COLUMN live.connected_user.user_id IS 'The user.';
COMMENT ON COLUMN live.connected_user.connections IS 'How many live connections there are.';
COMMENT ON COLUMN live.connected_user.active IS 'Whether one of them is not idle.';
COMMENT ON COLUMN live.connected_user.last_active_at IS 'When the user last did something.';
COMMENT ON COLUMN live.connected_user.seen_at IS 'When the last of them was known to live.';
COMMENT ON COLUMN live.connected_user.device_type IS 'Of the connection last used.';

-- What clients read. Of an invisible user others get what live.user_presence says, and no connections.
CREATE VIEW live.presence WITH (security_barrier) AS
SELECT p.user_id,
       CASE WHEN shown.frozen THEN p.status
            ELSE live.derived_status(CASE WHEN i.user_id IS NULL THEN p.mode ELSE 'auto' END, c.connections, c.active) END AS status,
       CASE WHEN i.user_id IS NOT NULL AND NOT shown.frozen THEN 'invisible' ELSE p.mode END AS mode,
       CASE WHEN i.user_id IS NOT NULL AND NOT shown.frozen THEN i.custom_status ELSE p.custom_status END AS custom_status,
       CASE WHEN shown.frozen THEN p.device_type ELSE live.shown_device(c.device_type, p.device_type) END AS device_type,
       CASE WHEN shown.frozen THEN 0 ELSE coalesce(c.connections, 0) END AS connections,
       CASE WHEN NOT shown.frozen THEN c.last_active_at END AS last_active_at,
       CASE WHEN shown.frozen THEN p.last_seen_at ELSE greatest(p.last_seen_at, c.seen_at) END AS last_seen_at,
       CASE WHEN i.user_id IS NOT NULL AND NOT shown.frozen THEN i.metadata ELSE p.metadata END AS metadata
FROM live.user_presence p
LEFT JOIN live.invisible_user i ON i.user_id = p.user_id
CROSS JOIN LATERAL (SELECT i.user_id IS NOT NULL AND p.user_id IS DISTINCT FROM live.user_id() AS frozen) AS shown
LEFT JOIN LATERAL (SELECT u.* FROM live.connected_user u WHERE u.user_id = p.user_id) AS c ON true
WHERE CASE (SELECT rule FROM live.presence_rule_in_force())
        WHEN 'everyone' THEN (SELECT live.user_id()) IS NOT NULL
        ELSE live.can_see_presence(p.user_id) END;
COMMENT ON VIEW live.presence IS 'What is shown of the users whom the current user may see, exact when read.';
COMMENT ON COLUMN live.presence.user_id IS 'The user.';
COMMENT ON COLUMN live.presence.status IS 'online, away, busy or offline, as of now.';
COMMENT ON COLUMN live.presence.mode IS 'What the user chose; invisible is shown to the user alone.';
COMMENT ON COLUMN live.presence.custom_status IS 'A text of the user.';
COMMENT ON COLUMN live.presence.device_type IS 'The device last used.';
COMMENT ON COLUMN live.presence.connections IS 'How many live connections the user has.';
COMMENT ON COLUMN live.presence.last_active_at IS 'When the user last did something; NULL while not connected.';
COMMENT ON COLUMN live.presence.last_seen_at IS 'When the user was last connected, NULL: never.';
COMMENT ON COLUMN live.presence.metadata IS 'Whatever the app wants to show.';

ALTER TABLE live.user_presence ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible_read ON live.user_presence FOR SELECT
  USING (CASE (SELECT rule FROM live.presence_rule_in_force())
           WHEN 'everyone' THEN (SELECT live.user_id()) IS NOT NULL
           ELSE live.can_see_presence(user_id) END);
ALTER TABLE live.invisible_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_read ON live.invisible_user FOR SELECT USING (user_id = live.user_id());
ALTER TABLE live.presence_rule ENABLE ROW LEVEL SECURITY;
