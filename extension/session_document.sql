-- Documents of sessions at their head and at earlier versions, which are computed from the newest snapshot before them and
-- the operations since.

-- In parts of some 4 MB, since an array of all operations could be larger than PostgreSQL can allocate.
CREATE FUNCTION live_private.changed_document(session_id uuid, base text, base_version bigint, version bigint) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  is_json boolean := (SELECT s.policy = 'json' FROM live.collaboration_sessions s WHERE s.id = changed_document.session_id);
  document text := coalesce(base, CASE WHEN is_json THEN '{}' ELSE '' END);
  part jsonb[];
BEGIN
  FOR part IN
    SELECT array_agg(o.operation ORDER BY o.version)
    FROM (SELECT o.version, o.operation, sum(o.size) OVER (ORDER BY o.version) / (4 << 20) AS part FROM live.operation o
          WHERE o.session_id = changed_document.session_id AND o.version > base_version AND o.version <= changed_document.version) AS o
    GROUP BY o.part ORDER BY o.part
  LOOP
    document := CASE WHEN is_json THEN live_private.changed_json(document::jsonb, part)::text ELSE live_private.changed_text(document, part) END;
  END LOOP;
  RETURN document;
END
$$;
COMMENT ON FUNCTION live_private.changed_document(uuid, text, bigint, bigint) IS
'The document of a text or json session at a version, from that at a base version, NULL for an empty one; checks no access.';

CREATE FUNCTION live_private.document_at(session_id uuid, version bigint) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  snapshot record;
BEGIN
  SELECT s.version, s.document INTO snapshot FROM live.session_snapshot s
  WHERE s.session_id = document_at.session_id AND s.version <= document_at.version ORDER BY s.version DESC LIMIT 1;
  RETURN live_private.changed_document(document_at.session_id, snapshot.document, coalesce(snapshot.version, 0), document_at.version);
END
$$;
COMMENT ON FUNCTION live_private.document_at(uuid, bigint) IS
'The document of a text or json session at a version, from the newest snapshot before it and the operations since; checks no access. Part of live.get_document() and live.check_session().';

CREATE FUNCTION live_private.document_of(session live.collaboration_sessions) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE session.policy WHEN 'text' THEN live_private.document_text(session.id) WHEN 'json' THEN live.session_json(session.id)::text END
$$;
COMMENT ON FUNCTION live_private.document_of(live.collaboration_sessions) IS
'The document of a text or json session at its head; NULL for another policy. Checks no access.';

CREATE FUNCTION live_private.readable_session(session_id uuid) RETURNS live.collaboration_sessions
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session live.collaboration_sessions;
BEGIN
  IF session_id IS NULL THEN
    RAISE EXCEPTION 'session_id must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  SELECT s.* INTO session FROM live.collaboration_sessions s WHERE s.id = readable_session.session_id;
  IF NOT live.is_participant(session_id) THEN
    RAISE EXCEPTION 'session does not exist or has ended' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN session;
END
$$;
COMMENT ON FUNCTION live_private.readable_session(uuid) IS 'An active session of which the current user is a participant. Errors: 22004 for NULL, P0002 for others.';

CREATE FUNCTION live.get_document(session_id uuid, version bigint DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session live.collaboration_sessions := live_private.readable_session(session_id);
BEGIN
  IF session.policy NOT IN ('text', 'json') THEN
    RAISE EXCEPTION 'the database knows no document of a session with the policy %', session.policy USING ERRCODE = 'feature_not_supported',
      HINT = 'Read its operations with live.get_operations().';
  ELSIF version IS NULL OR version = session.head THEN
    RETURN live_private.document_of(session);
  END IF;
  PERFORM live_private.require_version(session, version);
  RETURN live_private.document_at(session_id, version);
END
$$;
COMMENT ON FUNCTION live.get_document(uuid, bigint) IS
'The document of a text session, or that of a json session as JSON, at its head or at a version. For participants. Errors: 22004 for NULL, P0002 for others; 22023 for no such version; 55000 for one that is not kept any more; 0A000 for a session of another policy.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_document(uuid, bigint)');
