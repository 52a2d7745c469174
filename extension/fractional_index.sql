-- Keys that order the elements of a list, see merge/fractional_index.hpp.

CREATE FUNCTION live.key_between(before text, after text) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_key_between';
COMMENT ON FUNCTION live.key_between(text, text) IS
'A key between two others under the collation "C"; NULL: before or after all. An element is inserted or moved by a key of its own, and no other element changes. Two users may choose the same key: order by key and id. The keys are those of the npm package fractional-indexing. Error 22023 for what is no key, a key of more than 1000 characters, and for before that is not less than after.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.key_between(text, text)');
