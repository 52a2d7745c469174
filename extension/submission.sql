-- Submissions: operations that clients add to the log of a session.

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

CREATE FUNCTION live_private.check_submission(base_version bigint, operations jsonb, client_id text, key text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coalesce(live_private.is_name(client_id, 255), false) THEN
    PERFORM live_private.checked_text(client_id, 'client_id', 255);
  ELSIF base_version IS NULL OR operations IS NULL THEN
    RAISE EXCEPTION 'base_version and operations must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT live_private.is_name(key, 255) THEN
    PERFORM live_private.checked_text(key, 'key', 255);
  END IF;
  IF jsonb_typeof(operations) <> 'array' OR jsonb_array_length(operations) = 0 THEN
    RAISE EXCEPTION 'operations must be a JSON array with elements' USING ERRCODE = 'invalid_parameter_value';
  ELSIF jsonb_array_length(operations) > 1000 THEN
    RAISE EXCEPTION 'too many operations in one submission' USING ERRCODE = 'program_limit_exceeded', HINT = 'Submit at most 1000 operations at once.';
  ELSIF live_private.printed_size(operations) > pg_size_bytes(current_setting('pg_live.max_send_size')) THEN
    RAISE EXCEPTION 'the operations of one submission are too large' USING ERRCODE = 'program_limit_exceeded',
      HINT = 'Submit fewer at once, or raise "pg_live.max_send_size".';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.check_submission(bigint, jsonb, text, text) IS
'Checks what needs no session of the arguments of live.submit_operations(). Errors: 22004, 22023, 54000.';

CREATE FUNCTION live_private.repeated_submission(last live_private.submission, me text, key text, head bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF last.user_id <> me COLLATE "C" THEN
    RAISE EXCEPTION 'the client_id is that of another participant' USING ERRCODE = 'insufficient_privilege',
      HINT = 'Each tab or device needs a client_id of its own, for instance a random UUID.';
  ELSIF last.key = key COLLATE "C" THEN
    RETURN jsonb_build_object('status', 'duplicate', 'first_version', last.first_version,
                              'last_version', last.first_version + last.operations - 1, 'head', head);
  ELSIF last.key ~ '^[0-9]{1,18}$' AND key COLLATE "C" ~ '^[0-9]{1,18}$' AND key::bigint < last.key::bigint THEN
    RAISE EXCEPTION 'the key is lower than that of the client''s last submission' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('The last key was %s.', last.key), HINT = 'Keys that are numbers must ascend: a lower one is a late copy of an earlier submission.';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.repeated_submission(live_private.submission, text, text, bigint) IS
'The answer to a submission whose key is that of the client''s last one; NULL for others. Part of live.submit_operations(). Errors: 42501 for the client_id of another user; 22023 for a number that is lower than the last key.';

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

CREATE FUNCTION live_private.append_operations(session live.collaboration_sessions, me text, client_id text, operations jsonb[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  every integer := current_setting('pg_live.checkpoint_operations');
  new_head bigint := session.head + cardinality(operations);
  topic text := 'session:' || session.id;
  event bigint;
BEGIN
  INSERT INTO live.operation (session_id, version, user_id, client_id, operation)
  SELECT session.id, session.head + o.number, me, append_operations.client_id, o.operation
  FROM unnest(operations) WITH ORDINALITY AS o (operation, number);
  UPDATE live.collaboration_sessions s SET head = new_head, updated_at = now() WHERE s.id = session.id;
  IF new_head / every > session.head / every THEN
    PERFORM live_private.request_checkpoint(s) FROM live.collaboration_sessions s WHERE s.id = session.id;
  END IF;
  FOR number IN 1..cardinality(operations) LOOP
    event := live.emit(topic, 'collab:edit', jsonb_build_object( -- an assignment starts no query
               'session_id', session.id, 'version', session.head + number, 'user_id', me, 'client_id', client_id, 'operation', operations[number]));
  END LOOP;
  RETURN new_head;
END
$$;
COMMENT ON FUNCTION live_private.append_operations(live.collaboration_sessions, text, text, jsonb[]) IS
'Appends operations to the log of a session that the caller has locked, emits collab:edit for each, and returns the new head. Part of live.submit_operations().';

CREATE FUNCTION live_private.accept_operations(session live.collaboration_sessions, me text, base_version bigint, operations jsonb, client_id text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  accepted jsonb[];
  new_head bigint;
BEGIN
  IF session.policy IN ('text', 'cas') AND base_version < session.head THEN -- those that read the operations since
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
    accepted := live_private.append_updates(session, operations);
  ELSIF base_version = session.head THEN
    accepted := ARRAY(SELECT o.value FROM jsonb_array_elements(operations) WITH ORDINALITY AS o (value, number) ORDER BY o.number);
  ELSE
    RETURN jsonb_build_object('status', 'stale', 'head', session.head, 'operations', live_private.operations_after(session.id, base_version));
  END IF;
  IF accepted = '{}' THEN -- the log has them, and the answer was lost
    RETURN jsonb_build_object('status', 'duplicate', 'head', session.head);
  END IF;
  new_head := live_private.append_operations(session, me, client_id, accepted);
  RETURN jsonb_build_object('status', 'accepted', 'first_version', session.head + 1, 'last_version', new_head, 'head', new_head);
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
  last live_private.submission;
  answer jsonb;
BEGIN
  session := live_private.session_for_update(session_id, me, 'editor');
  PERFORM live_private.check_submission(base_version, operations, client_id, key); -- which costs something
  SELECT s.* INTO last FROM live_private.submission s
  WHERE s.session_id = session.id AND s.client_id = submit_operations.client_id COLLATE "C";
  IF last.user_id <> me OR last.key >= key COLLATE "C" OR length(last.key) > length(key) THEN -- perhaps equal, or a lower number
    answer := live_private.repeated_submission(last, me, key, session.head);
    IF answer IS NOT NULL THEN
      RETURN answer;
    END IF;
  END IF;
  IF session.is_read_only OR base_version NOT BETWEEN 0 AND session.head THEN
    PERFORM live_private.require_writable(session), live_private.require_existing(session, base_version);
  END IF;
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
'Appends operations (a JSON array) that a client made upon base_version: {status, first_version, last_version, head}. status: accepted; duplicate if key is that of the client''s last submission, which was accepted; stale, with the operations after base_version, if the policy needs the head. Those are at most 1000 and some 4 MB: where the last one is not the head, live.get_operations() has the others, and the client submits again upon the head. A text session brings them behind the operations after base_version, and leaves out those that the log has of this client after it already. A json session takes operations upon any version, and the last one to come wins a path: a submission without a key that is repeated wins again. An append session takes updates upon any version; one of Yjs leaves out updates that the log has already. A client has one submission under way, and a client_id of its own; keys that are numbers must ascend. For editors. Emits collab:edit for each. Errors: 42501 for others and for the client_id of another user; 22004, 22023; P0002 for no such session; 54000 for too many or too large operations, and for a document above pg_live.max_document_size; 55000 for a session that is read only, and for a base version that is not kept any more.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.submit_operations(uuid, bigint, jsonb, text, text)');
