-- Sessions with the policy append: updates that a library of the client merges, in whatever order they come. Those of Yjs
-- are read as far as their ids, so that the log takes none twice and a snapshot is verified.

CREATE TABLE live_private.yjs_range (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  is_deletion boolean NOT NULL,
  client bigint NOT NULL,
  first bigint NOT NULL,
  "end" bigint NOT NULL CHECK ("end" > first),
  PRIMARY KEY (session_id, is_deletion, client, first)
) WITH (fillfactor = 70);
COMMENT ON TABLE live_private.yjs_range IS 'The ids that the logs of Yjs sessions have, as ranges that do not touch one another: a submission reads those near its own.';
COMMENT ON COLUMN live_private.yjs_range.session_id IS 'Session whose log it is.';
COMMENT ON COLUMN live_private.yjs_range.is_deletion IS 'Whether the log deletes these ids; false: it has their structs.';
COMMENT ON COLUMN live_private.yjs_range.client IS 'Client of Yjs that made the structs.';
COMMENT ON COLUMN live_private.yjs_range.first IS 'The first clock of the range.';
COMMENT ON COLUMN live_private.yjs_range."end" IS 'The clock after the last one of the range.';
ALTER TABLE live_private.yjs_range ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.yjs_range', '');

CREATE FUNCTION live_private.yjs_ranges(update bytea) RETURNS TABLE (is_deletion boolean, client bigint, first bigint, "end" bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'pg_live_yjs_ranges';
COMMENT ON FUNCTION live_private.yjs_ranges(bytea) IS
'The ids whose structs an update of Yjs has, and those that it deletes. Part of live.submit_operations(). Error 22023 for bytes that are no update.';

CREATE FUNCTION live_private.yjs_snapshot_fault(snapshot bytea, updates bytea[]) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_yjs_snapshot_fault';
COMMENT ON FUNCTION live_private.yjs_snapshot_fault(bytea, bytea[]) IS
'What an update of Yjs lacks to stand for all these updates; NULL if it lacks nothing. Part of live.save_snapshot(). Error 22023 for bytes that are no update.';

CREATE FUNCTION live_private.is_yjs(session live.collaboration_sessions) RETURNS boolean
LANGUAGE sql STABLE
RETURN session.policy = 'append' AND coalesce(session.metadata ->> 'format' = 'yjs', false);
COMMENT ON FUNCTION live_private.is_yjs(live.collaboration_sessions) IS
'Whether the updates of a session are those of Yjs: its metadata had "format": "yjs" when it was created.';

CREATE FUNCTION live_private.is_new_range(session_id uuid, is_deletion boolean, client bigint, first bigint, "end" bigint) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT k."end" FROM live_private.yjs_range k
                   WHERE k.session_id = is_new_range.session_id AND k.is_deletion = is_new_range.is_deletion
                     AND k.client = is_new_range.client AND k.first <= is_new_range.first
                   ORDER BY k.first DESC LIMIT 1) < is_new_range."end", true)
$$;
COMMENT ON FUNCTION live_private.is_new_range(uuid, boolean, bigint, bigint, bigint) IS
'Whether the log of a Yjs session lacks some of these ids. Part of live.submit_operations() and live.check_session().';

