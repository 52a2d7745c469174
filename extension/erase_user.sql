-- Erasing a user: deletes all data about the user, including events kept for replay. Where the topic or payload names the
-- user, other clients are informed by signals, which are not kept.

CREATE FUNCTION live_private.names_user(topic text, payload jsonb, user_id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT topic IN ('user:' || user_id, 'followers:' || user_id)
      OR payload ->> 'topic' IN ('user:' || user_id, 'followers:' || user_id)
      OR jsonb_path_exists(payload, '$.**.user_id ? (@ == $user)', jsonb_build_object('user', user_id))
      OR jsonb_path_exists(payload, '$.**.user_ids[*] ? (@ == $user)', jsonb_build_object('user', user_id))
$$;
COMMENT ON FUNCTION live_private.names_user(text, jsonb, text) IS
'Whether an event is about a user: by its topic, or by a user_id or user_ids anywhere in its payload. Part of live.erase_user().';

CREATE FUNCTION live_private.erase_presence(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  shown live.user_presence;
  locations text[];
BEGIN
  WITH gone AS (DELETE FROM live.typing t WHERE t.user_id = erase_presence.user_id RETURNING t.location, t.shown)
  SELECT array_agg(DISTINCT gone.location) INTO locations FROM gone WHERE gone.shown;
  PERFORM live_private.emit_typing(location) FROM unnest(locations) AS location;
  PERFORM live_private.drop_channel_presence(array(SELECT c.ref FROM live.channel_presence c WHERE c.user_id = erase_presence.user_id), true);
  DELETE FROM live.connection c WHERE c.user_id = erase_presence.user_id;
  DELETE FROM live.user_presence p WHERE p.user_id = erase_presence.user_id RETURNING p.* INTO shown;
  IF shown.status <> 'offline' THEN
    PERFORM live.emit(live_private.presence_topic(), 'presence:update', jsonb_build_object('user_id', user_id, 'status', 'offline',
      'previous_status', shown.status, 'custom_status', NULL, 'device_type', NULL, 'last_seen_at', NULL), false);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.erase_presence(text) IS 'Deletes the presence of a user, and emits that the user is offline and not typing. Part of live.erase_user().';

-- A session without an owner could not be ended, so the oldest participant becomes one; one without participants ends.
CREATE FUNCTION live_private.erase_participation(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session record;
  role live.participant_role;
BEGIN
  FOR session IN SELECT s.id, s.status FROM live.collaboration_sessions s
                 WHERE s.id IN (SELECT p.session_id FROM live.session_participants p WHERE p.user_id = erase_participation.user_id)
                 ORDER BY s.id FOR NO KEY UPDATE LOOP
    DELETE FROM live.session_participants p WHERE p.session_id = session.id AND p.user_id = erase_participation.user_id RETURNING p.role INTO role;
    PERFORM live_private.mark_changed(session.id);
    IF session.status = 'active' AND NOT EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = session.id) THEN
      PERFORM live_private.finish_session(session.id);
    ELSIF role = 'owner' AND NOT EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = session.id AND p.role = 'owner') THEN
      UPDATE live.session_participants p SET role = 'owner'
      WHERE p.session_id = session.id
        AND p.user_id = (SELECT o.user_id FROM live.session_participants o WHERE o.session_id = session.id ORDER BY o.joined_at, o.user_id LIMIT 1);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.erase_participation(text) IS 'Ends the participation of a user in all sessions. Part of live.erase_user().';

CREATE FUNCTION live.erase_user(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target text COLLATE "C" := user_id; -- compared byte by byte, whatever the caller's collation
  gone live.activity_stream;
BEGIN
  IF target IS NULL THEN
    RAISE EXCEPTION 'user_id must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  -- Deletes kept events first: those emitted from here on do not name the user, or are signals.
  DELETE FROM live.event e WHERE live_private.names_user(e.topic, coalesce(e.payload, live_private.shared_payload(e.slot, e.xid, e.payload_id)), target);
  DELETE FROM live.signal s WHERE live_private.names_user(s.topic, s.payload, target);
  -- Locks all in one order, so that two transactions that untell the same users cannot deadlock.
  PERFORM live_private.lock_notifications(receiver.user_id)
  FROM (SELECT DISTINCT m.user_id FROM live_private.activity_audience m JOIN live.activity_stream a ON a.id = m.activity_id
        WHERE a.user_id = target ORDER BY m.user_id) AS receiver;
  FOR gone IN SELECT a.* FROM live.activity_stream a WHERE a.user_id = target ORDER BY a.id FOR NO KEY UPDATE LOOP
    IF gone.deleted_at IS NULL THEN
      PERFORM live_private.untell_activity(gone, true), live_private.note_trend(gone, -1);
    END IF;
    DELETE FROM live.activity_stream a WHERE a.id = gone.id;
  END LOOP;
  DELETE FROM live_private.activity_audience m WHERE m.user_id = target;
  DELETE FROM live_private.notification_read r WHERE r.user_id = target;
  DELETE FROM live_private.notification_state s WHERE s.user_id = target;
  DELETE FROM live_private.follow_edge e WHERE target IN (e.follower, e.followed);
  PERFORM live_private.erase_participation(target);
  UPDATE live.collaboration_sessions s SET created_by = '' WHERE s.created_by = target;
  UPDATE live.operation o SET user_id = '' WHERE o.user_id = target;
  DELETE FROM live_private.submission s WHERE s.user_id = target;
  PERFORM live_private.erase_presence(target);
  PERFORM live.emit('user:' || target, 'access:revoked', jsonb_build_object('topic', '*', 'reason', 'access was revoked'), false);
END
$$;
COMMENT ON FUNCTION live.erase_user(text) IS
'Erases a user: activities, follows, notifications, presence, participation, and kept events about the user; sessions that the user created and operations stay, without the name; a session without an owner makes its oldest participant one, and ends without participants. Emits activity:deleted to users who saw the activities; ends open subscriptions of the user. Metadata written by others stay. Reads all kept events. For admins. Error 22004.';
