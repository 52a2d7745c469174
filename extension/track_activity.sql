-- Activities from the app's own tables: a trigger that logs what the current user does to a row, in the app's transaction.

CREATE FUNCTION live.track_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  option jsonb := tg_argv[0]::jsonb;
  touched jsonb := to_jsonb(CASE WHEN tg_op = 'DELETE' THEN old ELSE new END);
  verb text := option -> 'verbs' ->> tg_op;
BEGIN
  -- Nobody does what a job or an administrator does.
  IF live.user_id() IS NOT NULL AND verb IS NOT NULL THEN
    PERFORM live.store_activity(
      verb, option ->> 'entity_type', touched ->> (option ->> 'key_column'),
      coalesce((SELECT jsonb_object_agg(name, touched -> name) FROM jsonb_array_elements_text(option -> 'metadata_columns') AS name), '{}'),
      (option ->> 'visibility')::live.activity_visibility, NULL, NULL, NULL);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live.track_row() IS 'The trigger of live.track_activity().';

CREATE FUNCTION live.track_activity(
  relation regclass, entity_type text DEFAULT NULL, key_column name DEFAULT 'id',
  visibility live.activity_visibility DEFAULT 'public', insert_type text DEFAULT 'created', update_type text DEFAULT 'updated',
  delete_type text DEFAULT 'deleted', update_columns name[] DEFAULT NULL, metadata_columns name[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  missing name;
  events text;
  option jsonb;
BEGIN
  IF relation IS NULL OR key_column IS NULL OR visibility IS NULL OR metadata_columns IS NULL THEN
    RAISE EXCEPTION 'relation, key_column, visibility and metadata_columns must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = relation), 'USAGE') THEN
    RAISE EXCEPTION 'must be owner of relation %', relation USING ERRCODE = 'insufficient_privilege';
  ELSIF visibility IN ('session', 'users') THEN
    RAISE EXCEPTION 'rows have neither a session nor an audience' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Use public, followers or private, or call live.log_activity() from a trigger of your own.';
  END IF;
  -- As live.checked_text() has it, which owners of tables need no right to call.
  IF EXISTS (SELECT FROM unnest(ARRAY[entity_type, insert_type, update_type, delete_type]) AS t
             WHERE t = '' OR length(t) > 255 OR t COLLATE "C" ~ '[[:cntrl:]]') THEN
    RAISE EXCEPTION 'types must have 1 to 255 characters and no control characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT c INTO missing FROM unnest(ARRAY[key_column] || metadata_columns || update_columns) AS c
  WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = c COLLATE "C" AND a.attnum > 0 AND NOT a.attisdropped);
  IF FOUND THEN
    RAISE EXCEPTION 'relation % has no column "%"', relation, missing USING ERRCODE = 'undefined_column';
  END IF;
  events := concat_ws(' OR ', CASE WHEN insert_type IS NOT NULL THEN 'INSERT' END,
    CASE WHEN update_type IS NOT NULL THEN 'UPDATE' || coalesce(' OF ' || (SELECT string_agg(quote_ident(c), ', ') FROM unnest(update_columns) AS c), '') END,
    CASE WHEN delete_type IS NOT NULL THEN 'DELETE' END);
  IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgname = 'track_activity') THEN
    EXECUTE format('DROP TRIGGER track_activity ON %s', relation);
  END IF;
  IF events = '' THEN
    RETURN;
  END IF;
  option := jsonb_build_object(
    'entity_type', coalesce(entity_type, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)), 'key_column', key_column,
    'visibility', visibility, 'metadata_columns', to_jsonb(metadata_columns),
    'verbs', jsonb_build_object('INSERT', insert_type, 'UPDATE', update_type, 'DELETE', delete_type));
  EXECUTE format('CREATE TRIGGER track_activity AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION live.track_row(%L)', events, relation, option);
END
$$;
COMMENT ON FUNCTION live.track_activity(regclass, text, name, live.activity_visibility, text, text, text, name[], name[]) IS
'Has the changes of a table''s rows logged as activities of the current user, in the transaction that makes them; changes by nobody are not. entity_type: NULL, the table''s name. A type that is NULL is not logged; all three NULL ends it. update_columns: only updates of these; metadata_columns: go into the metadata. For the owner of the table, who needs EXECUTE on this function and on live.track_row(). Errors: 22004, 22023, 42703; 42501 for another''s table.';
