-- Functions with which users change and read presence. They act as the current user on the user's own rows.

CREATE FUNCTION live_private.presence_of(user_id text) RETURNS live.presence
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  target text COLLATE "C" := user_id;
BEGIN
  RETURN coalesce(
    (SELECT p FROM live.presence p WHERE p.user_id = target),
    ROW(target, 'offline', 'auto', NULL, NULL, 0, NULL, NULL, '{}')::live.presence);
END
$$;
COMMENT ON FUNCTION live_private.presence_of(text) IS
'The presence of a user as the current user sees it; offline and never seen if the user is unknown or not visible.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.presence_of(text)');

CREATE FUNCTION live.get_presence(user_id text DEFAULT NULL) RETURNS live.presence
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
BEGIN
  RETURN live_private.presence_of(coalesce(user_id COLLATE "C", me));
END
$$;
COMMENT ON FUNCTION live.get_presence(text) IS
'The presence of a user, exact when read; NULL: of oneself. Users that are unknown or not visible are shown alike: offline, never seen. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_presence(text)');

-- An invisible user's changes go to live_private.invisible_user; others see the row of live.user_presence as it was.
CREATE FUNCTION live_private.store_mode(me text, new_mode live.presence_mode) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was_invisible boolean := EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = me);
BEGIN
  IF new_mode = 'invisible' AND NOT was_invisible THEN
    INSERT INTO live_private.invisible_user (user_id, custom_status, metadata)
    SELECT p.user_id, p.custom_status, p.metadata FROM live.user_presence p WHERE p.user_id = me;
  ELSIF new_mode <> 'invisible' AND was_invisible THEN
    UPDATE live.user_presence p SET mode = new_mode, custom_status = i.custom_status, metadata = i.metadata
    FROM live_private.invisible_user i WHERE p.user_id = me AND i.user_id = me;
    DELETE FROM live_private.invisible_user i WHERE i.user_id = me;
  ELSIF new_mode <> 'invisible' THEN
    UPDATE live.user_presence p SET mode = new_mode, updated_at = clock_timestamp() WHERE p.user_id = me AND p.mode <> new_mode;
  END IF;
  RETURN new_mode IS NOT NULL AND (new_mode = 'invisible') <> was_invisible;
END
$$;
COMMENT ON FUNCTION live_private.store_mode(text, live.presence_mode) IS
'Stores the mode; returns whether the user became invisible, or visible. Part of live.update_presence().';

CREATE FUNCTION live_private.store_presence_text(me text, new_custom_status text, new_metadata jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE live_private.invisible_user i
  SET custom_status = nullif(coalesce(new_custom_status, i.custom_status), ''), metadata = coalesce(new_metadata, i.metadata)
  WHERE i.user_id = me;
  IF NOT FOUND THEN
    UPDATE live.user_presence p
    SET custom_status = nullif(coalesce(new_custom_status, p.custom_status), ''),
        metadata = coalesce(new_metadata, p.metadata), updated_at = clock_timestamp()
    WHERE p.user_id = me;
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.store_presence_text(text, text, jsonb) IS 'Stores those of the two values that are not NULL. Part of live.update_presence().';

CREATE FUNCTION live.update_presence(
  mode live.presence_mode DEFAULT NULL, custom_status text DEFAULT NULL,
  device_type live.device_type DEFAULT NULL, metadata jsonb DEFAULT NULL) RETURNS live.presence
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  said text COLLATE "C" := custom_status;
  before live.user_presence;
  turned boolean;
BEGIN
  IF said <> '' THEN
    PERFORM live_private.checked_text(said, 'custom_status', 255);
  END IF;
  PERFORM live_private.checked_metadata(metadata);
  -- Locks in the order that all transactions use: connections, the user's row, members of channels.
  PERFORM FROM live.connection c WHERE c.user_id = me AND update_presence.device_type IS NOT NULL ORDER BY c.id FOR UPDATE;
  INSERT INTO live.user_presence (user_id) VALUES (me) ON CONFLICT ON CONSTRAINT user_presence_pkey DO NOTHING;
  SELECT p.* INTO before FROM live.user_presence p WHERE p.user_id = me FOR UPDATE;
  turned := live_private.store_mode(me, mode);
  IF said IS NOT NULL OR metadata IS NOT NULL THEN
    PERFORM live_private.store_presence_text(me, said, metadata);
  END IF;
  IF device_type IS NOT NULL THEN
    UPDATE live.connection c SET device_type = update_presence.device_type
    WHERE c.id = (SELECT latest.id FROM live.connection latest WHERE latest.user_id = me
                  ORDER BY latest.last_active_at DESC, latest.id LIMIT 1);
    UPDATE live.user_presence p SET device_type = update_presence.device_type
    WHERE p.user_id = me AND NOT EXISTS (SELECT FROM live.connection c WHERE c.user_id = me)
      AND NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = me);
  END IF;
  PERFORM live_private.announce(ARRAY[me], (
    SELECT p.custom_status IS DISTINCT FROM before.custom_status
           OR coalesce(update_presence.device_type, before.device_type) IS DISTINCT FROM before.device_type
    FROM live.user_presence p WHERE p.user_id = me));
  IF turned THEN
    PERFORM live_private.hide_channel_presence(me, update_presence.mode = 'invisible');
    PERFORM live_private.hide_in_sessions(me, update_presence.mode = 'invisible');
    UPDATE live.typing t SET shown = true WHERE t.user_id = me AND update_presence.mode <> 'invisible';
    PERFORM live_private.emit_typing(typed.location)
    FROM (SELECT DISTINCT t.location FROM live.typing t WHERE t.user_id = me AND t.expires_at > live_private.clock()) AS typed;
  END IF;
  RETURN live_private.presence_of(me);
