-- Reading sessions: the state of one, from which a client goes on with the events after its position, and lists of them.

CREATE FUNCTION live_private.session_state(session_id uuid, me text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'session_id', s.id, 'room_name', s.room_name, 'policy', s.policy, 'head', s.head, 'is_read_only', s.is_read_only,
    'role', (SELECT p.role FROM live.session_participants p WHERE p.session_id = s.id AND p.user_id = me COLLATE "C"),
    'document', CASE s.policy WHEN 'text' THEN to_jsonb(live_private.document_text(s.id)) WHEN 'json' THEN live.session_json(s.id) END,
    'participants', (SELECT jsonb_agg(jsonb_build_object('user_id', p.user_id, 'role', p.role, 'joined_at', p.joined_at, 'is_active', p.is_active)
                                      ORDER BY p.joined_at, p.user_id)
                     FROM live.session_participants p WHERE p.session_id = s.id),
    'cursors', (SELECT coalesce(jsonb_agg(live_private.cursor_of(c) ORDER BY c.user_id, c.client_id), '[]')
                FROM live_private.session_connection c
                WHERE c.session_id = s.id AND c.cursor IS NOT NULL AND NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = c.user_id)),
    -- A snapshot does not tell whether it sees what its own transaction wrote.
    'position', CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN live.position() END) || coalesce(live_private.session_log_state(s), '{}')
  FROM live.collaboration_sessions s WHERE s.id = session_state.session_id
$$;
COMMENT ON FUNCTION live_private.session_state(uuid, text) IS 'The result of live.get_session() and live.join_session(); checks no access.';

CREATE FUNCTION live.get_session(session_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
BEGIN
  PERFORM live_private.readable_session(session_id);
  RETURN live_private.session_state(session_id, me);
END
$$;
COMMENT ON FUNCTION live.get_session(uuid) IS
'The state of a session, all of one snapshot: {session_id, room_name, policy, head, is_read_only, role, document, participants [{user_id, role, joined_at, is_active}], cursors [{user_id, client_id, cursor}], position}, and of a cas or append session snapshot (base64, NULL if there is none), snapshot_version and operations after it, at most 1000 and some 4 MB; live.get_operations() has the others up to head. A subscription to session:<id> that resumes from position gets exactly the events after it; NULL in a transaction that has written. For participants. Errors: 42501 when not signed in; 22004; P0002 for others.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_session(uuid)');

CREATE FUNCTION live_private.joined_session(room_name text, session_id uuid, create_if_missing boolean, connection_id uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session uuid := live_private.take_part(room_name, session_id, create_if_missing);
BEGIN
  IF EXISTS (SELECT FROM live.connection c WHERE c.id = connection_id AND c.user_id = live.user_id() COLLATE "C") THEN
    PERFORM live_private.enter_sessions(ARRAY[connection_id], ARRAY[session]);
  END IF;
  RETURN session;
END
$$;
COMMENT ON FUNCTION live_private.joined_session(text, uuid, boolean, uuid) IS
'As live.join_session(), for a client of a bridge, whose connection (NULL: none) is in the session from then on; returns the id. The bridge reads the state afterwards, in a transaction that has written nothing.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.joined_session(text, uuid, boolean, uuid)');

CREATE FUNCTION live.get_sessions(max_sessions integer DEFAULT 50, after_cursor text DEFAULT NULL, mine boolean DEFAULT true)
RETURNS TABLE (session_id uuid, room_name text, policy live.merge_policy, role live.participant_role, head bigint,
               active_participants integer, updated_at timestamptz, cursor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  after text[] := regexp_match(after_cursor COLLATE "C", '^([0-9]{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$');
BEGIN
  IF max_sessions IS NULL OR max_sessions NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION 'max_sessions must be between 1 and 1000' USING ERRCODE = 'invalid_parameter_value';
  ELSIF mine IS NULL THEN
    RAISE EXCEPTION 'mine must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF after_cursor IS NOT NULL AND after IS NULL THEN
    RAISE EXCEPTION 'invalid cursor: "%"', left(after_cursor, 60) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  SELECT s.id, s.room_name, s.policy, p.role, s.head,
         (SELECT count(*)::integer FROM live.session_participants a WHERE a.session_id = s.id AND a.is_active),
         s.updated_at, s.moment || '-' || s.id
  FROM (SELECT x.*, (extract(epoch FROM x.updated_at) * 1000000)::bigint AS moment FROM live.collaboration_sessions x
        WHERE x.status = 'active' AND (x.id IN (SELECT live.my_sessions()) OR (x.is_public AND NOT mine))) AS s
  LEFT JOIN live.session_participants p ON p.session_id = s.id AND p.user_id = me
  WHERE after IS NULL OR (s.moment, s.id) < (after[1]::bigint, after[2]::uuid)
  ORDER BY s.moment DESC, s.id DESC LIMIT max_sessions;
END
$$;
COMMENT ON FUNCTION live.get_sessions(integer, text, boolean) IS
'The active sessions of the current user, the one with the newest operation first; mine false: and all public ones, in which role is NULL for a user who is no participant. Pass the cursor of the last row for the next page. Errors: 42501 when not signed in; 22004; 22023 for max_sessions outside 1 to 1000 or an invalid cursor.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_sessions(integer, text, boolean)');
