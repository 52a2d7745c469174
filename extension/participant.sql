-- Participants of sessions: who joins, leaves and is removed, and their roles.

CREATE FUNCTION live_private.require_another_owner(session_id uuid, user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM live.session_participants p
                 WHERE p.session_id = require_another_owner.session_id AND p.role = 'owner'
                   AND p.user_id <> require_another_owner.user_id COLLATE "C") THEN
    RAISE EXCEPTION 'a session must keep an owner' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'Make another participant an owner with live.set_role(), or end the session with live.end_session().';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_another_owner(uuid, text) IS 'Error 55000 unless the session has an owner besides that user.';

CREATE FUNCTION live_private.add_participant(session live.collaboration_sessions, me text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most integer := least(session.max_participants, current_setting('pg_live.max_participants')::integer);
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM live.session_participants p WHERE p.session_id = session.id LIMIT most) AS participant) >= most THEN
    RAISE EXCEPTION 'the session is full' USING ERRCODE = 'configuration_limit_exceeded',
      DETAIL = format('It may have %s participants.', most);
  END IF;
  INSERT INTO live.session_participants (session_id, user_id, role) VALUES (session.id, me, 'editor');
  PERFORM live_private.mark_changed(session.id);
  PERFORM live_private.emit_to_session(session.id, 'collab:user_joined', jsonb_build_object('user_id', me, 'role', 'editor'));
END
$$;
COMMENT ON FUNCTION live_private.add_participant(live.collaboration_sessions, text) IS
'Makes a user an editor in a session that the caller has locked. Error 53400 if it is full.';

CREATE FUNCTION live_private.take_part(room_name text, session_id uuid, create_if_missing boolean) RETURNS uuid
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  target uuid := session_id;
  session live.collaboration_sessions;
BEGIN
  IF num_nulls(room_name, session_id) <> 1 THEN
    RAISE EXCEPTION 'give either room_name or session_id' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF room_name IS NOT NULL THEN
    PERFORM live_private.checked_text(room_name, 'room_name', 255);
    target := live_private.session_named(room_name);
    IF target IS NULL AND create_if_missing THEN
      BEGIN
        target := (live.create_session(room_name, is_public => true)).id;
      EXCEPTION WHEN unique_violation THEN -- two users were the first
        target := live_private.session_named(room_name);
      END;
    END IF;
    IF target IS NULL THEN
      RAISE EXCEPTION 'session does not exist or has ended' USING ERRCODE = 'no_data_found';
    END IF;
  END IF;
  -- Who is a participant already writes nothing, and so gets a position.
  IF NOT live.is_participant(target) THEN
    session := live_private.session_for_update(target, me);
    IF NOT EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = session.id AND p.user_id = me) THEN
      PERFORM live_private.add_participant(session, me);
    END IF;
  END IF;
  -- Connections of a bridge enter with their channel; those of plain SQL have none.
  PERFORM live_private.enter_sessions(array_agg(c.id), array_agg(target))
  FROM live.connection c WHERE c.user_id = me AND c.node_id IS NULL AND c.expires_at > live_private.clock()
    AND NOT EXISTS (SELECT FROM live_private.session_connection s WHERE s.connection_id = c.id AND s.session_id = target) HAVING count(*) > 0;
  RETURN target;
END
$$;
COMMENT ON FUNCTION live_private.take_part(text, uuid, boolean) IS
'Makes the current user a participant of an active session, lets connections that were made by live.heartbeat() enter it, and returns its id. Part of live.join_session(), which has the errors, and of live_private.joined_session().';