END
$$;
COMMENT ON FUNCTION live.update_presence(live.presence_mode, text, live.device_type, jsonb) IS
'Changes the presence of the current user; NULL keeps a value, an empty custom_status clears it. Does not connect: a user without connections stays offline. Returns the presence as the user sees it. Errors: 42501 when not signed in; 22023 and 54000 for text or metadata out of bounds.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.update_presence(live.presence_mode, text, live.device_type, jsonb)');

CREATE FUNCTION live_private.leave_channels(me text, connections uuid[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.drop_channel_presence(
    array(SELECT c.ref FROM live.channel_presence c WHERE c.connection = ANY (connections) AND c.user_id = me), true)
$$;
COMMENT ON FUNCTION live_private.leave_channels(text, uuid[]) IS 'Ends the members that a user tracks with these connections, at the user''s request. For the extension itself.';

-- Connections that the user ends, end at once. A signal keeps the bridges from storing them again when they restart.
CREATE FUNCTION live_private.end_own_connections(connections live.connection[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  sockets uuid[] := array(SELECT c.id FROM unnest(connections) AS c WHERE c.node_id IS NOT NULL);
BEGIN
  UPDATE live.connection c SET node_id = NULL, expires_at = live_private.clock(), seen_at = live_private.clock()
  WHERE c.id IN (SELECT own.id FROM unnest(connections) AS own) AND c.user_id = me;
  PERFORM live_private.announce(ARRAY[me]);
  PERFORM live_private.leave_channels(me, array(SELECT c.id FROM unnest(connections) AS c));
  IF cardinality(sockets) > 0 THEN
    PERFORM live.emit('$connection', 'connection:ended', jsonb_build_object('ids', to_jsonb(sockets)), false);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.end_own_connections(live.connection[]) IS
'Ends connections of the current user, which the caller has locked, and their channel members at once. Part of live.disconnect() and live.go_offline().';

CREATE FUNCTION live.disconnect(connection_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  own live.connection[] := array(SELECT c FROM live.connection c WHERE c.id = connection_id AND c.user_id = me FOR UPDATE);
BEGIN
  IF cardinality(own) > 0 THEN
    PERFORM live_private.end_own_connections(own);
  END IF;
END
$$;
COMMENT ON FUNCTION live.disconnect(uuid) IS
'Ends a connection of the current user and its channel members at once. Does nothing if the id is unknown or of another user''s connection. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.disconnect(uuid)');

CREATE FUNCTION live.go_offline() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  own live.connection[] := array(SELECT c FROM live.connection c WHERE c.user_id = me ORDER BY c.id FOR UPDATE);
BEGIN
  IF cardinality(own) > 0 THEN
    PERFORM live_private.end_own_connections(own);
  END IF;
END
$$;
COMMENT ON FUNCTION live.go_offline() IS 'Ends all connections of the current user and their channel members at once. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.go_offline()');

-- Where few users can be seen, they are asked about, and not all who are online.
CREATE FUNCTION live_private.seen_users() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live.user_id();
BEGIN
  CASE (SELECT r.rule FROM live_private.presence_rule_in_force() AS r)
    WHEN 'followers' THEN
      RETURN ARRAY(SELECT me UNION SELECT e.followed FROM live_private.follow_edge e WHERE e.follower = me);
    WHEN 'session' THEN
      RETURN ARRAY(SELECT me UNION SELECT p.user_id FROM live.session_participants p WHERE p.session_id = ANY (ARRAY (SELECT live.my_sessions())));
    ELSE
      RETURN NULL; -- not known beforehand
  END CASE;
END
$$;
COMMENT ON FUNCTION live_private.seen_users() IS
'The users whose presence the current user may see by the rule followers or session; NULL by other rules. Part of live.get_online_users().';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.seen_users()');

CREATE FUNCTION live.get_online_users(
  max_users integer DEFAULT 100, after_cursor text DEFAULT NULL, statuses live.presence_status[] DEFAULT NULL)
RETURNS TABLE (user_id text, status live.presence_status, custom_status text, device_type live.device_type,
               last_seen_at timestamptz, cursor text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
  after_user text COLLATE "C" := '';
  asked live.presence_status[] := coalesce(statuses, '{online,away,busy}');
  seen text[] COLLATE "C" := live_private.seen_users(); -- NULL: not known beforehand
BEGIN
  PERFORM live_private.required_user();
  IF max_users IS NULL OR max_users < 1 OR max_users > 1000 THEN
    RAISE EXCEPTION 'max_users must be from 1 to 1000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF after_cursor IS NOT NULL THEN
    BEGIN
      after_user := convert_from(decode(after_cursor, 'base64'), 'UTF8');
    EXCEPTION WHEN data_exception OR untranslatable_character OR character_not_in_repertoire THEN
      RAISE EXCEPTION 'invalid cursor' USING ERRCODE = 'invalid_parameter_value',
        HINT = 'Pass the cursor of the last row that was returned.';
    END;
  END IF;
  RETURN QUERY
  -- Few users are due. The CTE finds them by deadline instead of walking all users in order.
  WITH due AS MATERIALIZED (
    SELECT d.user_id FROM live_private.due_presence d WHERE statuses IS NOT NULL AND seen IS NULL AND d.announced_status <> ALL (asked)
  )
  SELECT p.user_id, p.status, p.custom_status, p.device_type, p.last_seen_at,
         replace(encode(convert_to(p.user_id, 'UTF8'), 'base64'), E'\n', '')
  -- Online users were announced online; the view knows who has left since. Each branch is read in the order of its index.
  FROM (
    (SELECT a.user_id FROM live.user_presence a
     WHERE a.status = 'online' AND a.user_id > after_user AND 'online' = ANY (asked) AND seen IS NULL ORDER BY a.user_id)
    UNION ALL
    (SELECT a.user_id FROM live.user_presence a
     WHERE a.status = 'away' AND a.user_id > after_user AND 'away' = ANY (asked) AND seen IS NULL ORDER BY a.user_id)
    UNION ALL
    (SELECT a.user_id FROM live.user_presence a
     WHERE a.status = 'busy' AND a.user_id > after_user AND 'busy' = ANY (asked) AND seen IS NULL ORDER BY a.user_id)
    UNION ALL
    (SELECT d.user_id FROM due d WHERE d.user_id > after_user ORDER BY d.user_id)
    UNION ALL
    (SELECT s.user_id FROM unnest(seen) AS s (user_id) WHERE s.user_id > after_user ORDER BY s.user_id)
  ) AS candidate
  CROSS JOIN LATERAL live_private.presence_of(candidate.user_id) AS p
  WHERE p.status <> 'offline' AND p.status = ANY (asked)
  ORDER BY candidate.user_id
  LIMIT max_users;
END
$$;
COMMENT ON FUNCTION live.get_online_users(integer, text, live.presence_status[]) IS
'The connected users that the current user may see, ordered by user id, page by page: pass the cursor of the last row for the next page. statuses: only these. Errors: 42501 when not signed in; 22023 for max_users outside 1 to 1000 or an invalid cursor.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_online_users(integer, text, live.presence_status[])');
