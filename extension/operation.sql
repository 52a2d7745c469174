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
  PRIMARY KEY (session_id, version)
);
COMMENT ON TABLE live.operation IS 'The operations of sessions, in the order in which they were accepted.';
COMMENT ON COLUMN live.operation.session_id IS 'Session in whose log the operation is.';
COMMENT ON COLUMN live.operation.version IS 'Version of the document after the operation; the first is 1.';
COMMENT ON COLUMN live.operation.user_id IS 'User who submitted it.';
COMMENT ON COLUMN live.operation.client_id IS 'Tab or device that submitted it, by which an editor knows its own operations.';
COMMENT ON COLUMN live.operation.operation IS 'The change of the document at the version before, in the form of the session''s policy.';
COMMENT ON COLUMN live.operation.created_at IS 'When the transaction that submitted it began.';
ALTER TABLE live.operation ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, version, user_id, client_id, operation, created_at) ON live.operation');
CREATE POLICY participants_read ON live.operation FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
SELECT pg_extension_config_dump('live.operation', '');

CREATE TABLE live_private.submission (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  client_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  first_version bigint NOT NULL,
  operations integer NOT NULL,
  PRIMARY KEY (session_id, client_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE live_private.submission IS 'The last submission with a key of each client, to recognize its repetition.';
COMMENT ON COLUMN live_private.submission.session_id IS 'Session to which was submitted.';
COMMENT ON COLUMN live_private.submission.client_id IS 'Client that submitted.';
COMMENT ON COLUMN live_private.submission.key IS 'Key that the client chose.';
COMMENT ON COLUMN live_private.submission.user_id IS 'User of the client: the id of a client belongs to the user who submitted with it first.';
COMMENT ON COLUMN live_private.submission.first_version IS 'Version of the first operation that was accepted.';
COMMENT ON COLUMN live_private.submission.operations IS 'Number of operations that were accepted.';
ALTER TABLE live_private.submission ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.submission', '');

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

-- Editors split lines at carriage returns too, so a text with them would have another length there.
CREATE FUNCTION live_private.begin_document(session_id uuid, document text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines text COLLATE "C" := regexp_replace(document COLLATE "C", E'\r\n?', E'\n', 'g');
BEGIN
  IF octet_length(lines) > pg_size_bytes(current_setting('pg_live.max_document_size')) THEN -- before JSON is made of it
    RAISE EXCEPTION 'the initial document is too large' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('It has %s bytes, and the limit is %s.', octet_length(lines), current_setting('pg_live.max_document_size')),
      HINT = 'Use several sessions, or raise "pg_live.max_document_size".';
  END IF;
  PERFORM live_private.change_document(session_id, 0, jsonb_build_array(jsonb_build_array(jsonb_build_array(0) || to_jsonb(string_to_array(lines, E'\n')))), '');
  INSERT INTO live.session_snapshot (session_id, version, document) VALUES (begin_document.session_id, 0, lines);
END
$$;
COMMENT ON FUNCTION live_private.begin_document(uuid, text) IS 'Stores the initial document of a new text session, with \n for each line break. Part of live.create_session(). Error 54000 for one above pg_live.max_document_size.';

CREATE FUNCTION live_private.append_operations(session live.collaboration_sessions, me text, client_id text, operations jsonb[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  every integer := current_setting('pg_live.checkpoint_operations');
  changed live.collaboration_sessions;
BEGIN
  INSERT INTO live.operation (session_id, version, user_id, client_id, operation)
  SELECT session.id, session.head + o.number, me, append_operations.client_id, o.operation
  FROM unnest(operations) WITH ORDINALITY AS o (operation, number);
  UPDATE live.collaboration_sessions s SET head = session.head + cardinality(operations), updated_at = now() WHERE s.id = session.id
  RETURNING s.* INTO changed;
  IF changed.head / every > session.head / every THEN
    PERFORM live_private.request_checkpoint(changed);
  END IF;
  PERFORM live_private.emit_to_session(session.id, 'collab:edit', jsonb_build_object(
            'version', session.head + o.number, 'user_id', me, 'client_id', append_operations.client_id, 'operation', o.operation))
  FROM unnest(operations) WITH ORDINALITY AS o (operation, number);
END
$$;
COMMENT ON FUNCTION live_private.append_operations(live.collaboration_sessions, text, text, jsonb[]) IS
'Appends operations to the log of a session that the caller has locked, and emits collab:edit for each. Part of live.submit_operations().';

CREATE FUNCTION live_private.check_submission(base_version bigint, operations jsonb, client_id text, key text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.checked_text(client_id, 'client_id', 255);
  IF base_version IS NULL OR operations IS NULL THEN
    RAISE EXCEPTION 'base_version and operations must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF key IS NOT NULL THEN
    PERFORM live_private.checked_text(key, 'key', 255);
  END IF;
  IF jsonb_typeof(operations) <> 'array' OR jsonb_array_length(operations) = 0 THEN
    RAISE EXCEPTION 'operations must be a JSON array with elements' USING ERRCODE = 'invalid_parameter_value';
  ELSIF jsonb_array_length(operations) > 1000 THEN
    RAISE EXCEPTION 'too many operations in one submission' USING ERRCODE = 'program_limit_exceeded', HINT = 'Submit at most 1000 operations at once.';
  ELSIF octet_length(operations::text) > pg_size_bytes(current_setting('pg_live.max_send_size')) THEN
    RAISE EXCEPTION 'the operations of one submission are too large' USING ERRCODE = 'program_limit_exceeded',
      HINT = 'Submit fewer at once, or raise "pg_live.max_send_size".';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.check_submission(bigint, jsonb, text, text) IS
'Checks what needs no session of the arguments of live.submit_operations(). Errors: 22004, 22023, 54000.';

CREATE FUNCTION live_private.repeated_submission(session live.collaboration_sessions, me text, client_id text, key text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  last live_private.submission;
BEGIN
  SELECT s.* INTO last FROM live_private.submission s
  WHERE s.session_id = session.id AND s.client_id = repeated_submission.client_id COLLATE "C";
  IF last.user_id <> me COLLATE "C" THEN
    RAISE EXCEPTION 'the client_id is that of another participant' USING ERRCODE = 'insufficient_privilege',
      HINT = 'Each tab or device needs a client_id of its own, for instance a random UUID.';
  ELSIF last.key = key COLLATE "C" THEN
    RETURN jsonb_build_object('status', 'duplicate', 'first_version', last.first_version,
                              'last_version', last.first_version + last.operations - 1, 'head', session.head);
  ELSIF last.key ~ '^[0-9]{1,18}$' AND key COLLATE "C" ~ '^[0-9]{1,18}$' AND key::bigint < last.key::bigint THEN
    RAISE EXCEPTION 'the key is lower than that of the client''s last submission' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('The last key was %s.', last.key), HINT = 'Keys that are numbers must ascend: a lower one is a late copy of an earlier submission.';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.repeated_submission(live.collaboration_sessions, text, text, text) IS
'The answer to a submission whose key is that of the client''s last one; NULL for others. Part of live.submit_operations(). Errors: 42501 for the client_id of another user; 22023 for a number that is lower than the last key.';

CREATE FUNCTION live_private.stale_answer(session live.collaboration_sessions, base_version bigint) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('status', 'stale', 'head', session.head, 'operations', jsonb_agg(
           jsonb_build_object('version', o.version, 'user_id', o.user_id, 'client_id', o.client_id, 'operation', o.operation) ORDER BY o.version))
  FROM (SELECT * FROM live.operation o WHERE o.session_id = session.id AND o.version > base_version ORDER BY o.version LIMIT 1000) AS o
$$;
COMMENT ON FUNCTION live_private.stale_answer(live.collaboration_sessions, bigint) IS
'The answer to a submission upon a version before the head: the operations after it, at most 1000. Part of live.submit_operations().';

CREATE FUNCTION live_private.oldest_version(session_id uuid) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM live.operation o WHERE o.session_id = oldest_version.session_id AND o.version = 1) THEN 0
              ELSE coalesce(
                -- What a client keeps between an operation and a later snapshot, the database need not know.
                (SELECT (SELECT min(o.version) - 1 FROM live.operation o WHERE o.session_id = s.id) FROM live.collaboration_sessions s
                 WHERE s.id = oldest_version.session_id AND s.policy IN ('cas', 'append')),
                (SELECT min(s.version) FROM live.session_snapshot s WHERE s.session_id = oldest_version.session_id), 0) END
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

CREATE FUNCTION live_private.require_writable(session live.collaboration_sessions) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF session.is_read_only THEN
    RAISE EXCEPTION 'the session is read only' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'An owner can change that with live.set_read_only().';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_writable(live.collaboration_sessions) IS 'Error 55000 for a session that is read only.';

CREATE FUNCTION live_private.accept_operations(session live.collaboration_sessions, me text, base_version bigint, operations jsonb, client_id text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  accepted jsonb[];
BEGIN
  IF session.policy IN ('text', 'cas') THEN -- those that read the operations since
    PERFORM live_private.require_kept(session.id, base_version);
  END IF;
  IF session.policy = 'text' AND session.head - base_version > 10000 THEN -- they are read while the session is locked
    RAISE EXCEPTION 'the base version is too far behind' USING ERRCODE = 'program_limit_exceeded',
      HINT = 'Receive the operations since the base version first.';
  END IF;
  IF session.policy = 'text' THEN
    accepted := ARRAY(SELECT live_private.change_document(session.id, base_version, operations, client_id));
  ELSIF session.policy = 'json' THEN
    accepted := ARRAY(SELECT live_private.change_json(session.id, operations));
  ELSIF session.policy = 'append' THEN
    accepted := ARRAY(SELECT live_private.append_updates(session, operations));
  ELSIF base_version = session.head THEN
    accepted := ARRAY(SELECT o.value FROM jsonb_array_elements(operations) WITH ORDINALITY AS o (value, number) ORDER BY o.number);
  ELSE
    RETURN live_private.stale_answer(session, base_version);
  END IF;
  IF accepted = '{}' THEN -- the log has them, and the answer was lost
    RETURN jsonb_build_object('status', 'duplicate', 'head', session.head);
  END IF;
  PERFORM live_private.append_operations(session, me, client_id, accepted);
  RETURN jsonb_build_object('status', 'accepted', 'first_version', session.head + 1,
                            'last_version', session.head + cardinality(accepted), 'head', session.head + cardinality(accepted));
END
$$;
COMMENT ON FUNCTION live_private.accept_operations(live.collaboration_sessions, text, bigint, jsonb, text) IS
'Appends operations as the policy of the session wants it, and returns the answer of live.submit_operations(). The caller has locked the session and checked the arguments.';

CREATE FUNCTION live.submit_operations(session_id uuid, base_version bigint, operations jsonb, client_id text, key text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  session live.collaboration_sessions;
  answer jsonb;
BEGIN
  session := live_private.session_for_update(session_id, me);
  PERFORM live_private.require_role(session_id, me, 'editor');
  PERFORM live_private.check_submission(base_version, operations, client_id, key); -- which costs something
  answer := live_private.repeated_submission(session, me, client_id, key);
  IF answer IS NOT NULL THEN
    RETURN answer;
  END IF;
  PERFORM live_private.require_writable(session);
  PERFORM live_private.require_existing(session, base_version);
  answer := live_private.accept_operations(session, me, base_version, operations, client_id);
  IF answer ->> 'status' = 'accepted' THEN
    INSERT INTO live_private.submission AS s (session_id, client_id, key, user_id, first_version, operations)
    VALUES (session.id, submit_operations.client_id, coalesce(submit_operations.key, ''), me, session.head + 1, (answer ->> 'head')::bigint - session.head)
    ON CONFLICT ON CONSTRAINT submission_pkey DO UPDATE
    SET key = excluded.key, first_version = excluded.first_version, operations = excluded.operations;
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION live.submit_operations(uuid, bigint, jsonb, text, text) IS
'Appends operations (a JSON array) that a client made upon base_version: {status, first_version, last_version, head}. status: accepted; duplicate if key is that of the client''s last submission, which was accepted; stale, with the operations after base_version, if the policy needs the head. A text session brings them behind the operations after base_version, and leaves out those that the log has of this client after it already. A json session takes operations upon any version, and the last one to come wins a path: a submission without a key that is repeated wins again. An append session takes updates upon any version; one of Yjs leaves out updates that the log has already. A client has one submission under way, and a client_id of its own; keys that are numbers must ascend. For editors. Emits collab:edit for each. Errors: 42501 for others and for the client_id of another user; 22004, 22023; P0002 for no such session; 54000 for too many or too large operations, and for a document above pg_live.max_document_size; 55000 for a session that is read only, and for a base version that is not kept any more.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.submit_operations(uuid, bigint, jsonb, text, text)');

CREATE FUNCTION live.get_operations(session_id uuid, after_version bigint DEFAULT 0, max_operations integer DEFAULT 1000)
RETURNS TABLE (version bigint, user_id text, client_id text, operation jsonb, created_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF max_operations IS NULL OR max_operations NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_operations must be between 1 and 10000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.require_kept(session_id, after_version);
  RETURN QUERY
  SELECT o.version, o.user_id, o.client_id, o.operation, o.created_at FROM live.operation o
  WHERE o.session_id = get_operations.session_id AND o.version > after_version ORDER BY o.version LIMIT max_operations;
END
$$;
COMMENT ON FUNCTION live.get_operations(uuid, bigint, integer) IS
'The operations of a session after a version, in their order; none for a user who is not a participant. Errors: 22023 for max_operations outside 1..10000; 55000 for a version before the oldest that is kept.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_operations(uuid, bigint, integer)');
