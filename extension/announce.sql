-- Announcing: brings live.user_presence up to what is true now, and emits one event for each change of what is shown.
-- Everything that changes a connection ends here. The lock of the user's row puts the announcements of one user in
-- order, and each is computed after the lock was taken, so the last word is always the truth. That a user goes on with
-- another device is no event: whoever closes one of two tabs is as online as before.

CREATE FUNCTION live_private.presence_event(shown live.user_presence, previous_status live.presence_status) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('user_id', shown.user_id, 'status', shown.status, 'previous_status', previous_status,
                          'custom_status', shown.custom_status, 'device_type', shown.device_type, 'last_seen_at', shown.last_seen_at);
COMMENT ON FUNCTION live_private.presence_event(live.user_presence, live.presence_status) IS 'The payload of presence:update.';

-- On $presence the bridges ask for each receiver whether the user is visible to them; on presence they need not.
CREATE FUNCTION live_private.presence_topic() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT CASE r.rule WHEN 'everyone' THEN 'presence' ELSE '$presence' END FROM live_private.presence_rule_in_force() AS r);
END
$$;
COMMENT ON FUNCTION live_private.presence_topic() IS 'The topic on which changes of presence are announced under the rule in force.';

-- Ended connections go, their time of life stays: with the user's row, and with the connections that are left. One that
-- somebody holds is left to that transaction, which may be waiting for this one.
CREATE FUNCTION live_private.forget_ended_connections(user_ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  WITH ended AS (
    DELETE FROM live.connection c
    WHERE c.id IN (
      SELECT gone.id FROM live.connection gone LEFT JOIN live_private.node n ON n.id = gone.node_id
      WHERE gone.user_id = ANY (user_ids) AND NOT live_private.is_alive(gone.expires_at, gone.node_id, n.expires_at)
      FOR UPDATE OF gone SKIP LOCKED)
    RETURNING c.id, c.user_id, greatest(c.seen_at, (SELECT n.renewed_at FROM live_private.node n WHERE n.id = c.node_id)) AS seen_at
  ), latest AS (
    SELECT ended.user_id, max(ended.seen_at) AS seen_at FROM ended GROUP BY ended.user_id
  )
  UPDATE live.connection c SET seen_at = left_over.seen_at
  FROM (SELECT other.id, latest.seen_at FROM latest JOIN live.connection other ON other.user_id = latest.user_id
        WHERE other.seen_at < latest.seen_at AND NOT EXISTS (SELECT FROM ended WHERE ended.id = other.id)
        FOR UPDATE OF other SKIP LOCKED) AS left_over
  WHERE c.id = left_over.id;
END
$$;
COMMENT ON FUNCTION live_private.forget_ended_connections(text[]) IS 'Deletes the ended connections of these users. Part of live_private.announce().';

CREATE FUNCTION live_private.presence_digest(user_ids text[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(concat_ws(' ', t.user_id, t.invisible, t.status, t.device_type), ',' ORDER BY t.user_id)
  FROM live_private.true_presence t WHERE t.user_id = ANY (user_ids)
$$;
COMMENT ON FUNCTION live_private.presence_digest(text[]) IS 'What would be announced of these users. Part of live_private.require_current_presence().';

CREATE FUNCTION live_private.require_current_presence(user_ids text[]) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_require_current_presence';
COMMENT ON FUNCTION live_private.require_current_presence(text[]) IS
'Error 40001 in a transaction that keeps one snapshot, if the presence of these users has changed since. Part of live_private.announce().';

CREATE FUNCTION live_private.announce(user_ids text[], text_changed boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  topic text := live_private.presence_topic();
  announced integer;
BEGIN
  IF cardinality(user_ids) = 0 THEN
    RETURN 0;
  END IF;
  PERFORM live_private.make_user_presence(user_ids);
  PERFORM FROM live.user_presence p WHERE p.user_id = ANY (user_ids) ORDER BY p.user_id FOR UPDATE;
  PERFORM live_private.require_current_presence(user_ids);

  WITH truth AS MATERIALIZED (
    SELECT t.user_id, t.announced_status AS previous_status,
           t.invisible AND t.announced_status = 'offline' AS frozen,
           CASE WHEN t.invisible THEN 'offline' ELSE t.status END AS status, t.status AS own_status,
           t.device_type, t.last_seen_at
    FROM live_private.true_presence t
    WHERE t.user_id = ANY (user_ids)
  ), changed AS (
    UPDATE live.user_presence p
    SET status = truth.status, device_type = truth.device_type, last_seen_at = truth.last_seen_at, updated_at = clock_timestamp()
    FROM truth
    WHERE p.user_id = truth.user_id AND NOT truth.frozen
      AND (truth.status <> truth.previous_status OR text_changed)
    RETURNING p.user_id, live_private.presence_event(p, truth.previous_status) AS payload, truth.own_status
  ), emitted AS (
    SELECT live.emit(topic, 'presence:update', changed.payload),
           live.emit('user:' || changed.user_id, 'presence:update',
                     jsonb_set(changed.payload, '{status}', to_jsonb(changed.own_status)))
    FROM changed
  )
  SELECT count(*) INTO announced FROM emitted;
  PERFORM live_private.forget_ended_connections(user_ids);
  RETURN announced;
END
$$;
COMMENT ON FUNCTION live_private.announce(text[], boolean) IS
'Announces what is true of these users now, if it is another thing than was announced last; text_changed: in any case, but for those who stay invisible. Returns how many were announced. For the extension itself.';

-- For those who act for many: whoever is held by somebody's transaction is left to the worker, which comes back until the
-- row is free.
CREATE FUNCTION live_private.announce_unheld(user_ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
  free text[];
BEGIN
  PERFORM live_private.make_unheld_presence(user_ids);
  free := array(SELECT p.user_id FROM live.user_presence p WHERE p.user_id = ANY (user_ids) ORDER BY p.user_id FOR UPDATE SKIP LOCKED);
  PERFORM live_private.announce(free);
  IF cardinality(free) < (SELECT count(DISTINCT u) FROM unnest(user_ids) AS u) THEN
    UPDATE live.connection c SET check_at = live_private.clock()
    WHERE c.id IN (SELECT held.id FROM live.connection held
                   WHERE held.user_id = ANY (user_ids) AND held.user_id <> ALL (free) ORDER BY held.id FOR UPDATE SKIP LOCKED);
    PERFORM live_private.wake_worker(live_private.clock());
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.announce_unheld(text[]) IS 'As live_private.announce(), of the users whom nobody holds; the others are announced by the worker. For the extension itself.';

-- When the server started anew, all that was UNLOGGED may be gone; this row is then gone too.
CREATE UNLOGGED TABLE live_private.presence_epoch (
  server_start timestamptz PRIMARY KEY,
  settles_at timestamptz NOT NULL
);
COMMENT ON TABLE live_private.presence_epoch IS 'One row, made when the server is first seen running; gone after a crash.';
COMMENT ON COLUMN live_private.presence_epoch.server_start IS 'Which start of the server it is about.';
COMMENT ON COLUMN live_private.presence_epoch.settles_at IS 'Until then those who were announced online may come back unnoticed; infinity once that is over.';
ALTER TABLE live_private.presence_epoch ENABLE ROW LEVEL SECURITY;

-- A node could not renew while the server was away, so its lease starts anew.
CREATE FUNCTION live_private.begin_presence_epoch() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  patience interval := live_private.default_lease() + live_private.grace_period();
BEGIN
  IF EXISTS (SELECT FROM live_private.presence_epoch e WHERE e.server_start = pg_postmaster_start_time()) THEN
    RETURN;
  END IF;
  DELETE FROM live_private.presence_epoch;
  INSERT INTO live_private.presence_epoch
  SELECT pg_postmaster_start_time(),
         CASE WHEN EXISTS (SELECT FROM live.user_presence p WHERE p.status <> 'offline') THEN live_private.clock() + patience ELSE 'infinity' END;
  UPDATE live_private.node n SET expires_at = greatest(n.expires_at, live_private.clock() + patience)
  WHERE n.id IN (SELECT free.id FROM live_private.node free WHERE NOT free.retired FOR UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION live_private.begin_presence_epoch() IS
'Notices that the server was started anew: bridges and clients get time to come back before anybody is announced offline.';

-- A copy with triggers disabled brings users who are announced online though nobody is connected: as after a crash, they
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
'Has users announced offline later who are announced online without a connection. Part of live.refresh_summaries().';

-- A clock that was set back would keep everybody alive for as long as it was set back.
-- Returns whether rows are left that somebody holds: the worker waits for nobody's transaction, and comes back.
CREATE FUNCTION live_private.follow_clock_back() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz := live_private.clock();
  grace_ends timestamptz := at + live_private.grace_period();
BEGIN
  UPDATE live.connection c
  SET expires_at = CASE WHEN c.node_id IS NULL THEN least(c.expires_at, at + (c.expires_at - c.seen_at)) ELSE c.expires_at END,
      seen_at = at, last_active_at = least(c.last_active_at, at), check_at = at
  WHERE c.id IN (SELECT ahead.id FROM live.connection ahead WHERE ahead.seen_at > at ORDER BY ahead.id FOR UPDATE SKIP LOCKED);
  UPDATE live_private.node n SET expires_at = at + (n.expires_at - n.renewed_at), renewed_at = at
  WHERE n.id IN (SELECT ahead.id FROM live_private.node ahead WHERE ahead.renewed_at > at ORDER BY ahead.id FOR UPDATE SKIP LOCKED);
  UPDATE live.typing t SET started_at = at, expires_at = at, check_at = at
  WHERE (t.location, t.user_id) IN (SELECT ahead.location, ahead.user_id FROM live.typing ahead WHERE ahead.started_at > at FOR UPDATE SKIP LOCKED);
  UPDATE live.channel_presence c SET expires_at = grace_ends
  WHERE c.ref IN (SELECT ahead.ref FROM live.channel_presence ahead
                  WHERE ahead.expires_at > grace_ends AND ahead.expires_at < 'infinity' ORDER BY ahead.ref FOR UPDATE SKIP LOCKED);
  UPDATE live_private.presence_epoch e SET settles_at = least(e.settles_at, at + live_private.default_lease() + live_private.grace_period())
  WHERE e.settles_at < 'infinity';
  RETURN EXISTS (SELECT FROM live.connection c WHERE c.seen_at > at) OR EXISTS (SELECT FROM live_private.node n WHERE n.renewed_at > at)
      OR EXISTS (SELECT FROM live.typing t WHERE t.started_at > at)
      OR EXISTS (SELECT FROM live.channel_presence c WHERE c.expires_at > grace_ends AND c.expires_at < 'infinity');
END
$$;
COMMENT ON FUNCTION live_private.follow_clock_back() IS
'Moves deadlines that were set by a clock that was ahead; returns whether some are left, which somebody holds. The worker calls it when it begins, and when it sees the clock go back.';

CREATE FUNCTION live_private.next_presence_deadline() RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN least((SELECT min(c.check_at) FROM live.connection c WHERE c.check_at < 'infinity'),
               (SELECT min(n.expires_at) FROM live_private.node n),
               (SELECT min(t.check_at) FROM live.typing t),
               (SELECT min(c.expires_at) FROM live.channel_presence c WHERE c.expires_at < 'infinity'),
               (SELECT min(e.settles_at) FROM live_private.presence_epoch e));
END
$$;
COMMENT ON FUNCTION live_private.next_presence_deadline() IS 'When live.expire_presence() has something to do next; NULL or infinity: never.';

-- Whoever is being changed right now is skipped, whatever for, and looked at again: the worker waits for nobody's
-- transaction, since all events wait for the worker.
CREATE FUNCTION live_private.due_connections(most integer) RETURNS TABLE (user_id text)
LANGUAGE plpgsql VOLATILE ROWS 1000
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT c.id FROM live.connection c JOIN live.user_presence p ON p.user_id = c.user_id
    WHERE c.check_at <= live_private.clock() AND c.check_at < 'infinity' ORDER BY c.check_at LIMIT most FOR UPDATE OF c, p SKIP LOCKED
  )
  UPDATE live.connection c
  SET check_at = CASE
        WHEN c.active AND c.last_active_at + live_private.idle_after() > live_private.clock()
          THEN least(c.expires_at, c.last_active_at + live_private.idle_after())
        ELSE c.expires_at END
  FROM due WHERE c.id = due.id
  RETURNING c.user_id;
END
$$;
COMMENT ON FUNCTION live_private.due_connections(integer) IS
'Sets the next look of the connections whose look is due, and returns their users. Part of live.expire_presence().';

CREATE FUNCTION live_private.due_nodes(most integer) RETURNS TABLE (user_id text)
LANGUAGE plpgsql VOLATILE ROWS 1000
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  ended uuid[];
BEGIN
  RETURN QUERY
  SELECT c.user_id
  FROM live_private.node n JOIN live.connection c ON c.node_id = n.id JOIN live.user_presence p ON p.user_id = c.user_id
  WHERE n.expires_at <= live_private.clock() LIMIT most FOR UPDATE OF c, p SKIP LOCKED;
  -- Locked first, looked at afterwards: whoever stored something on a node held it until that was committed.
  ended := array(SELECT n.id FROM live_private.node n WHERE n.expires_at <= live_private.clock() FOR UPDATE SKIP LOCKED);
  DELETE FROM live_private.node n
  WHERE n.id = ANY (ended) AND NOT EXISTS (SELECT FROM live.connection c WHERE c.node_id = n.id)
    AND NOT EXISTS (SELECT FROM live.channel_presence c WHERE c.node_id = n.id);
END
$$;
COMMENT ON FUNCTION live_private.due_nodes(integer) IS
'Users with connections of nodes that ended; nodes that have none left are deleted. Part of live.expire_presence().';

CREATE FUNCTION live_private.due_epoch(most integer) RETURNS TABLE (user_id text)
LANGUAGE plpgsql VOLATILE ROWS 1000
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM live_private.presence_epoch e WHERE e.settles_at <= live_private.clock()) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT p.user_id FROM live.user_presence p
  WHERE p.status <> 'offline'
    AND NOT EXISTS (SELECT FROM live.connection c WHERE c.user_id = p.user_id)
  LIMIT most FOR UPDATE OF p SKIP LOCKED;
  IF NOT FOUND THEN
    UPDATE live_private.presence_epoch SET settles_at = 'infinity';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.due_epoch(integer) IS
'Users who were announced online before the server started anew and did not come back in time. Part of live.expire_presence().';

-- The row of a user can be missing beside a connection: somebody was making it, and took that back.
CREATE FUNCTION live_private.make_missing_presence(most integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  missing text[] := array(
    SELECT due.user_id
    FROM ((SELECT c.user_id FROM live.connection c
           WHERE c.check_at <= live_private.clock() AND c.check_at < 'infinity' ORDER BY c.check_at LIMIT most)
          UNION ALL
          (SELECT c.user_id FROM live_private.node n JOIN live.connection c ON c.node_id = n.id WHERE n.expires_at <= live_private.clock() LIMIT most)) AS due
    WHERE NOT EXISTS (SELECT FROM live.user_presence p WHERE p.user_id = due.user_id));
BEGIN
  IF cardinality(missing) > 0 THEN
    PERFORM live_private.make_unheld_presence(missing, '1ms');
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.make_missing_presence(integer) IS
'Makes the rows of users who have none though connections of theirs are due. Part of live.expire_presence().';

CREATE FUNCTION live_private.expire_some_presence(most integer, OUT announced integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  due text[];
BEGIN
  PERFORM live_private.begin_presence_epoch();
  PERFORM live_private.make_missing_presence(most);
  SELECT array_agg(u.user_id) INTO due
  FROM (SELECT d.user_id FROM live_private.due_connections(most) d
        UNION ALL SELECT d.user_id FROM live_private.due_nodes(most) d
        UNION ALL SELECT d.user_id FROM live_private.due_epoch(most) d) AS u;
  announced := live_private.announce(coalesce(due, '{}'));
  more := live_private.expire_channel_presence(most) OR due IS NOT NULL;
END
$$;
COMMENT ON FUNCTION live_private.expire_some_presence(integer) IS
'A bounded part of live.expire_presence(): announces what is due of so many connections. more: there may be more.';

CREATE FUNCTION live.expire_presence() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part record;
  announced integer := 0;
BEGIN
  PERFORM live_private.expire_typing(500);
  LOOP
    SELECT * INTO part FROM live_private.expire_some_presence(1000);
    announced := announced + part.announced;
    EXIT WHEN NOT part.more;
  END LOOP;
  PERFORM live_private.wake_worker(live_private.next_presence_deadline());
  RETURN announced;
END
$$;
COMMENT ON FUNCTION live.expire_presence() IS
'Announces the users whose connections ended or became idle, and ends typing that was not renewed. Returns how many users were announced. The worker does this in time by itself; call it (from a cron job) where no worker runs. Reads are exact without it.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.expire_presence()');
