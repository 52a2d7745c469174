-- Sessions: who creates and ends them.
--
-- What changes a session or its participants locks the row of the session first, so that capacity, owners and versions
-- are exact. A user who may not find a session gets the same error as for one that does not exist.

CREATE FUNCTION live_private.session_for_update(session_id uuid, me text, at_least live.participant_role DEFAULT NULL) RETURNS live.collaboration_sessions
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session live.collaboration_sessions;
  role live.participant_role;
BEGIN
  IF session_id IS NULL THEN
    RAISE EXCEPTION 'session_id must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  SELECT s.* INTO session FROM live.collaboration_sessions s WHERE s.id = session_for_update.session_id FOR NO KEY UPDATE;
  SELECT p.role INTO role FROM live.session_participants p WHERE p.session_id = session.id AND p.user_id = me COLLATE "C";
  IF session.status IS DISTINCT FROM 'active' OR (role IS NULL AND NOT session.is_public) THEN
    RAISE EXCEPTION 'session does not exist or has ended' USING ERRCODE = 'no_data_found';
  ELSIF at_least IS NOT NULL AND (role IS NULL OR role < at_least) THEN
    RAISE EXCEPTION 'this needs the role % in the session', at_least USING ERRCODE = 'insufficient_privilege',
      HINT = 'An owner of the session can give it with live.set_role().';
  END IF;
  RETURN session;
END
$$;
COMMENT ON FUNCTION live_private.session_for_update(uuid, text, live.participant_role) IS
'Locks an active session that a user may find, and in which the user has at least a role, unless that is NULL. Errors: 22004 for NULL, P0002 if there is none; 42501 for a lower role.';

CREATE FUNCTION live_private.owned_session(session_id uuid) RETURNS live.collaboration_sessions
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN live_private.session_for_update(session_id, live_private.required_user(), 'owner');
END
$$;
COMMENT ON FUNCTION live_private.owned_session(uuid) IS
'Locks an active session that the current user owns. Errors: 42501 for others; 22004 for NULL, P0002 if the user can find no such session.';

-- A transaction with an older snapshot would not see the change of participants under the lock: it fails with 40001 instead.
CREATE FUNCTION live_private.mark_changed(session_id uuid) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  UPDATE live.collaboration_sessions s SET head = s.head WHERE s.id = mark_changed.session_id
$$;
COMMENT ON FUNCTION live_private.mark_changed(uuid) IS
'Makes REPEATABLE READ and SERIALIZABLE transactions that began before, and lock the session later, fail. For changes of its participants.';

