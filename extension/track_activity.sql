-- Activities from the app's own tables: statement triggers log what the current user does to rows, in the app's
-- transaction. They read rows with the rights of the user who changes them; the extension's owner stores nothing but the
-- resulting text and jsonb.

CREATE FUNCTION live_private.store_changes(
  activity_type text, entity_type text, visibility live.activity_visibility, entity_ids text[], metadata jsonb[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  alike live.activity_stream;
  topics text[];
  stored bigint;
BEGIN
  IF visibility IN ('session', 'users') THEN
    RAISE EXCEPTION 'rows have neither a session nor an audience' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.checked_text(activity_type, 'activity_type', 255), live_private.checked_text(entity_type, 'entity_type', 255);
  alike.user_id := live_private.required_user();
  alike.visibility := visibility;
  topics := array(SELECT live_private.activity_topics(alike));
  WITH made AS (
    INSERT INTO live.activity_stream AS a (user_id, activity_type, entity_type, entity_id, metadata, visibility)
    SELECT alike.user_id, activity_type, entity_type, change.entity_id, change.metadata, visibility
    FROM unnest(entity_ids, metadata) WITH ORDINALITY AS change (entity_id, metadata, number)
    WHERE live_private.is_name(change.entity_id, 255)
    ORDER BY change.number
    RETURNING a.*
  ), counted AS (
    INSERT INTO live_private.trend_change (entity_type, entity_id, moment, weight)
    SELECT m.entity_type, m.entity_id, live_private.trend_moment(m.created_at), 1 FROM made m WHERE m.is_public
  ), emitted AS (
    SELECT live.emit(topic, 'activity:new', live_private.activity_json(m)) AS id FROM (SELECT * FROM made ORDER BY id) AS m, unnest(topics) AS topic
  )
  SELECT (SELECT count(*) FROM made) INTO stored FROM (SELECT count(e.id) FROM emitted e) AS all_emitted;
  RETURN stored;
END
$$;
COMMENT ON FUNCTION live_private.store_changes(text, text, live.activity_visibility, text[], jsonb[]) IS
'Stores, emits and counts an activity of the current user for each entity with a valid id; returns how many. Part of live_private.track_row().';

-- Triggers on tables of the app refer to this function, so its name and arguments must not change.
CREATE FUNCTION live_private.track_row() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_live_track_row';
COMMENT ON FUNCTION live_private.track_row() IS 'The trigger function of live.track_activity(), with the rights of the user who changes the rows. Unlike other internal functions it keeps its name, since triggers on the app''s tables refer to it.';

CREATE FUNCTION live.track_activity(
  relation regclass, entity_type text DEFAULT NULL, key_column name DEFAULT 'id',
  visibility live.activity_visibility DEFAULT 'public', insert_type text DEFAULT 'created', update_type text DEFAULT 'updated',
  delete_type text DEFAULT 'deleted', update_columns name[] DEFAULT NULL, metadata_columns name[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  missing name;
  tracked record;
BEGIN
  IF relation IS NULL OR key_column IS NULL OR visibility IS NULL OR metadata_columns IS NULL THEN
    RAISE EXCEPTION 'relation, key_column, visibility and metadata_columns must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = relation), 'USAGE') THEN
    RAISE EXCEPTION 'must be owner of relation %', relation USING ERRCODE = 'insufficient_privilege';
  ELSIF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND c.relkind IN ('r', 'p')) THEN
    RAISE EXCEPTION '% is not a table', relation USING ERRCODE = 'wrong_object_type',
      HINT = 'Rows of views and foreign tables are not tracked.';
  ELSIF (SELECT c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) FROM pg_class c WHERE c.oid = relation) THEN
    -- Logging a change is itself a change, so this would never end.
    RAISE EXCEPTION '% is a table of pg_live', relation USING ERRCODE = 'wrong_object_type';
  ELSIF visibility IN ('session', 'users') THEN
    RAISE EXCEPTION 'rows have neither a session nor an audience' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Use public, followers or private, or call live.log_activity() from a trigger of your own.';
  END IF;
  -- The rule of live_private.checked_text(), which owners of tables may not call.
  IF EXISTS (SELECT FROM unnest(ARRAY[entity_type, insert_type, update_type, delete_type]) AS t
             WHERE t = '' OR length(t) > 255 OR t COLLATE "C" ~ '[[:cntrl:]]') THEN
    RAISE EXCEPTION 'types must have 1 to 255 characters and no control characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT c INTO missing FROM (SELECT key_column UNION ALL SELECT unnest(metadata_columns) UNION ALL SELECT unnest(update_columns)) AS named (c)
  WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = c COLLATE "C" AND a.attnum > 0 AND NOT a.attisdropped);
  IF FOUND THEN
    RAISE EXCEPTION 'relation % has no column "%"', relation, missing USING ERRCODE = 'undefined_column';
  END IF;
  -- A trigger with transition tables has a single event, and partitions do not inherit it.
  FOR tracked IN
    SELECT place.relation, change.event, 'track_activity_' || lower(change.event) AS trigger, change.type, change.rows, change.compared
    FROM (SELECT track_activity.relation UNION SELECT p.relid FROM pg_partition_tree(relation) AS p JOIN pg_class c ON c.oid = p.relid WHERE c.relkind IN ('r', 'p')) AS place (relation),
         (VALUES ('INSERT', insert_type, 'NEW TABLE AS after', NULL), ('DELETE', delete_type, 'OLD TABLE AS before', NULL),
                 ('UPDATE', update_type, 'OLD TABLE AS before NEW TABLE AS after', update_columns::text)) AS change (event, type, rows, compared)
  LOOP
    IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = tracked.relation AND t.tgname = tracked.trigger) THEN
      EXECUTE format('DROP TRIGGER %I ON %s', tracked.trigger, tracked.relation);
    END IF;
    IF tracked.type IS NOT NULL THEN
      EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION live_private.track_row(%L, %L, %L, %L, %L%s)',
        tracked.trigger, tracked.event, tracked.relation, tracked.rows, tracked.type,
        coalesce(entity_type, (SELECT c.relname FROM pg_class c WHERE c.oid = relation)), visibility, key_column, metadata_columns,
        ', ' || quote_literal(tracked.compared));
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live.track_activity(regclass, text, name, live.activity_visibility, text, text, text, name[], name[]) IS
'Logs the changes of a table''s rows as activities of the current user, in the same transaction; changes without a user are not logged. entity_type: NULL for the table''s name. A type that is NULL is not logged; all three NULL removes the triggers. update_columns: log only updates that change one of these, NULL for any column. metadata_columns: columns stored in the metadata.
The entity id is the key column, see live.entity_id(); a row whose id is not 1 to 255 characters without control characters is not logged. Metadata columns beyond live_private.checked_metadata() are left out; values are those of to_jsonb(), without the app''s casts to json. Both give a WARNING and never fail the statement. Partitions are tracked too, for statements that name them. Call it again after renaming a column or adding a partition. For the owner of the table, who needs USAGE on both schemas and EXECUTE on this function and live_private.track_row(). Errors: 22004, 22023, 42703; 42501 for a table of another owner; 42809 for other relations and tables of pg_live.';