CREATE FUNCTION live.join_session(room_name text DEFAULT NULL, session_id uuid DEFAULT NULL, create_if_missing boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target uuid := live_private.take_part(room_name, session_id, create_if_missing);
BEGIN
  RETURN live_private.session_state(target, live.user_id());
END
$$;
COMMENT ON FUNCTION live.join_session(text, uuid, boolean) IS
'Makes the current user a participant of an active session that is public, or of which the user is a participant already, and returns its state as live.get_session() does; position is NULL if the call wrote something. The user''s connections that were made by live.heartbeat() are in the session from then on. create_if_missing creates a text session with that name, which is public, since others come by the same call. Emits collab:user_joined. Errors: 42501 when not signed in; 22023; P0002 if the user can find no such session; 53400 if it is full; those of live.create_session().';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.join_session(text, uuid, boolean)');

CREATE FUNCTION live_private.delete_participant(session_id uuid, user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role live.participant_role;
BEGIN
  DELETE FROM live.session_participants p
  WHERE p.session_id = delete_participant.session_id AND p.user_id = delete_participant.user_id COLLATE "C" RETURNING p.role INTO role;
  IF FOUND THEN
    PERFORM live_private.mark_changed(session_id);
    PERFORM live_private.empty_session(session_id, user_id);
    PERFORM live_private.emit_to_session(session_id, 'collab:user_left', jsonb_build_object('user_id', user_id, 'role', role));
    PERFORM live.revoke_access('session:' || session_id, user_id);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.delete_participant(uuid, text) IS
'Deletes a participant if there is one, emits collab:user_left and ends open subscriptions. The caller has locked the session.';

CREATE FUNCTION live.leave_session(session_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
BEGIN
  PERFORM live_private.session_for_update(session_id, me);
  IF NOT EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = leave_session.session_id AND p.user_id = me) THEN
    RETURN; -- of a public session
  ELSIF NOT EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = leave_session.session_id AND p.user_id <> me) THEN
    PERFORM live_private.finish_session(session_id);
  ELSIF EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = leave_session.session_id AND p.user_id = me AND p.role = 'owner') THEN
    PERFORM live_private.require_another_owner(session_id, me);
  END IF;
  PERFORM live_private.delete_participant(session_id, me);
END
$$;
COMMENT ON FUNCTION live.leave_session(uuid) IS
'Ends the participation of the current user in a session; the session ends with its last participant. Emits collab:user_left. Errors: 42501 when not signed in; 22004; P0002 if the user can find no such session; 55000 for the last owner while there are others.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.leave_session(uuid)');

CREATE FUNCTION live.set_role(session_id uuid, user_id text, role live.participant_role) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target text COLLATE "C" := live_private.checked_text(user_id, 'user_id', 255);
BEGIN
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  PERFORM live_private.owned_session(session_id);
  IF role <> 'owner' THEN
    PERFORM live_private.require_another_owner(session_id, target);
  END IF;
  UPDATE live.session_participants p SET role = set_role.role WHERE p.session_id = set_role.session_id AND p.user_id = target;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the user is not a participant of the session' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM live_private.mark_changed(session_id);
END
$$;
COMMENT ON FUNCTION live.set_role(uuid, text, live.participant_role) IS
'Sets the role of a participant; who makes another one an owner may then leave. For owners. Emits collab:user_changed. Errors: 42501 for others; 22004, 22023; P0002 for no such session or participant; 55000 for the last owner.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.set_role(uuid, text, live.participant_role)');

CREATE FUNCTION live.remove_participant(session_id uuid, user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  target text COLLATE "C" := live_private.checked_text(user_id, 'user_id', 255);
BEGIN
  PERFORM live_private.owned_session(session_id);
  PERFORM live_private.require_another_owner(session_id, target);
  PERFORM live_private.delete_participant(session_id, target);
END
$$;
COMMENT ON FUNCTION live.remove_participant(uuid, text) IS
'Ends the participation of a user in a session, and open subscriptions to it at once; does nothing for others. A removed user can join a public session again. For owners. Emits collab:user_left. Errors: 42501 for others; 22004, 22023; P0002 if the caller can find no such session; 55000 for the last owner.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.remove_participant(uuid, text)');
