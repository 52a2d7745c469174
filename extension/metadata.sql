-- Metadata: what apps attach to rows. One guard for every table that has some.

CREATE FUNCTION live_private.checked_metadata(metadata jsonb) RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_checked_metadata';
COMMENT ON FUNCTION live_private.checked_metadata(jsonb) IS
'The metadata, if it is a JSON object within pg_live.max_metadata_size (default 16 kB), at most 8 levels deep, of at most 256 keys. Errors: 54000 for too much; 22023 for no object, control characters in keys, and the keys __proto__, constructor, prototype. NULL for NULL.';
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
'The value, if it has 1 to so many characters and no control characters. Errors: 22004 for NULL, 22023 otherwise.';

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
COMMENT ON FUNCTION live_private.required_user() IS 'live.user_id(), or error 42501 if nobody is signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.required_user()');
