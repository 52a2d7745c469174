-- Announcing: updates live.user_presence to the current state, and emits one event for each change of what is shown. Every
-- change of a connection ends here. The lock of the user's row orders the announcements of one user, and each is computed
-- after the lock was taken, so the last one is always true. A change of device is no event: a user who closes one of two
-- tabs is as online as before.

CREATE FUNCTION live_private.presence_event(shown live.user_presence, previous_status live.presence_status) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('user_id', shown.user_id, 'status', shown.status, 'previous_status', previous_status,
                          'custom_status', shown.custom_status, 'device_type', shown.device_type, 'last_seen_at', shown.last_seen_at);
COMMENT ON FUNCTION live_private.presence_event(live.user_presence, live.presence_status) IS 'The payload of presence:update.';

-- On $presence, bridges check the visibility of the user for each receiver; on presence they need not.
CREATE FUNCTION live_private.presence_topic() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT CASE r.rule WHEN 'everyone' THEN 'presence' ELSE '$presence' END FROM live_private.presence_rule_in_force() AS r);
END
$$;
COMMENT ON FUNCTION live_private.presence_topic() IS 'The topic on which presence changes are announced under the rule in force.';

-- Deletes ended connections, but keeps when they were last seen: in the user's row, and in the connections that are left.
-- A locked connection is left to the transaction that locked it, which may be waiting for this one.
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
COMMENT ON FUNCTION live_private.presence_digest(text[]) IS 'The presence that would be announced of these users. Part of live_private.require_current_presence().';

CREATE FUNCTION live_private.require_current_presence(user_ids text[]) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_require_current_presence';
COMMENT ON FUNCTION live_private.require_current_presence(text[]) IS
'Error 40001 in a REPEATABLE READ or SERIALIZABLE transaction if the presence of these users has changed since its snapshot. Part of live_private.announce().';

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
'Announces the presence of these users if it differs from the last announcement; text_changed: also if it does not, except for users who stay invisible. Returns how many were announced. For the extension itself.';

-- For callers that act for many users: a user whose row is locked is left to the worker, which tries again until the row is
-- free.
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
COMMENT ON FUNCTION live_private.announce_unheld(text[]) IS 'As live_private.announce(), for the users whose rows are not locked; the worker announces the others. For the extension itself.';
