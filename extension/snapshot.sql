-- Snapshots that clients make of the documents that the database does not know, so that one who joins need not read the
-- whole log.

CREATE FUNCTION live_private.snapshot_fault(session_id uuid, version bigint, snapshot bytea) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before record;
BEGIN
  SELECT s.version, s.snapshot INTO before FROM live.session_snapshot s
  WHERE s.session_id = snapshot_fault.session_id AND s.version <= snapshot_fault.version ORDER BY s.version DESC LIMIT 1;
  RETURN live_private.yjs_snapshot_fault(snapshot, array_remove(before.snapshot || ARRAY(
    SELECT live_private.update_bytes(o.operation) FROM live.operation o
    WHERE o.session_id = snapshot_fault.session_id AND o.version > coalesce(before.version, 0) AND o.version <= snapshot_fault.version), NULL));
END
$$;
COMMENT ON FUNCTION live_private.snapshot_fault(uuid, bigint, bytea) IS
'What a snapshot of a Yjs session lacks of the log up to a version; NULL if nothing. Reads the log since the snapshot before. Part of live.save_snapshot().';

CREATE FUNCTION live.save_snapshot(session_id uuid, version bigint, snapshot bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  session live.collaboration_sessions;
  fault text;
BEGIN
  IF version IS NULL OR snapshot IS NULL THEN
    RAISE EXCEPTION 'version and snapshot must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF octet_length(snapshot) > pg_size_bytes(current_setting('pg_live.max_document_size')) THEN
    RAISE EXCEPTION 'the snapshot is too large' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('It has %s bytes, and the limit is %s.', octet_length(snapshot), current_setting('pg_live.max_document_size')),
      HINT = 'Use several sessions, or raise "pg_live.max_document_size".';
  END IF;
  session := live_private.session_for_update(session_id, me, 'editor');
  IF session.policy IN ('text', 'json') THEN
    RAISE EXCEPTION 'sessions with the policy % take no snapshots', session.policy USING ERRCODE = 'feature_not_supported',
      HINT = 'The database knows their documents: live.get_document().';
  ELSIF session.is_read_only THEN
    RAISE EXCEPTION 'the session is read only' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'An owner can change that with live.set_read_only().';
  ELSIF version NOT BETWEEN 1 AND session.head THEN
    RAISE EXCEPTION 'the session has no operation with the version %', version USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Its head is %s.', session.head);
  ELSIF EXISTS (SELECT FROM live.session_snapshot s WHERE s.session_id = session.id AND s.version >= save_snapshot.version) THEN
    RETURN;
  ELSIF live_private.is_yjs(session) THEN
    fault := live_private.snapshot_fault(session.id, version, snapshot);
    IF fault IS NOT NULL THEN
      RAISE EXCEPTION 'the snapshot does not stand for the log: %', fault USING ERRCODE = 'invalid_parameter_value',
        DETAIL = format('It was compared with the operations up to version %s.', version),
        HINT = 'Make it of a document that has all operations up to that version, with Y.encodeStateAsUpdate().';
    END IF;
  END IF;
  INSERT INTO live.session_snapshot (session_id, version, snapshot) VALUES (session.id, save_snapshot.version, save_snapshot.snapshot);
  DELETE FROM live.session_snapshot s WHERE s.session_id = session.id AND s.version < save_snapshot.version;
END
$$;
COMMENT ON FUNCTION live.save_snapshot(uuid, bigint, bytea) IS
'Stores the document of a cas or append session at a version, in a form that the clients know; those who join get it with the operations after it. Only the newest is kept, and an older one changes nothing. In a Yjs session, it is verified to have all structs and deletions of the log up to the version, though not what they say; in others, it is taken as it is. For editors. Errors: 42501 for others; 22004; 22023 for no such version, or a snapshot that lacks something; P0002 if the user can find no such session; 54000 above pg_live.max_document_size; 55000 for a session that is read only; 0A000 for a text or json session.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.save_snapshot(uuid, bigint, bytea)');

CREATE FUNCTION live_private.session_log_state(session live.collaboration_sessions) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'snapshot', replace(encode(last.snapshot, 'base64'), E'\n', ''), 'snapshot_version', coalesce(last.version, 0),
    'operations', live_private.operations_after(session.id, coalesce(last.version, 0)))
  FROM (SELECT) AS one
  LEFT JOIN (SELECT s.version, s.snapshot FROM live.session_snapshot s WHERE s.session_id = session.id ORDER BY s.version DESC LIMIT 1) AS last ON true
  WHERE session.policy IN ('cas', 'append')
$$;
COMMENT ON FUNCTION live_private.session_log_state(live.collaboration_sessions) IS
'What live.get_session() says of the document of a cas or append session: {snapshot, snapshot_version, operations}, with a page of the operations after the snapshot; live.get_operations() has the others. NULL for a text or json session.';
