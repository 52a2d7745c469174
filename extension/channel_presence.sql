-- Tracked presence of channels (Phoenix presence): the members of each channel, with metadata from their clients. The
-- table is UNLOGGED as that of connections; a member likewise lives on the lease of its node, and on a deadline once its
-- socket is gone.
--
-- Only bridges write here, for users whose tokens and access they have checked. Each change emits a signal on
-- $channel:<topic> that carries the transaction's id: a bridge that has read the members under a snapshot thus knows which
-- signals the snapshot already includes. A member whose user is invisible is marked hidden: only the user sees it.

CREATE UNLOGGED TABLE live.channel_presence (
  ref text COLLATE "C" PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  is_private boolean NOT NULL,
  key text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  connection uuid NOT NULL,
  node_id uuid,
  meta jsonb NOT NULL,
  hidden boolean NOT NULL,
  joined_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE live.channel_presence IS 'The tracked members of channels.';
COMMENT ON COLUMN live.channel_presence.ref IS 'The phx_ref; the bridge makes a new one for each change of the metadata.';
COMMENT ON COLUMN live.channel_presence.topic IS 'Topic of the channel.';
COMMENT ON COLUMN live.channel_presence.is_private IS
'True for a topic of the database, which has access rules; false for the public room of that name, which has none.';
COMMENT ON COLUMN live.channel_presence.key IS 'The key under which clients list the member: by default the user id.';
COMMENT ON COLUMN live.channel_presence.user_id IS 'The user of the client''s token; NULL for anonymous clients, in public rooms only.';
COMMENT ON COLUMN live.channel_presence.connection IS 'The socket that tracks the member.';
COMMENT ON COLUMN live.channel_presence.node_id IS 'The bridge that serves the socket; NULL: the socket is gone, and may come back before the deadline.';
COMMENT ON COLUMN live.channel_presence.meta IS 'Metadata from the client, see live_private.checked_metadata().';
COMMENT ON COLUMN live.channel_presence.hidden IS 'Whether the user is invisible: then only the user sees the member.';
COMMENT ON COLUMN live.channel_presence.joined_at IS 'When the client began to track; changes of the metadata keep it.';
COMMENT ON COLUMN live.channel_presence.expires_at IS 'When the member ends; infinity while a node serves its socket.';
CREATE INDEX channel_presence_topic_idx ON live.channel_presence (topic, is_private, key);
CREATE INDEX channel_presence_connection_idx ON live.channel_presence (connection);
CREATE INDEX channel_presence_node_idx ON live.channel_presence (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX channel_presence_user_idx ON live.channel_presence (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX channel_presence_expiry_idx ON live.channel_presence (expires_at) WHERE expires_at < 'infinity';

CREATE FUNCTION live_private.node_expiry(node_id uuid) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.expires_at FROM live_private.node n WHERE n.id = node_expiry.node_id
$$;
COMMENT ON FUNCTION live_private.node_expiry(uuid) IS 'When the lease of a node ends; NULL if the node is gone.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.node_expiry(uuid)');

-- The policy asks the topic's rule for each row; live.channel_members() asks once. Clients do not get "connection", which
-- would link the members of one socket across channels and keys, nor "node_id", which shows how bridges are deployed.
ALTER TABLE live.channel_presence ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (ref, topic, is_private, key, user_id, meta, hidden, joined_at, expires_at) ON live.channel_presence');
CREATE POLICY members_read ON live.channel_presence FOR SELECT
  USING (live_private.is_alive(expires_at, node_id, live_private.node_expiry(node_id))
         AND (user_id = live.user_id()
              OR (NOT hidden AND (NOT is_private OR (SELECT access.can_receive FROM live.topic_access(topic) AS access)))));

CREATE FUNCTION live.channel_members(topic text) RETURNS TABLE (key text, user_id text, meta jsonb, joined_at timestamptz)
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_channel_members';
COMMENT ON FUNCTION live.channel_members(text) IS
'The members of a channel now, for users who may receive the topic; of a topic without any rule, the members of the public room of that name. Error 42501 without access.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.channel_members(text)');

CREATE FUNCTION live_private.channel_members_of(topic text, is_private boolean)
RETURNS TABLE (key text, user_id text, meta jsonb, joined_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.key, c.user_id, c.meta, c.joined_at
  FROM live.channel_presence c LEFT JOIN live_private.node n ON n.id = c.node_id
  WHERE c.topic = channel_members_of.topic AND c.is_private = channel_members_of.is_private
    AND live_private.is_alive(c.expires_at, c.node_id, n.expires_at) AND (NOT c.hidden OR c.user_id = live.user_id())
  ORDER BY c.joined_at, c.ref
$$;
COMMENT ON FUNCTION live_private.channel_members_of(text, boolean) IS 'Part of live.channel_members(); checks no access.';

-- PL/pgSQL keeps the plan, as in live_private.topic_rule_of().
CREATE FUNCTION live_private.is_open_room(topic text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN NOT live_private.is_built_in_topic(topic) AND NOT EXISTS (SELECT FROM live_private.topic_rule_of(topic));
END
$$;
COMMENT ON FUNCTION live_private.is_open_room(text) IS 'Whether a topic has no rule, neither a built-in one nor one of the app.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.is_open_room(text)');

-- The key of the first row is the snapshot with which the others were read; the ref of that row is NULL.
CREATE FUNCTION live_private.channel_roster(topic text, is_private boolean)
RETURNS TABLE (ref text, key text, user_id text, hidden boolean, meta jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT NULL, pg_current_snapshot()::text, NULL, NULL::boolean, NULL::jsonb
  UNION ALL
  (SELECT c.ref, c.key, c.user_id, c.hidden, c.meta
   FROM live.channel_presence c LEFT JOIN live_private.node n ON n.id = c.node_id
   WHERE c.topic = channel_roster.topic COLLATE "C" AND c.is_private = channel_roster.is_private
     AND live_private.is_alive(c.expires_at, c.node_id, n.expires_at)
   ORDER BY c.joined_at, c.ref);
END
$$;
COMMENT ON FUNCTION live_private.channel_roster(text, boolean) IS
'The members of a channel, including hidden ones, after a row whose key is the snapshot they were read with. For bridges; checks no access.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.channel_roster(text, boolean)');

CREATE FUNCTION live_private.emit_channel_change(topic text, is_private boolean, joined jsonb, left_refs text[], by_user boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN live.emit('$channel:' || topic, 'presence:change',
                   jsonb_build_object('private', is_private, 'xid', pg_current_xact_id()::text,
                                      'joined', coalesce(joined, '[]'), 'left', to_jsonb(coalesce(left_refs, '{}')), 'by_user', by_user), false);
END
$$;
COMMENT ON FUNCTION live_private.emit_channel_change(text, boolean, jsonb, text[], boolean) IS
'Announces to the bridges the members of a channel that joined or changed (joined) and those that left (left_refs). by_user: the user asked for it, so the bridge must not store the members again. For the extension itself.';

CREATE FUNCTION live_private.channel_member(member live.channel_presence, previous_ref text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('ref', member.ref, 'previous_ref', previous_ref, 'key', member.key, 'user_id', member.user_id, 'hidden', member.hidden, 'meta', member.meta);
COMMENT ON FUNCTION live_private.channel_member(live.channel_presence, text) IS
'A member as live_private.emit_channel_change() announces it, with the ref of the member it replaces.';

-- Visibility is read under a lock that live.update_presence() takes too, so no member is stored as visible while its user
-- becomes invisible.
CREATE FUNCTION live_private.lock_visibility(user_ids text[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.make_unheld_presence(user_ids);
  RETURN array(SELECT p.user_id FROM live.user_presence p WHERE p.user_id = ANY (user_ids) ORDER BY p.user_id FOR SHARE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION live_private.lock_visibility(text[]) IS
'Keeps the visibility of these users unchanged until the transaction ends; returns the users without those whose rows are locked. For the extension itself.';

CREATE TYPE live_private.tracked_member AS (
  ref text COLLATE "C", previous_ref text COLLATE "C", connection uuid, topic text COLLATE "C", is_private boolean, key text COLLATE "C",
  user_id text COLLATE "C", meta jsonb);
COMMENT ON TYPE live_private.tracked_member IS
'A member that a bridge stores with live_private.store_channel_presence(), as in live.channel_presence. previous_ref: the member of the same socket that it replaces.';

-- Clients keep members by key in JavaScript objects: a key must not name a property that every object inherits
-- (ECMA-262, Object.prototype).
CREATE FUNCTION live_private.checked_member(member live_private.tracked_member) RETURNS live_private.tracked_member
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.checked_text(member.key, 'key', 255);
  IF NOT live_private.is_topic_name(member.topic) THEN
    RAISE EXCEPTION 'topic must have 1 to 1100 bytes and no control characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF member.key IN ('__proto__', 'constructor', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString',
                    'toString', 'valueOf', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__') THEN
    RAISE EXCEPTION 'invalid key: "%"', member.key USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Clients keep members by key in JavaScript objects, which inherit a property of that name.';
  END IF;
  IF member.ref IS NULL OR member.connection IS NULL OR member.is_private IS NULL OR member.meta IS NULL THEN
    RAISE EXCEPTION 'ref, connection, is_private and meta must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  member.meta := live_private.checked_metadata(member.meta - ARRAY['phx_ref', 'phx_ref_prev']);
  RETURN member;
END
$$;
COMMENT ON FUNCTION live_private.checked_member(live_private.tracked_member) IS
'Returns the member if all of its values are within bounds. Errors: 22004, 22023, 54000. Part of live_private.store_channel_presence().';

CREATE FUNCTION live_private.refused_members(tracked jsonb) RETURNS TABLE (ref text, code text, message text, hint text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  member live_private.tracked_member;
BEGIN
  FOR member IN SELECT * FROM jsonb_populate_recordset(NULL::live_private.tracked_member, tracked) LOOP
    BEGIN
      PERFORM live_private.checked_member(member);
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
      ref := member.ref;
      RETURN NEXT;
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.refused_members(jsonb) IS
'The members of a JSON array of live_private.tracked_member that live_private.store_channel_presence() would refuse, and why; a bridge stores the others. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.refused_members(jsonb)');

CREATE FUNCTION live_private.busy_members(refs text[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  locked text[] := array(SELECT c.ref FROM live.channel_presence c WHERE c.ref = ANY (refs) ORDER BY c.ref FOR UPDATE SKIP LOCKED);
BEGIN
  RETURN array(SELECT c.ref FROM live.channel_presence c WHERE c.ref = ANY (refs) EXCEPT SELECT l FROM unnest(locked) AS l);
END
$$;
COMMENT ON FUNCTION live_private.busy_members(text[]) IS
'Locks these members, and returns those that another transaction has locked. For the extension itself.';

CREATE FUNCTION live_private.store_channel_presence(node_id uuid, tracked jsonb, untracked text[] DEFAULT '{}') RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  members live_private.tracked_member[];
  free text[] COLLATE "C";
  held text[] COLLATE "C";
  gone text[] COLLATE "C" := untracked;
  ending text[] COLLATE "C";
  busy text[] COLLATE "C";
  changes bigint;
BEGIN
  PERFORM live_private.require_node(store_channel_presence.node_id);
  SELECT array_agg(live_private.checked_member(m)) INTO members
  FROM jsonb_populate_recordset(NULL::live_private.tracked_member, tracked) AS m;
  free := live_private.lock_visibility(array(SELECT m.user_id FROM unnest(members) AS m));
  held := array(SELECT m.ref FROM unnest(members) AS m WHERE m.user_id IS NOT NULL AND m.user_id <> ALL (free));
  -- A member that should end but is locked stays, and the member that should replace it is not stored.
  ending := gone || array(SELECT m.previous_ref FROM unnest(members) AS m WHERE m.ref <> ALL (held));
  busy := live_private.busy_members(ending);
  held := held || array(SELECT m.ref FROM unnest(members) AS m WHERE m.previous_ref = ANY (busy) AND m.ref <> ALL (held))
               || array(SELECT u FROM unnest(gone) AS u WHERE u = ANY (busy));
  members := array(SELECT m FROM unnest(members) AS m WHERE m.ref <> ALL (held));
  gone := array(SELECT u FROM unnest(gone) AS u WHERE u <> ALL (busy));
  WITH ended AS (
    DELETE FROM live.channel_presence c
    WHERE c.ref = ANY (gone) OR c.ref = ANY (array(SELECT m.previous_ref FROM unnest(members) AS m))
    RETURNING c.ref, c.topic, c.is_private, c.joined_at
  ), stored AS (
    INSERT INTO live.channel_presence AS c
      (ref, topic, is_private, key, user_id, connection, node_id, meta, hidden, joined_at, expires_at)
    SELECT m.ref, m.topic, m.is_private, m.key, m.user_id, m.connection, store_channel_presence.node_id, m.meta,
           EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = m.user_id),
           coalesce((SELECT e.joined_at FROM ended e WHERE e.ref = m.previous_ref), live_private.clock()), 'infinity'
    FROM unnest(members) AS m
    -- A node that lost its lease, or the answer to its query, stores its members again.
    ON CONFLICT ON CONSTRAINT channel_presence_pkey
    DO UPDATE SET node_id = excluded.node_id, connection = excluded.connection, expires_at = 'infinity'
    RETURNING c AS member, c.xmax = 0 AS is_new
  ), left_behind AS MATERIALIZED (
    -- A client that reconnects replaces the member that its broken socket left behind; if several left one, each takes one.
    SELECT m.ref AS new_ref, place.ref
    FROM (SELECT came.*, row_number() OVER (PARTITION BY came.topic, came.is_private, came.key, came.user_id ORDER BY came.ref) AS turn
          FROM unnest(members) AS came JOIN stored s ON (s.member).ref = came.ref AND s.is_new AND came.previous_ref IS NULL) AS m
    CROSS JOIN LATERAL (
      SELECT o.ref FROM live.channel_presence o
      WHERE o.topic = m.topic AND o.is_private = m.is_private AND o.key = m.key AND o.user_id IS NOT DISTINCT FROM m.user_id
        AND (o.node_id IS NULL OR EXISTS (SELECT FROM live_private.node n WHERE n.id = o.node_id AND n.retired))
      ORDER BY o.expires_at, o.ref LIMIT 1 OFFSET m.turn - 1 FOR UPDATE SKIP LOCKED) AS place
  ), replaced AS (
    DELETE FROM live.channel_presence c WHERE c.ref IN (SELECT l.ref FROM left_behind l)
    RETURNING c.ref, c.topic, c.is_private
  ), change AS (
    SELECT (s.member).topic, (s.member).is_private,
           live_private.channel_member(s.member, coalesce(e.ref, l.ref)) AS joined, NULL AS left_ref
    FROM stored s
    JOIN unnest(members) AS m ON m.ref = (s.member).ref
    LEFT JOIN ended e ON e.ref = m.previous_ref
    LEFT JOIN left_behind l ON l.new_ref = m.ref
    UNION ALL SELECT e.topic, e.is_private, NULL, e.ref FROM ended e
    UNION ALL SELECT r.topic, r.is_private, NULL, r.ref FROM replaced r
  )
  SELECT count(*) INTO changes FROM (
    SELECT live_private.emit_channel_change(c.topic, c.is_private, jsonb_agg(c.joined) FILTER (WHERE c.joined IS NOT NULL),
                                    array_agg(c.left_ref) FILTER (WHERE c.left_ref IS NOT NULL))
    FROM change c GROUP BY c.topic, c.is_private) AS emitted;
  RETURN held;
END
$$;
COMMENT ON FUNCTION live_private.store_channel_presence(uuid, jsonb, text[]) IS
'Stores members of channels, a JSON array of live_private.tracked_member, and ends those whose refs are in untracked. The node takes over refs that are known. Returns the refs left for later because the member or its user is locked. Errors: 55000 if the node is not registered or has ended; 22004, 22023, 54000 for bad members; 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.store_channel_presence(uuid, jsonb, text[])');

-- Ends the members of these sockets: at once, or at a time before which their clients may come back.
CREATE FUNCTION live_private.end_channel_presence(connections uuid[], ends_at timestamptz) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  refs text[] := array(SELECT c.ref FROM live.channel_presence c WHERE c.connection = ANY (connections));
  busy text[];
BEGIN
  IF cardinality(refs) = 0 THEN
    RETURN '{}';
  END IF;
  busy := live_private.busy_members(refs);
  refs := array(SELECT r FROM unnest(refs) AS r WHERE r <> ALL (busy));
  IF ends_at > live_private.clock() THEN
    UPDATE live.channel_presence c SET node_id = NULL, expires_at = ends_at WHERE c.ref = ANY (refs) AND c.node_id IS NOT NULL;
    PERFORM live_private.wake_worker(ends_at);
  ELSE
    PERFORM live_private.drop_channel_presence(refs);
  END IF;
  RETURN array(SELECT DISTINCT c.connection FROM live.channel_presence c WHERE c.ref = ANY (busy));
END
$$;
COMMENT ON FUNCTION live_private.end_channel_presence(uuid[], timestamptz) IS
'Ends the members of these sockets: at once, or at ends_at unless the client comes back. Returns the sockets of members that are locked. For the extension itself.';

CREATE FUNCTION live_private.drop_channel_presence(refs text[], by_user boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Transactions that change many members lock them in one order, so they cannot deadlock.
  PERFORM FROM live.channel_presence c WHERE c.ref = ANY (refs) ORDER BY c.ref FOR UPDATE;
  PERFORM live_private.emit_channel_change(e.topic, e.is_private, NULL, e.refs, by_user) FROM live_private.deleted_members(refs) AS e;
END
$$;
COMMENT ON FUNCTION live_private.drop_channel_presence(text[], boolean) IS
'Ends members and announces it to the bridges. by_user: see live_private.emit_channel_change(). For the extension itself.';

CREATE FUNCTION live_private.deleted_members(gone_refs text[]) RETURNS TABLE (topic text, is_private boolean, refs text[])
LANGUAGE sql VOLATILE ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
  WITH ended AS (
    DELETE FROM live.channel_presence c WHERE c.ref = ANY (gone_refs) RETURNING c.topic, c.is_private, c.ref
  )
  SELECT e.topic, e.is_private, array_agg(e.ref) FROM ended e GROUP BY e.topic, e.is_private
$$;
COMMENT ON FUNCTION live_private.deleted_members(text[]) IS 'Deletes members and returns them by channel. Part of live_private.drop_channel_presence().';

CREATE FUNCTION live_private.hide_channel_presence(me text, hide boolean) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT FROM live.channel_presence c WHERE c.user_id = me ORDER BY c.ref FOR UPDATE;
  WITH changed AS (
    UPDATE live.channel_presence c SET hidden = hide WHERE c.user_id = me AND c.hidden <> hide RETURNING c.*
  )
  SELECT live_private.emit_channel_change(c.topic, c.is_private, jsonb_agg(live_private.channel_member(c)), NULL)
  FROM changed c GROUP BY c.topic, c.is_private
$$;
COMMENT ON FUNCTION live_private.hide_channel_presence(text, boolean) IS
'Hides the members of a user from others, or shows them. Part of live.update_presence().';

-- Locked members are left for the next call, as with connections.
CREATE FUNCTION live_private.expire_channel_presence(most integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  due text[];
BEGIN
  due := array(
    SELECT c.ref FROM live.channel_presence c
    WHERE c.expires_at <= live_private.clock() AND c.expires_at < 'infinity' ORDER BY c.expires_at LIMIT most FOR UPDATE SKIP LOCKED);
  due := due || array(
    SELECT c.ref FROM live_private.node n JOIN live.channel_presence c ON c.node_id = n.id
    WHERE n.expires_at <= live_private.clock() LIMIT most FOR UPDATE OF c SKIP LOCKED);
  IF cardinality(due) > 0 THEN
    PERFORM live_private.drop_channel_presence(due);
  END IF;
  RETURN cardinality(due) >= most;
END
$$;
COMMENT ON FUNCTION live_private.expire_channel_presence(integer) IS
'Ends members whose sockets or nodes did not come back in time; returns whether more may be due. Part of live.expire_presence().';
