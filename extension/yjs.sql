-- What PostgreSQL can do with updates of Yjs without loading a document: each update is read as far as its structs and
-- its delete set. yjs.cpp calls merge/yjs_merge.hpp. The results are those of the functions of Yjs, byte for byte.

CREATE FUNCTION live.yjs_state_vector(updates bytea[]) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_yjs_state_vector';
COMMENT ON FUNCTION live.yjs_state_vector(bytea[]) IS
'The state vector of a document that has these updates of Yjs (encoding v1), as Y.encodeStateVector() writes it. Structs behind a gap do not count. Errors: 22004 for an element that is null; 22023 for bytes that are no update.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.yjs_state_vector(bytea[])');

CREATE FUNCTION live.yjs_merge(updates bytea[]) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_yjs_merge';
COMMENT ON FUNCTION live.yjs_merge(bytea[]) IS
'One update in place of these updates of Yjs (encoding v1), as Y.mergeUpdates() writes it; an empty update for an empty array. Errors: 22004 for an element that is null; 22023 for bytes that are no update.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.yjs_merge(bytea[])');

CREATE FUNCTION live.yjs_diff(update bytea, state_vector bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_yjs_diff';
COMMENT ON FUNCTION live.yjs_diff(bytea, bytea) IS
'What a document with that state vector lacks of an update of Yjs (encoding v1), with all deletions, as Y.diffUpdate() writes it. Error 22023 for bytes that are no update or no state vector.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.yjs_diff(bytea, bytea)');
