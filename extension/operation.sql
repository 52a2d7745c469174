-- The log of a session: its operations in the order in which they were accepted.
--
-- The row of the session is locked until the transaction of a submission ends, so versions have no gaps and their order is
-- that of the commits. The document at version n is that at n - 1 with operation n.

CREATE TABLE live.operation (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  version bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  operation jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  size integer NOT NULL GENERATED ALWAYS AS (octet_length(operation::text)) STORED,
  PRIMARY KEY (session_id, version)
);
COMMENT ON TABLE live.operation IS 'The operations of sessions, in the order in which they were accepted.';
COMMENT ON COLUMN live.operation.session_id IS 'Session in whose log the operation is.';
COMMENT ON COLUMN live.operation.version IS 'Version of the document after the operation; the first is 1.';
COMMENT ON COLUMN live.operation.user_id IS 'User who submitted it.';
COMMENT ON COLUMN live.operation.client_id IS 'Tab or device that submitted it, by which an editor knows its own operations.';
COMMENT ON COLUMN live.operation.operation IS 'The change of the document at the version before, in the form of the session''s policy.';
COMMENT ON COLUMN live.operation.created_at IS 'When the transaction that submitted it began.';
COMMENT ON COLUMN live.operation.size IS 'Size of the operation as text in bytes, which clients receive; as stored it may be much smaller.';
ALTER TABLE live.operation ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, version, user_id, client_id, operation, created_at, size) ON live.operation');
CREATE POLICY participants_read ON live.operation FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
SELECT pg_extension_config_dump('live.operation', '');

CREATE TABLE live.session_snapshot (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  version bigint NOT NULL,
  document text COLLATE "C",
  snapshot bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (session_id, version),
  CHECK (num_nonnulls(document, snapshot) = 1)
);
COMMENT ON TABLE live.session_snapshot IS 'Documents of sessions at some versions, from which those of later versions are computed.';
COMMENT ON COLUMN live.session_snapshot.session_id IS 'Session whose document it is.';
COMMENT ON COLUMN live.session_snapshot.version IS 'Version of the document; 0 for the initial document.';
COMMENT ON COLUMN live.session_snapshot.document IS 'The document at that version, of a text or json session.';
COMMENT ON COLUMN live.session_snapshot.snapshot IS 'The document at that version as a client saved it, of a cas or append session.';
COMMENT ON COLUMN live.session_snapshot.created_at IS 'When the snapshot was stored.';
ALTER TABLE live.session_snapshot ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, version, document, snapshot, created_at) ON live.session_snapshot');
CREATE POLICY participants_read ON live.session_snapshot FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
SELECT pg_extension_config_dump('live.session_snapshot', '');

CREATE FUNCTION live_private.oldest_version(session_id uuid) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM live.operation o WHERE o.session_id = oldest_version.session_id AND o.version = 1) THEN
    RETURN 0;
  END IF;
  RETURN coalesce(
    -- What a client keeps between an operation and a later snapshot, the database need not know.
    (SELECT (SELECT min(o.version) - 1 FROM live.operation o WHERE o.session_id = s.id) FROM live.collaboration_sessions s
     WHERE s.id = oldest_version.session_id AND s.policy IN ('cas', 'append')),
    (SELECT min(s.version) FROM live.session_snapshot s WHERE s.session_id = oldest_version.session_id), 0);
END
$$;
COMMENT ON FUNCTION live_private.oldest_version(uuid) IS
'The oldest version of a session that is kept: all operations after it are. 0 for rows that the caller may not read.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.oldest_version(uuid)');

CREATE FUNCTION live_private.require_kept(session_id uuid, version bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  oldest bigint := live_private.oldest_version(session_id);
BEGIN
  IF version < oldest THEN
    RAISE EXCEPTION 'version % of the session is not kept any more', version USING ERRCODE = 'object_not_in_prerequisite_state',
      DETAIL = format('The oldest version that is kept is %s.', oldest), HINT = 'Load the document again with live.join_session().';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_kept(uuid, bigint) IS 'Error 55000 for a version of a session before the oldest that is kept.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.require_kept(uuid, bigint)');