CREATE FUNCTION live_private.note_update(session_id uuid, update bytea) RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  WITH new AS MATERIALIZED (
    SELECT r.* FROM live_private.yjs_ranges(update) AS r WHERE live_private.is_new_range(note_update.session_id, r.is_deletion, r.client, r.first, r."end")
  ), touched AS MATERIALIZED (
    SELECT DISTINCT new.is_deletion, new.client, k.first, k."end" FROM new CROSS JOIN LATERAL (
      (SELECT k.first, k."end" FROM live_private.yjs_range k
       WHERE k.session_id = note_update.session_id AND k.is_deletion = new.is_deletion AND k.client = new.client AND k.first <= new.first
       ORDER BY k.first DESC LIMIT 1)
      UNION ALL
      (SELECT k.first, k."end" FROM live_private.yjs_range k
       WHERE k.session_id = note_update.session_id AND k.is_deletion = new.is_deletion AND k.client = new.client
         AND k.first > new.first AND k.first <= new."end")) AS k
  ), merged AS MATERIALIZED (
    SELECT m.is_deletion, m.client, lower(m.range) AS first, upper(m.range) AS "end" FROM (
      SELECT r.is_deletion, r.client, unnest(range_agg(int8range(r.first, r."end"))) AS range
      FROM (TABLE new UNION ALL TABLE touched) AS r GROUP BY r.is_deletion, r.client) AS m
  ), gone AS (
    DELETE FROM live_private.yjs_range k USING touched t
    WHERE k.session_id = note_update.session_id AND k.is_deletion = t.is_deletion AND k.client = t.client AND k.first = t.first
      AND NOT EXISTS (SELECT FROM merged m WHERE m.is_deletion = t.is_deletion AND m.client = t.client AND m.first = t.first)
  ), stored AS (
    INSERT INTO live_private.yjs_range AS k (session_id, is_deletion, client, first, "end")
    SELECT note_update.session_id, m.is_deletion, m.client, m.first, m."end" FROM merged m
    ON CONFLICT ON CONSTRAINT yjs_range_pkey DO UPDATE SET "end" = excluded."end" WHERE k."end" <> excluded."end"
  ) SELECT EXISTS (TABLE new)
$$;
COMMENT ON FUNCTION live_private.note_update(uuid, bytea) IS
'Adds the ids of an update of Yjs to those of the log; false if it has all of them already. The caller holds the lock of the session. Part of live.submit_operations(). Error 22023 for bytes that are no update.';

CREATE FUNCTION live_private.update_bytes(operation jsonb) RETURNS bytea
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  update text COLLATE "C" := operation ->> 'update';
BEGIN
  IF jsonb_typeof(operation) <> 'object' OR jsonb_typeof(operation -> 'update') IS DISTINCT FROM 'string' OR operation - 'update' <> '{}'
     OR length(update) % 4 <> 0 OR update !~ '^[A-Za-z0-9+/]+={0,2}$' THEN
    RAISE EXCEPTION 'an operation of an append session must be {"update": "<base64>"}' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN decode(update, 'base64');
END
$$;
COMMENT ON FUNCTION live_private.update_bytes(jsonb) IS 'The bytes of an operation of an append session. Error 22023 if it is none, or has no bytes.';

CREATE FUNCTION live_private.append_updates(session live.collaboration_sessions, operations jsonb) RETURNS jsonb[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_yjs boolean := live_private.is_yjs(session);
  accepted jsonb[] := '{}';
  update bytea;
BEGIN
  FOR place IN 0..jsonb_array_length(operations) - 1 LOOP
    update := live_private.update_bytes(operations -> place);
    IF NOT is_yjs OR live_private.note_update(session.id, update) THEN
      accepted := accepted || (operations -> place);
    END IF;
  END LOOP;
  RETURN accepted;
END
$$;
COMMENT ON FUNCTION live_private.append_updates(live.collaboration_sessions, jsonb) IS
'Checks the operations submitted to an append session, and returns those that the log is to have; in a Yjs session, not those that it has already. The caller holds the lock of the session. Part of live.submit_operations(). Error 22023.';

CREATE FUNCTION live_private.lacks_ids(session_id uuid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live.operation o CROSS JOIN live_private.yjs_ranges(live_private.update_bytes(o.operation)) AS r
                 WHERE o.session_id = lacks_ids.session_id AND live_private.is_new_range(o.session_id, r.is_deletion, r.client, r.first, r."end"))
$$;
COMMENT ON FUNCTION live_private.lacks_ids(uuid) IS 'Whether the log of a Yjs session has ids that are not noted. Part of live.check_session().';
