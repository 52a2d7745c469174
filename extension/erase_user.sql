-- Forgetting a person: everything that is about a user goes, the events that are still kept for replay too. Whoever is
-- there learns it by signals, which are not kept, where the topic or the payload names the user.

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
COMMENT ON FUNCTION live_private.erase_presence(text) IS 'The presence of a user goes, and is shown as offline and not typing to who is there. Part of live.erase_user().';

CREATE FUNCTION live.erase_user(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whom text COLLATE "C" := user_id; -- nobody else is forgotten, whatever the caller's collation takes for equal
  gone live.activity_stream;
BEGIN
  IF whom IS NULL THEN
    RAISE EXCEPTION 'user_id must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  -- Before anything is told: what is told from here on names nobody, or is not kept.
  DELETE FROM live.event e WHERE live_private.names_user(e.topic, coalesce(e.payload, live_private.shared_payload(e.slot, e.xid, e.payload_id)), whom);
  DELETE FROM live.signal s WHERE live_private.names_user(s.topic, s.payload, whom);
  -- All in one order: two who untell the same users must not wait for each other.
  PERFORM live_private.lock_notifications(told.user_id)
  FROM (SELECT DISTINCT m.user_id FROM live_private.activity_audience m JOIN live.activity_stream a ON a.id = m.activity_id
        WHERE a.user_id = whom ORDER BY m.user_id) AS told;
  FOR gone IN SELECT a.* FROM live.activity_stream a WHERE a.user_id = whom ORDER BY a.id FOR NO KEY UPDATE LOOP
    IF gone.deleted_at IS NULL THEN
      PERFORM live_private.untell_activity(gone, true), live_private.note_trend(gone, -1);
    END IF;
    DELETE FROM live.activity_stream a WHERE a.id = gone.id;
  END LOOP;
  DELETE FROM live_private.activity_audience m WHERE m.user_id = whom;
  DELETE FROM live_private.notification_read r WHERE r.user_id = whom;
  DELETE FROM live_private.notification_state s WHERE s.user_id = whom;
  DELETE FROM live_private.follow_edge e WHERE whom IN (e.follower, e.followed);
  DELETE FROM live.session_participants p WHERE p.user_id = whom;
  UPDATE live.collaboration_sessions s SET created_by = '' WHERE s.created_by = whom;
  PERFORM live_private.erase_presence(whom);
  PERFORM live.emit('user:' || whom, 'access:revoked', jsonb_build_object('topic', '*', 'reason', 'access was revoked'), false);
END
$$;
COMMENT ON FUNCTION live.erase_user(text) IS
'Forgets a user: activities, follows, notifications, presence, participation, and the events about the user that are kept for replay; sessions that the user made go on without a name. Whoever saw an activity of the user is told that it is gone; open subscriptions of the user end. What others wrote about the user into metadata is theirs. Reads all kept events. For admins. Error 22004.';
