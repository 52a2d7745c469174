-- Changes of an activity by its actor. Users who got the activity get an event that it is gone.

CREATE FUNCTION live_private.own_activity(id bigint) RETURNS live.activity_stream
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  own live.activity_stream;
BEGIN
  SELECT a.* INTO own FROM live.activity_stream a
  WHERE a.id = own_activity.id AND a.user_id = me AND a.deleted_at IS NULL
  FOR NO KEY UPDATE; -- a transaction that marks it as read refers to the row, and may hold a lock that untelling waits for
  IF own.id IS NULL THEN
    RAISE EXCEPTION 'no such activity of yours' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN own;
END
$$;
COMMENT ON FUNCTION live_private.own_activity(bigint) IS
'Locks an activity of the current user. Error P0002 if the id is unknown or of another user''s activity. For the extension itself.';

-- While the actor is being erased, events that name the actor are signals, which are not kept.
CREATE FUNCTION live_private.untell_activity(activity live.activity_stream, erased boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  payload jsonb := jsonb_build_object('id', activity.id);
  receivers text[];
  unread text[];
BEGIN
  PERFORM live.emit(topic, 'activity:deleted', payload, NOT (erased AND topic IN ('user:' || activity.user_id, 'followers:' || activity.user_id)))
  FROM live_private.activity_topics(activity) AS topic;
  IF activity.visibility = 'users' THEN
    -- The locks keep other transactions from adding marks after the marks are deleted here.
    receivers := array(SELECT m.user_id FROM live_private.activity_audience m WHERE m.activity_id = activity.id ORDER BY m.user_id);
    PERFORM live_private.lock_notifications(u) FROM unnest(receivers) AS u;
    SELECT array_agg(m.user_id) INTO unread FROM live_private.activity_audience m
    WHERE m.activity_id = activity.id AND NOT live_private.is_read(m);
    DELETE FROM live_private.activity_audience m WHERE m.activity_id = activity.id;
    DELETE FROM live_private.notification_read r WHERE r.activity_id = activity.id;
    PERFORM live_private.tell_unread(unread);
    PERFORM live_private.forget_initial_state(receivers);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.untell_activity(live.activity_stream, boolean) IS
'Emits activity:deleted to the users who saw an activity, and deletes its notifications. For the extension itself.';

CREATE FUNCTION live.delete_activity(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone live.activity_stream := live_private.own_activity(id);
BEGIN
  UPDATE live.activity_stream a SET deleted_at = clock_timestamp(), metadata = '{}' WHERE a.id = gone.id;
  PERFORM live_private.untell_activity(gone);
  PERFORM live_private.note_trend(gone, -1);
END
$$;
COMMENT ON FUNCTION live.delete_activity(bigint) IS
'Deletes an activity of the current user; a tombstone without metadata and audience remains. Errors: 42501 when not signed in; P0002 if the id is unknown or of another user''s activity.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.delete_activity(bigint)');

CREATE FUNCTION live.set_activity_visibility(id bigint, visibility live.activity_visibility, audience text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before live.activity_stream := live_private.own_activity(id);
  now live.activity_stream;
  users text[] COLLATE "C" := live_private.checked_audience(before.user_id, visibility, CASE WHEN visibility = 'session' THEN before.session_id END, audience);
BEGIN
  IF visibility = before.visibility AND users = live.audience(before) THEN
    RETURN;
  END IF;
  UPDATE live.activity_stream a SET visibility = set_activity_visibility.visibility
  WHERE a.id = before.id RETURNING a.* INTO now;
  PERFORM live_private.untell_activity(before);
  PERFORM live_private.tell_activity(now, users);
  PERFORM live_private.note_trend(before, -1), live_private.note_trend(now, 1);
END
$$;
COMMENT ON FUNCTION live.set_activity_visibility(bigint, live.activity_visibility, text[]) IS
'Changes who sees an activity of the current user: emits its deletion to those who saw it, then the activity to those who see it now. A new audience costs as in live.log_activity(), the old one one or two small events a user. Errors as in live.log_activity(); P0002 if the id is unknown or of another user''s activity.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.set_activity_visibility(bigint, live.activity_visibility, text[])');
