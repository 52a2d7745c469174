-- The follow graph, and functions for policies, which are SECURITY DEFINER as those of sessions are.

CREATE TABLE live_private.follow_edge (
  follower text COLLATE "C" NOT NULL,
  followed text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (follower, followed),
  CHECK (follower <> followed)
);
COMMENT ON TABLE live_private.follow_edge IS 'The follow graph.';
COMMENT ON COLUMN live_private.follow_edge.follower IS 'The user who follows.';
COMMENT ON COLUMN live_private.follow_edge.followed IS 'The user who is followed.';
COMMENT ON COLUMN live_private.follow_edge.created_at IS 'When the follower began to follow.';
CREATE INDEX follow_edge_followed_idx ON live_private.follow_edge (followed, follower);
SELECT pg_extension_config_dump('live_private.follow_edge', '');

ALTER TABLE live_private.follow_edge ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (follower, followed, created_at) ON live_private.follow_edge');
CREATE POLICY own_edges_read ON live_private.follow_edge FOR SELECT
  USING (follower = live.user_id() OR followed = live.user_id());

CREATE FUNCTION live.follows(user_id text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live_private.follow_edge e WHERE e.follower = live.user_id() AND e.followed = follows.user_id COLLATE "C")
$$;
COMMENT ON FUNCTION live.follows(text) IS 'Whether the current user follows that user.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.follows(text)');

CREATE FUNCTION live_private.my_follows() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.followed FROM live_private.follow_edge e WHERE e.follower = live.user_id()
$$;
COMMENT ON FUNCTION live_private.my_follows() IS
'The users that the current user follows. In policies: user_id = any (array (select live_private.my_follows())).';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.my_follows()');

CREATE FUNCTION live.follow(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  target text COLLATE "C" := live_private.checked_text(user_id, 'user_id', 255);
  most integer := current_setting('pg_live.max_follows');
BEGIN
  IF target = me THEN
    RAISE EXCEPTION 'users cannot follow themselves' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Calls of one follower run one at a time, so that concurrent calls cannot exceed the limit together.
  PERFORM pg_advisory_xact_lock(hashtextextended('pg_live follows ' || me, 0));
  INSERT INTO live_private.follow_edge (follower, followed) VALUES (me, target) ON CONFLICT ON CONSTRAINT follow_edge_pkey DO NOTHING;
  IF FOUND AND (SELECT count(*) FROM (SELECT FROM live_private.follow_edge e WHERE e.follower = me LIMIT most + 1) AS edge) > most THEN
    RAISE EXCEPTION 'too many follows' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('The limit is %s users.', most), HINT = 'Unfollow a user first, or raise "pg_live.max_follows".';
  END IF;
END
$$;
COMMENT ON FUNCTION live.follow(text) IS
'Makes the current user follow that user; does nothing if already so. Errors: 42501 when not signed in; 22004, 22023; 54000 for more users than pg_live.max_follows.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.follow(text)');

CREATE FUNCTION live.unfollow(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  target text COLLATE "C" := live_private.checked_text(user_id, 'user_id', 255);
BEGIN
  DELETE FROM live_private.follow_edge e WHERE e.follower = me AND e.followed = target;
  IF FOUND THEN
    PERFORM live.revoke_access('followers:' || target, me);
  END IF;
END
$$;
COMMENT ON FUNCTION live.unfollow(text) IS
'Makes the current user stop following that user, and ends open subscriptions to the user''s followers topic. Errors: 42501 when not signed in; 22004, 22023.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.unfollow(text)');