CREATE FUNCTION live_private.emit_to_session(session_id uuid, event text, payload jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live.emit('session:' || session_id, event, jsonb_build_object('session_id', session_id) || payload);
END
$$;
COMMENT ON FUNCTION live_private.emit_to_session(uuid, text, jsonb) IS 'Emits a durable event to the participants of a session.';

CREATE FUNCTION live_private.session_named(room_name text) RETURNS uuid
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id FROM live.collaboration_sessions s WHERE s.room_name = session_named.room_name COLLATE "C" AND s.status = 'active'
  ORDER BY s.created_at, s.id LIMIT 1
$$;
COMMENT ON FUNCTION live_private.session_named(text) IS 'The active session of that name; NULL if there is none. VOLATILE: sees what committed while its caller waited.';

-- Volatile functions in it would read by the snapshot of the transaction, whichever the caller chose.
CREATE FUNCTION live_private.session_digest(creator_and_name text[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws(' ',
    (SELECT count(*) FROM live.collaboration_sessions s WHERE s.created_by = creator_and_name[1] COLLATE "C" AND s.status = 'active'),
    (SELECT count(*) FROM live.collaboration_sessions s WHERE s.room_name = creator_and_name[2] COLLATE "C" AND s.status = 'active'))
$$;
COMMENT ON FUNCTION live_private.session_digest(text[]) IS
'How many active sessions a user created, and how many have a name. Part of live_private.require_current_sessions().';

CREATE FUNCTION live_private.require_current_sessions(creator_and_name text[]) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_require_current_sessions';
COMMENT ON FUNCTION live_private.require_current_sessions(text[]) IS
'Error 40001 if a REPEATABLE READ or SERIALIZABLE transaction does not see the sessions that a user created, or those that have a name. The caller holds the locks of both.';

CREATE FUNCTION live.create_session(room_name text, policy live.merge_policy DEFAULT 'text', initial_document text DEFAULT NULL,
                                    is_public boolean DEFAULT false, max_participants integer DEFAULT NULL, metadata jsonb DEFAULT '{}')
RETURNS live.collaboration_sessions
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  name text COLLATE "C" := live_private.checked_text(room_name, 'room_name', 255);
  most integer := current_setting('pg_live.max_sessions');
  most_participants integer := current_setting('pg_live.max_participants');
  session live.collaboration_sessions;
BEGIN
  IF policy IS NULL OR is_public IS NULL OR metadata IS NULL THEN
    RAISE EXCEPTION 'policy, is_public and metadata must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF policy NOT IN ('text', 'json') AND initial_document IS NOT NULL THEN
    RAISE EXCEPTION 'only text and json sessions have an initial document' USING ERRCODE = 'invalid_parameter_value';
  ELSIF max_participants NOT BETWEEN 1 AND most_participants THEN
    RAISE EXCEPTION 'max_participants must be between 1 and %', most_participants USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Calls of one user, and those with one name, run one at a time, so that together they exceed no limit and share no name.
  PERFORM pg_advisory_xact_lock(hashtextextended('pg_live sessions ' || me, 0));
  PERFORM pg_advisory_xact_lock(hashtextextended('pg_live session named ' || name, 0));
  PERFORM live_private.require_current_sessions(ARRAY[me, name]);
  IF (SELECT count(*) FROM (SELECT FROM live.collaboration_sessions s WHERE s.created_by = me AND s.status = 'active' LIMIT most) AS own) >= most THEN
    RAISE EXCEPTION 'too many sessions' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('The limit is %s active sessions that one user created.', most), HINT = 'End a session first, or raise "pg_live.max_sessions".';
  END IF;
  IF live_private.session_named(name) IS NOT NULL THEN
    RAISE EXCEPTION 'an active session has this name: "%"', name USING ERRCODE = 'unique_violation',
      HINT = 'Join it with live.join_session(), or choose another name.';
  END IF;
  INSERT INTO live.collaboration_sessions AS s (room_name, policy, is_public, max_participants, metadata, created_by)
  VALUES (name, create_session.policy, create_session.is_public, create_session.max_participants, live_private.checked_metadata(create_session.metadata), me)
  RETURNING s.* INTO session;
  INSERT INTO live.session_participants (session_id, user_id, role) VALUES (session.id, me, 'owner');
  IF policy = 'json' THEN
    PERFORM live_private.begin_json(session.id, coalesce(initial_document, '{}')::jsonb);
  ELSIF initial_document <> '' THEN
    PERFORM live_private.begin_document(session.id, initial_document);
  END IF;
  RETURN session;
END
$$;
COMMENT ON FUNCTION live.create_session(text, live.merge_policy, text, boolean, integer, jsonb) IS
'Creates a session, whose owner is the current user. is_public: every signed-in user may join it. initial_document: of a text session, or a JSON object for a json session. The metadata {"format": "yjs"} of an append session say that its updates are those of Yjs. Errors: 42501 when not signed in; 22004, 22023, 22P02; 23505 for the name of an active session; 54000 for more sessions than pg_live.max_sessions, and for a document above pg_live.max_document_size; 40001 in a transaction whose snapshot does not show the sessions that count; 0A000 for a text or json session in a database whose encoding is not UTF8.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.create_session(text, live.merge_policy, text, boolean, integer, jsonb)');

CREATE FUNCTION live_private.finish_session(session_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session live.collaboration_sessions;
BEGIN
  UPDATE live.collaboration_sessions s SET status = 'ended', ended_at = now() WHERE s.id = finish_session.session_id RETURNING s.* INTO session;
  PERFORM live_private.request_checkpoint(session); -- behind which the log can expire
  PERFORM live_private.empty_session(session_id);
  PERFORM live_private.emit_to_session(session_id, 'collab:ended', '{}');
  PERFORM live.revoke_access('session:' || session_id);
END
$$;
COMMENT ON FUNCTION live_private.finish_session(uuid) IS 'Ends a session, emits collab:ended and ends open subscriptions; checks no access.';

CREATE FUNCTION live.end_session(session_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.owned_session(session_id);
  PERFORM live_private.finish_session(session_id);
END
$$;
COMMENT ON FUNCTION live.end_session(uuid) IS
'Ends a session for all: its document stays, and clients cannot read it any more. For owners. Emits collab:ended. Errors: 42501 for others; 22004; P0002 if the user can find no such session.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.end_session(uuid)');

CREATE FUNCTION live.set_read_only(session_id uuid, is_read_only boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF is_read_only IS NULL THEN
    RAISE EXCEPTION 'is_read_only must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  PERFORM live_private.owned_session(session_id);
  UPDATE live.collaboration_sessions s SET is_read_only = set_read_only.is_read_only WHERE s.id = set_read_only.session_id;
END
$$;
COMMENT ON FUNCTION live.set_read_only(uuid, boolean) IS
'Stops or allows operations in a session, for all its participants. For owners. Errors: 42501 for others; 22004; P0002 if the user can find no such session.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.set_read_only(uuid, boolean)');
