-- Metadata that apps attach to rows. All tables with metadata use the same check.

CREATE FUNCTION live_private.checked_metadata(metadata jsonb) RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_checked_metadata';
COMMENT ON FUNCTION live_private.checked_metadata(jsonb) IS
'Returns the metadata if it is a JSON object of at most pg_live.max_metadata_size, 8 levels and 256 keys; NULL for NULL. Errors: 54000 above a limit; 22023 for other JSON, control characters in keys, and the keys __proto__, constructor, prototype.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.checked_metadata(jsonb)');

CREATE FUNCTION live_private.is_name(value text, longest integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value <> '' AND length(value) <= longest AND value COLLATE "C" !~ '[[:cntrl:]]';
COMMENT ON FUNCTION live_private.is_name(text, integer) IS
'Whether the value has 1 to so many characters and no control characters; NULL for NULL.';

CREATE FUNCTION live_private.checked_text(value text, what text, longest integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF value IS NULL THEN
    RAISE EXCEPTION '% must not be null', what USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT live_private.is_name(value, longest) THEN
    RAISE EXCEPTION '% must have 1 to % characters and no control characters', what, longest
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION live_private.checked_text(text, text, integer) IS
'Returns the value if it has 1 to so many characters and no control characters. Errors: 22004 for NULL, 22023 otherwise.';

CREATE FUNCTION live_private.required_user() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live.user_id();
BEGIN
  IF me IS NULL THEN
    RAISE EXCEPTION 'not signed in' USING ERRCODE = 'insufficient_privilege',
      HINT = 'The claims of the request need a "sub".';
  END IF;
  RETURN me;
END
$$;
COMMENT ON FUNCTION live_private.required_user() IS 'live.user_id(); error 42501 if it is NULL.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.required_user()');
