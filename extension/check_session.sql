-- Checking a session: whether its log has no gap, and its document and its snapshots are what the log leads to.

-- From one snapshot to the next, and from the last one to the document.
CREATE FUNCTION live_private.faulty_versions(session live.collaboration_sessions, oldest bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT step.version
  FROM (SELECT d.version, d.document, d.is_head, lag(d.version, 1, oldest) OVER known AS base_version, lag(d.document) OVER known AS base
        FROM (SELECT s.version, s.document, false AS is_head FROM live.session_snapshot s WHERE s.session_id = session.id AND s.version >= oldest
              UNION ALL SELECT session.head, live_private.document_of(session), true) AS d (version, document, is_head)
        WINDOW known AS (ORDER BY d.version, d.is_head)) AS step
  WHERE (step.version > oldest OR step.is_head)
    AND step.document <> live_private.changed_document(session.id, step.base, step.base_version, step.version) COLLATE "C"
$$;
COMMENT ON FUNCTION live_private.faulty_versions(live.collaboration_sessions, bigint) IS
'The versions at which a snapshot or the document of a text or json session is not what the log leads to. Part of live.check_session().';

CREATE FUNCTION live.check_session(session_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session live.collaboration_sessions;
  oldest bigint := live_private.oldest_version(session_id);
  faults text[] := '{}';
BEGIN
  SELECT s.* INTO session FROM live.collaboration_sessions s WHERE s.id = check_session.session_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'session does not exist' USING ERRCODE = 'no_data_found';
  END IF;
  IF (SELECT count(*) <> session.head - oldest OR coalesce(max(o.version), oldest) <> session.head
      FROM live.operation o WHERE o.session_id = session.id AND o.version > oldest) THEN
    faults := faults || format('the versions of the log are not those from %s to the head', oldest + 1);
  END IF;
  IF session.policy IN ('text', 'json') THEN
    faults := faults || ARRAY(SELECT format('the document at version %s is not what the log leads to', f.version)
                              FROM live_private.faulty_versions(session, oldest) AS f (version));
  END IF;
  IF live_private.is_yjs(session) AND live_private.lacks_ids(session.id) THEN
    faults := faults || 'ids of the log are not noted'::text;
  END IF;
  RETURN jsonb_build_object('session_id', session.id, 'head', session.head, 'faults', to_jsonb(faults), 'clean', faults = '{}');
END
$$;
COMMENT ON FUNCTION live.check_session(uuid) IS
'Whether log and document of a session agree: {session_id, head, clean, faults}. Computes the document, and each snapshot, from the oldest version that is kept and the log. For admins. Error P0002 for no such session.';