CREATE FUNCTION live_private.require_existing(session live.collaboration_sessions, version bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF version IS NULL THEN
    RAISE EXCEPTION 'version must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF version NOT BETWEEN 0 AND session.head THEN
    RAISE EXCEPTION 'the session has no version %', version USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Its head is %s.', session.head);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_existing(live.collaboration_sessions, bigint) IS
'Errors: 22004 for NULL; 22023 for a version that the session does not have.';

CREATE FUNCTION live_private.require_version(session live.collaboration_sessions, version bigint) RETURNS void
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.require_existing(session, version);
  SELECT live_private.require_kept(session.id, version)
$$;
COMMENT ON FUNCTION live_private.require_version(live.collaboration_sessions, bigint) IS
'Errors: 22004 for NULL; 22023 for a version that the session does not have; 55000 for one that is not kept any more.';

CREATE FUNCTION live_private.require_page(session_id uuid, after_version bigint, max_operations integer) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF max_operations IS NULL OR max_operations NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_operations must be between 1 and 10000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.require_kept(session_id, after_version);
END
$$;
COMMENT ON FUNCTION live_private.require_page(uuid, bigint, integer) IS
'Errors: 22023 for max_operations outside 1..10000; 55000 for a version before the oldest that is kept.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.require_page(uuid, bigint, integer)');

CREATE FUNCTION live_private.page_of_operations(session_id uuid, after_version bigint, max_operations integer) RETURNS SETOF live.operation
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most_bytes CONSTANT bigint := 4 * 1024 * 1024;
  operation live.operation;
  bytes bigint := 0;
BEGIN
  FOR operation IN
    SELECT o.* FROM live.operation o
    WHERE o.session_id = page_of_operations.session_id AND o.version > after_version ORDER BY o.version LIMIT max_operations LOOP
    RETURN NEXT operation;
    bytes := bytes + operation.size + octet_length(operation.user_id) + octet_length(operation.client_id) + 100; -- of names and numbers
    EXIT WHEN bytes >= most_bytes;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.page_of_operations(uuid, bigint, integer) IS
'The operations of a session after a version, in their order, up to the one with which an answer has 4 MB. All answers with operations are such pages.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.page_of_operations(uuid, bigint, integer)');

CREATE FUNCTION live_private.operations_after(session_id uuid, version bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('version', o.version, 'user_id', o.user_id, 'client_id', o.client_id, 'operation', o.operation)
                                    ORDER BY o.version), '[]')
          FROM live_private.page_of_operations(session_id, version, 1000) AS o);
END
$$;
COMMENT ON FUNCTION live_private.operations_after(uuid, bigint) IS
'A page of the operations of a session after a version as JSON: at most 1000. live.get_operations() has those after them.';

CREATE FUNCTION live.get_operations(session_id uuid, after_version bigint DEFAULT 0, max_operations integer DEFAULT 1000)
RETURNS TABLE (version bigint, user_id text, client_id text, operation jsonb, created_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM live_private.require_page(session_id, after_version, max_operations);
  RETURN QUERY
  SELECT o.version, o.user_id, o.client_id, o.operation, o.created_at
  FROM live_private.page_of_operations(get_operations.session_id, after_version, max_operations) AS o ORDER BY o.version;
END
$$;
COMMENT ON FUNCTION live.get_operations(uuid, bigint, integer) IS
'A page of the operations of a session after a version, in their order; none for a user who is not a participant. A page has at least one operation and ends at max_operations, or with the operation with which it reaches 4 MB, so a client that pages asks for those after the last version that it received until it has the head. Errors: 22023 for max_operations outside 1..10000; 55000 for a version before the oldest that is kept.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_operations(uuid, bigint, integer)');
