-- Expiry of presence: finds the users whose connections, nodes or epoch have passed a deadline, and announces them. The
-- worker calls it in bounded parts (presence_expiry.cpp).

-- A clock that was set back would keep connections alive for as long as it was set back. Locked rows are left for the next
-- call, since the worker waits for no transaction.
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
'Moves deadlines that were set by a clock that was ahead; returns whether some are left because their rows are locked. The worker calls it when it starts, and when it sees the clock go back.';

CREATE FUNCTION live_private.next_presence_deadline() RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
  RETURN least((SELECT min(c.check_at) FROM live.connection c WHERE c.check_at < 'infinity'),
               (SELECT min(n.expires_at) FROM live_private.node n),
               (SELECT min(t.check_at) FROM live.typing t),
               (SELECT min(c.expires_at) FROM live.channel_presence c WHERE c.expires_at < 'infinity'),
               (SELECT min(e.settles_at) FROM live_private.presence_epoch e),
               CASE WHEN NOT EXISTS (SELECT FROM live_private.presence_epoch e WHERE e.server_start = pg_postmaster_start_time()) THEN live_private.clock() END,
               (SELECT live_private.clock() FROM live_private.unsettled_participant u LIMIT 1));
END
$$;
COMMENT ON FUNCTION live_private.next_presence_deadline() IS 'When live.expire_presence() is next needed; NULL or infinity: never.';

-- Rows that a transaction has locked are skipped and looked at again: the worker waits for no transaction, since all events
-- wait for the worker.
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
'Sets the next check of the connections whose check is due, and returns their users. Part of live.expire_presence().';

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
  -- Locks first and looks afterwards: a transaction that stores rows on a node locks the node until it commits.
  ended := array(SELECT n.id FROM live_private.node n WHERE n.expires_at <= live_private.clock() FOR UPDATE SKIP LOCKED);
  DELETE FROM live_private.node n
  WHERE n.id = ANY (ended) AND NOT EXISTS (SELECT FROM live.connection c WHERE c.node_id = n.id)
    AND NOT EXISTS (SELECT FROM live.channel_presence c WHERE c.node_id = n.id);
END
$$;
COMMENT ON FUNCTION live_private.due_nodes(integer) IS
'Users with connections of ended nodes; deletes those nodes that have none left. Part of live.expire_presence().';

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
'Users who were announced online before the server restarted and did not come back in time. Part of live.expire_presence().';

-- A connection may lack the row of its user: the transaction that was making the row rolled back.
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
'Makes the missing rows of users whose connections are due. Part of live.expire_presence().';

CREATE FUNCTION live_private.expire_some_presence(most integer, OUT announced integer, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  due text[];
BEGIN
  announced := 0;
  more := false;
  IF NOT live_private.begin_presence_epoch() THEN
    RETURN;
  END IF;
  PERFORM live_private.make_missing_presence(most);
  SELECT array_agg(u.user_id) INTO due
  FROM (SELECT d.user_id FROM live_private.due_connections(most) d
        UNION ALL SELECT d.user_id FROM live_private.due_nodes(most) d
        UNION ALL SELECT d.user_id FROM live_private.due_epoch(most) d) AS u;
  announced := live_private.announce(coalesce(due, '{}'));
  more := live_private.expire_channel_presence(most) OR due IS NOT NULL;
  more := live_private.settle_due_participants(most) OR more;
END
$$;
COMMENT ON FUNCTION live_private.expire_some_presence(integer) IS
'A bounded part of live.expire_presence(): announces the changes due of at most so many connections. more: more may be due.';

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
'Announces the users whose connections ended or became idle, and ends typing that was not renewed. Returns how many users were announced. The worker does this by itself; call it from a cron job where no worker runs. Reads are exact without it.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.expire_presence()');
