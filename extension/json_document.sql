-- Documents of json sessions, one row a leaf: an edit of a long document writes the rows of what it changes.
-- json_document.cpp reads operations as merge/json_document.hpp says, which has the rules in one place.

CREATE TABLE live_private.json_document (
  session_id uuid PRIMARY KEY REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  size bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE live_private.json_document IS 'The json sessions, and how large their documents are.';
COMMENT ON COLUMN live_private.json_document.session_id IS 'Session whose document it is.';
COMMENT ON COLUMN live_private.json_document.size IS 'Sum of live_private.json_size() over the leaves.';
ALTER TABLE live_private.json_document ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, size) ON live_private.json_document');
CREATE POLICY participants_read ON live_private.json_document FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
SELECT pg_extension_config_dump('live_private.json_document', '');

CREATE TABLE live_private.json_leaf (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  path text[] COLLATE "C" NOT NULL,
  value jsonb NOT NULL,
  PRIMARY KEY (session_id, path)
) WITH (fillfactor = 70);
COMMENT ON TABLE live_private.json_leaf IS 'The documents of json sessions at their head: what is no object, and empty objects. No path begins with that of another row.';
COMMENT ON COLUMN live_private.json_leaf.session_id IS 'Session whose document it is.';
COMMENT ON COLUMN live_private.json_leaf.path IS 'Names of the members that lead to the value; at least one.';
COMMENT ON COLUMN live_private.json_leaf.value IS 'Scalar, array, or empty object.';
ALTER TABLE live_private.json_leaf ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, path, value) ON live_private.json_leaf');
CREATE POLICY participants_read ON live_private.json_leaf FOR SELECT USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
SELECT pg_extension_config_dump('live_private.json_leaf', '');

CREATE FUNCTION live_private.json_leaves(operation jsonb) RETURNS TABLE (path text[], value jsonb)
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_json_leaves';
COMMENT ON FUNCTION live_private.json_leaves(jsonb) IS
'The leaves that an operation of a json session stores; none if it deletes. Part of live.submit_operations(). Errors: 22023 for what is no such operation, and for names that a document must not have; 54000 for one that is too deep.';

CREATE FUNCTION live_private.changed_json(document jsonb, operations jsonb[]) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_changed_json';
COMMENT ON FUNCTION live_private.changed_json(jsonb, jsonb[]) IS
'A document of a json session after the operations, each upon the one before. Errors: as for live_private.json_leaves().';

CREATE FUNCTION live_private.json_of_leaves(session_id uuid) RETURNS jsonb
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'pg_live_json_of_leaves';
COMMENT ON FUNCTION live_private.json_of_leaves(uuid) IS 'The leaves of a session that the caller may read, as one document. Part of live.session_json().';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.json_of_leaves(uuid)');

CREATE FUNCTION live.session_json(session_id uuid) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.json_of_leaves(d.session_id) FROM live_private.json_document d WHERE d.session_id = session_json.session_id
$$;
COMMENT ON FUNCTION live.session_json(uuid) IS
'The document of a json session at its head, for queries: NULL for a session of another policy, and for a user who is not a participant of the active session.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.session_json(uuid)');

CREATE FUNCTION live_private.json_size(path text[], value jsonb) RETURNS integer
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$ SELECT octet_length(value::text) + octet_length(array_to_string(path, '')) $$;
COMMENT ON FUNCTION live_private.json_size(text[], jsonb) IS 'Bytes of a leaf of a document: its value as JSON, and the names that lead to it.';

CREATE FUNCTION live_private.json_path(operation jsonb) RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_json_path';
COMMENT ON FUNCTION live_private.json_path(jsonb) IS 'The path of an operation of a json session. Part of live.submit_operations(). Errors: as for live_private.json_leaves().';

