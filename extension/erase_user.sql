-- Forgetting a person: everything that is about a user goes, the events that are still kept for replay too.

CREATE FUNCTION live.erase_user(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone live.activity_stream;
BEGIN
  IF user_id IS NULL THEN
    RAISE EXCEPTION 'user_id must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  FOR gone IN SELECT a.* FROM live.activity_stream a WHERE a.user_id = erase_user.user_id ORDER BY a.id FOR UPDATE LOOP
    IF gone.deleted_at IS NULL THEN
      PERFORM live.untell_activity(gone), live.note_trend(gone, -1);
    END IF;
    DELETE FROM live.activity_stream a WHERE a.id = gone.id;
  END LOOP;
  UPDATE live.activity_stream a SET audience = array_remove(a.audience, erase_user.user_id)
  WHERE a.id IN (SELECT m.activity_id FROM live.activity_audience m WHERE m.user_id = erase_user.user_id);
  DELETE FROM live.activity_audience m WHERE m.user_id = erase_user.user_id;
  DELETE FROM live.notification_read r WHERE r.user_id = erase_user.user_id;
  DELETE FROM live.notification_state s WHERE s.user_id = erase_user.user_id;
  DELETE FROM live.follow_edge e WHERE erase_user.user_id IN (e.follower, e.followed);
  DELETE FROM live.session_participants p WHERE p.user_id = erase_user.user_id;
  DELETE FROM live.typing t WHERE t.user_id = erase_user.user_id;
  PERFORM live.drop_channel_presence(array(SELECT c.ref FROM live.channel_presence c WHERE c.user_id = erase_user.user_id));
  DELETE FROM live.connection c WHERE c.user_id = erase_user.user_id;
  DELETE FROM live.user_presence p WHERE p.user_id = erase_user.user_id;
  DELETE FROM live.event e WHERE e.topic IN ('user:' || erase_user.user_id, 'followers:' || erase_user.user_id)
    OR e.payload ->> 'user_id' = erase_user.user_id;
  PERFORM live.revoke_access('*', user_id);
END
$$;
COMMENT ON FUNCTION live.erase_user(text) IS
'Forgets a user: activities, follows, notifications, presence, participation, and the events about the user that are kept for replay. Whoever saw an activity of the user is told that it is gone; open subscriptions of the user end. Reads all kept events. For admins. Error 22004.';
