-- Who follows whom: what access depends on, and the helper policies call. A definer function, as those of sessions are.

CREATE TABLE live.follow_edge (
  follower text NOT NULL,
  followed text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower, followed),
  CHECK (follower <> followed)
);
COMMENT ON TABLE live.follow_edge IS 'The follow graph.';
COMMENT ON COLUMN live.follow_edge.follower IS 'The user who follows.';
COMMENT ON COLUMN live.follow_edge.followed IS 'The user who is followed.';
COMMENT ON COLUMN live.follow_edge.created_at IS 'Since when.';
CREATE INDEX follow_edge_followed_idx ON live.follow_edge (followed, follower);
SELECT pg_extension_config_dump('live.follow_edge', '');

ALTER TABLE live.follow_edge ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_edges_read ON live.follow_edge FOR SELECT
  USING (follower = live.user_id() OR followed = live.user_id());

CREATE FUNCTION live.follows(user_id text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live.follow_edge e WHERE e.follower = live.user_id() AND e.followed = follows.user_id)
$$;
COMMENT ON FUNCTION live.follows(text) IS 'Whether the current user follows that user.';