CREATE FUNCTION live_private.end_of_json(target text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN target = '{}' THEN ARRAY[repeat(chr(1114111), 256)] ELSE target[:cardinality(target) - 1] || (target[cardinality(target)] || E'\x01') END
$$;
COMMENT ON FUNCTION live_private.end_of_json(text[]) IS
'The paths that begin with this one are those from it up to, and not including, the result: names have at most 255 characters, and none is a control character.';

CREATE FUNCTION live_private.delete_json(session_id uuid, target text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent text[] COLLATE "C" := target[:cardinality(target) - 1];
  deleted bigint;
BEGIN
  WITH gone AS (
    DELETE FROM live_private.json_leaf l
    WHERE l.session_id = delete_json.session_id AND l.path >= target AND l.path < live_private.end_of_json(target)
    RETURNING live_private.json_size(l.path, l.value) AS size
  ) SELECT sum(size) INTO deleted FROM gone;
  IF deleted IS NULL OR cardinality(parent) = 0 OR EXISTS (
       SELECT FROM live_private.json_leaf l
       WHERE l.session_id = delete_json.session_id AND l.path >= parent AND l.path < live_private.end_of_json(parent)) THEN
    RETURN -coalesce(deleted, 0);
  END IF;
  INSERT INTO live_private.json_leaf (session_id, path, value) VALUES (delete_json.session_id, parent, '{}');
  RETURN live_private.json_size(parent, '{}') - deleted;
END
$$;
COMMENT ON FUNCTION live_private.delete_json(uuid, text[]) IS
'Deletes what a document has at a path, and returns by how much the document grew; an object that is left without members stays. Part of live.submit_operations().';

CREATE FUNCTION live_private.set_json(session_id uuid, target text[], operation jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  size bigint;
  growth bigint := 0;
  replaced bigint;
BEGIN
  -- What stands on the way and is no object with members becomes one.
  FOR n IN 1..cardinality(target) - 1 LOOP
    DELETE FROM live_private.json_leaf l WHERE l.session_id = set_json.session_id AND l.path = target[:n] COLLATE "C"
    RETURNING live_private.json_size(l.path, l.value) INTO size;
    growth := growth - coalesce(size, 0);
  END LOOP;
  WITH leaf AS MATERIALIZED (
    SELECT l.path COLLATE "C" AS path, l.value FROM live_private.json_leaves(operation) AS l
  ), old AS MATERIALIZED (
    SELECT l.path, live_private.json_size(l.path, l.value) AS size FROM live_private.json_leaf l
    WHERE l.session_id = set_json.session_id AND l.path >= target AND l.path < live_private.end_of_json(target)
  ), gone AS (
    DELETE FROM live_private.json_leaf l USING old
    WHERE l.session_id = set_json.session_id AND l.path = old.path AND old.path NOT IN (SELECT leaf.path FROM leaf)
  ), stored AS (
    INSERT INTO live_private.json_leaf AS l (session_id, path, value) SELECT set_json.session_id, leaf.path, leaf.value FROM leaf
    ON CONFLICT ON CONSTRAINT json_leaf_pkey DO UPDATE SET value = excluded.value WHERE l.value::text <> excluded.value::text -- 1 equals 1.0, but has another size
  ) SELECT (SELECT coalesce(sum(live_private.json_size(leaf.path, leaf.value)), 0) FROM leaf) - (SELECT coalesce(sum(old.size), 0) FROM old) INTO replaced;
  RETURN growth + replaced;
END
$$;
COMMENT ON FUNCTION live_private.set_json(uuid, text[], jsonb) IS
'Sets the value of an operation at its path, and returns by how much the document grew. Part of live.submit_operations().';

CREATE FUNCTION live_private.change_json(session_id uuid, operations jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most bigint := pg_size_bytes(current_setting('pg_live.max_document_size'));
  operation jsonb;
  growth bigint := 0;
BEGIN
  FOR operation IN SELECT o.value FROM jsonb_array_elements(operations) WITH ORDINALITY AS o (value, number) ORDER BY o.number LOOP
    IF operation ? 'value' THEN
      growth := growth + live_private.set_json(session_id, live_private.json_path(operation), operation);
    ELSE
      growth := growth + live_private.delete_json(session_id, live_private.json_path(operation));
    END IF;
    RETURN NEXT operation;
  END LOOP;
  UPDATE live_private.json_document d SET size = d.size + growth WHERE d.session_id = change_json.session_id AND growth <> 0;
  IF growth > 0 AND (SELECT d.size FROM live_private.json_document d WHERE d.session_id = change_json.session_id) > most THEN
    RAISE EXCEPTION 'the document would be too large' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('The limit is %s.', current_setting('pg_live.max_document_size')), HINT = 'Use several sessions, or raise "pg_live.max_document_size".';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.change_json(uuid, jsonb) IS
'Applies submitted operations to the document of a json session, and returns them. The caller holds the lock of the session. Part of live.submit_operations(). Errors: 22023 for an operation that is none; 54000 for one that is too deep, and for a document above pg_live.max_document_size, which may still become smaller.';

CREATE FUNCTION live_private.begin_json(session_id uuid, document jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO live_private.json_document (session_id) VALUES (begin_json.session_id);
  IF document <> '{}' THEN
    PERFORM live_private.change_json(session_id, jsonb_build_array(jsonb_build_object('path', '{}'::text[], 'value', document)));
    INSERT INTO live.session_snapshot (session_id, version, document) VALUES (begin_json.session_id, 0, begin_json.document::text);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.begin_json(uuid, jsonb) IS 'Stores the initial document of a new json session. Part of live.create_session(). Errors: as for live_private.change_json().';
