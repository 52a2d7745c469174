-- The history of sessions: who wrote what, and the way back to an earlier version.

CREATE FUNCTION live.get_history(session_id uuid, after_version bigint DEFAULT 0, max_operations integer DEFAULT 100)
RETURNS TABLE (version bigint, user_id text, created_at timestamptz, size integer)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM live_private.require_page(session_id, after_version, max_operations);
  RETURN QUERY
  SELECT o.version, o.user_id, o.created_at, o.size FROM live.operation o
  WHERE o.session_id = get_history.session_id AND o.version > after_version ORDER BY o.version LIMIT max_operations;
END
$$;
COMMENT ON FUNCTION live.get_history(uuid, bigint, integer) IS
'Who submitted the operations of a session after a version, when, and their sizes as text in bytes; in their order, none for a user who is not a participant. Error 22023 for max_operations outside 1..10000.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_history(uuid, bigint, integer)');

CREATE FUNCTION live_private.blame_text(document text, base_version bigint, operations jsonb[])
RETURNS TABLE (from_position integer, to_position integer, version bigint, text text)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1000 AS 'MODULE_PATHNAME', 'pg_live_blame_text';
COMMENT ON FUNCTION live_private.blame_text(text, bigint, jsonb[]) IS
'The parts of a text after the change sets that follow its base version, and the version that inserted each. Part of live.get_blame(). Errors: 22023 for a change set that is none or does not fit.';

CREATE FUNCTION live_private.text_difference(before text, after text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_text_difference';
COMMENT ON FUNCTION live_private.text_difference(text, text) IS
'The change set that leads from one text to another and keeps what they begin and end with in common. Part of live.restore_document().';

CREATE FUNCTION live.get_blame(session_id uuid, at_version bigint DEFAULT NULL)
RETURNS TABLE (from_position integer, to_position integer, version bigint, user_id text, created_at timestamptz, text text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  session live.collaboration_sessions := live_private.readable_session(session_id);
  at bigint := coalesce(at_version, session.head);
  oldest bigint := live_private.oldest_version(session.id);
BEGIN
  IF session.policy <> 'text' THEN
    RAISE EXCEPTION 'only text sessions know who wrote which part' USING ERRCODE = 'feature_not_supported',
      HINT = 'Read their operations with live.get_history().';
  END IF;
  PERFORM live_private.require_version(session, at);
  RETURN QUERY
  SELECT b.from_position, b.to_position, b.version, CASE WHEN b.version = 0 THEN session.created_by ELSE o.user_id END,
         CASE WHEN b.version = 0 THEN session.created_at ELSE o.created_at END, b.text
  FROM live_private.blame_text(live_private.document_at(session.id, oldest), oldest, ARRAY(
         SELECT o.operation FROM live.operation o WHERE o.session_id = session.id AND o.version > oldest AND o.version <= at ORDER BY o.version)) AS b
  LEFT JOIN live.operation o ON o.session_id = session.id AND o.version = b.version
  ORDER BY b.from_position;
END
$$;
COMMENT ON FUNCTION live.get_blame(uuid, bigint) IS
'Who wrote each part of the document of a text session at its head or at a version: the parts in their order, from_position to to_position in UTF-16 units, and the version that inserted each. Version 0 is the initial document, of the user who created the session. user_id is NULL for what was written before the oldest version that is kept. For participants. Errors: 22004 for NULL, P0002 for others; 22023 for no such version; 55000 for one that is not kept any more; 0A000 for a session of another policy.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_blame(uuid, bigint)');

CREATE FUNCTION live_private.restoring_operations(session live.collaboration_sessions, version bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before text COLLATE "C";
  after text COLLATE "C";
BEGIN
  IF session.policy NOT IN ('text', 'json') THEN
    RAISE EXCEPTION 'sessions with the policy % cannot be restored', session.policy USING ERRCODE = 'feature_not_supported',
      HINT = 'Submit an operation that leads back.';
  END IF;
  before := live_private.document_of(session);
  after := live_private.document_at(session.id, version);
  RETURN CASE WHEN before = after THEN '[]'
              WHEN session.policy = 'text' THEN jsonb_build_array(live_private.text_difference(before, after))
              ELSE jsonb_build_array(jsonb_build_object('path', '{}'::text[], 'value', after::jsonb)) END;
END
$$;
COMMENT ON FUNCTION live_private.restoring_operations(live.collaboration_sessions, bigint) IS
'The operations that lead from the head of a session back to a version. Part of live.restore_document(). Error 0A000 for a session of a policy for which none are known.';

CREATE FUNCTION live.restore_document(session_id uuid, version bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  session live.collaboration_sessions := live_private.session_for_update(session_id, me, 'editor');
  operations jsonb;
BEGIN
  PERFORM live_private.require_writable(session);
  PERFORM live_private.require_version(session, version);
  operations := live_private.restoring_operations(session, version);
  IF operations = '[]' THEN
    RETURN jsonb_build_object('status', 'duplicate', 'head', session.head);
  END IF;
  -- A client_id of its own: the restoring editor, too, receives the operation as that of another client.
  RETURN live_private.accept_operations(session, me, session.head, operations, gen_random_uuid()::text);
END
$$;
COMMENT ON FUNCTION live.restore_document(uuid, bigint) IS
'Appends an operation that makes the document of a text or json session what it was at a version, and returns {status, first_version, last_version, head} as live.submit_operations() does; status duplicate if the document is the same already. For editors. Emits collab:edit. Errors: 42501 for others; 22004 for NULL, 22023 for no such version; P0002 for no such session; 0A000 for a session of another policy; 54000 for an operation above pg_live.max_payload_size; 55000 for a session that is read only, and for a version that is not kept any more.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.restore_document(uuid, bigint)');
