-- Entity types that the app has registered: an activity about such an entity needs a row that its actor may see. A row that
-- does not exist and one that the actor may not see cause the same error.

CREATE TABLE live_private.entity_type (
  name text COLLATE "C" PRIMARY KEY,
  relation text NOT NULL,
  key_column text NOT NULL
);
COMMENT ON TABLE live_private.entity_type IS 'Entity types with a table of their own, set by live.register_entity_type().';
COMMENT ON COLUMN live_private.entity_type.name IS 'As in live.activity_stream.entity_type.';
COMMENT ON COLUMN live_private.entity_type.relation IS 'Qualified name of the table or view. Not a regclass, which pg_upgrade refuses.';
COMMENT ON COLUMN live_private.entity_type.key_column IS 'The column that entity ids refer to.';
ALTER TABLE live_private.entity_type ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.entity_type', '');

CREATE FUNCTION live.register_entity_type(name text, relation regclass, key_column name) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  qualified text;
BEGIN
  PERFORM live_private.checked_text(name, 'name', 255);
  IF relation IS NULL OR key_column IS NULL THEN
    RAISE EXCEPTION 'relation and key_column must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  SELECT format('%I.%I', n.nspname, c.relname) INTO qualified
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = key_column COLLATE "C" AND a.attnum > 0 AND NOT a.attisdropped);
  IF qualified IS NULL THEN
    RAISE EXCEPTION 'relation % has no column "%"', relation, key_column USING ERRCODE = 'undefined_column';
  END IF;
  INSERT INTO live_private.entity_type AS t (name, relation, key_column) VALUES (register_entity_type.name COLLATE "C", qualified, key_column)
  ON CONFLICT ON CONSTRAINT entity_type_pkey DO UPDATE SET relation = excluded.relation, key_column = excluded.key_column;
END
$$;
COMMENT ON FUNCTION live.register_entity_type(text, regclass, name) IS
'Registers an entity type: the row of an activity''s entity must then exist and be visible to the actor, under the actor''s own rights, with search_path pg_catalog, pg_temp. Call it again after renaming the relation or column. For admins. Errors: 22004, 22023, 42703.';

CREATE FUNCTION live_private.entity_type_of(name text, OUT relation text, OUT key_column text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT t.relation, t.key_column INTO relation, key_column FROM live_private.entity_type t WHERE t.name = entity_type_of.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION live_private.entity_type_of(text) IS 'Relation and key column of a registered entity type; NULLs if it is not registered.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.entity_type_of(text)');

CREATE FUNCTION live.entity_id(key anyelement) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'pg_live_entity_id';
COMMENT ON FUNCTION live.entity_id(anyelement) IS
'The entity id of the row with this key: the same text in every session, whatever DateStyle, TimeZone and similar settings are. Times with a time zone are in UTC, booleans true or false, character(n) has no padding.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.entity_id(anyelement)');

-- SECURITY INVOKER: the row is looked up with the caller's rights. The comparison uses the column's type, so that its index
-- serves, but the base type of a domain, and no length or precision, to which a cast would cut the id. A text that is no
-- value of that type matches no entity, and neither does another spelling of a value: ' 7' is not the entity '7'.
CREATE FUNCTION live_private.require_entity(entity_type text, entity_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  place record;
  key_type text;
  found_it boolean := false;
BEGIN
  SELECT * INTO place FROM live_private.entity_type_of(entity_type);
  IF place.relation IS NULL THEN
    RETURN;
  END IF;
  BEGIN
    WITH RECURSIVE type AS (
      SELECT t.oid, t.typtype, t.typbasetype FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = to_regclass(place.relation) AND a.attname = place.key_column AND NOT a.attisdropped
      UNION ALL
      SELECT base.oid, base.typtype, base.typbasetype FROM type d JOIN pg_type base ON base.oid = d.typbasetype WHERE d.typtype = 'd'
    ) SELECT format_type(t.oid, -1) INTO key_type FROM type t WHERE t.typtype <> 'd';
    IF key_type IS NULL THEN
      RAISE EXCEPTION 'entity type "%" is registered for a relation or column that is not there', entity_type
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'An administrator of the app must call live.register_entity_type() again.';
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$s AS entity WHERE entity.%2$I = $1::text::%3$s AND live.entity_id(entity.%2$I) = $1 COLLATE "C")',
                   place.relation, place.key_column, key_type)
    INTO found_it USING entity_id;
  EXCEPTION WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
    NULL;
  END;
  IF NOT found_it THEN
    RAISE EXCEPTION 'entity does not exist' USING ERRCODE = 'foreign_key_violation',
      DETAIL = 'It may also be one that you may not see.';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.require_entity(text, text) IS
'Error 23503 unless the entity exists and the current user may see it; entities of unregistered types are not checked. Error 55000 if the relation or column of the type was renamed or dropped.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.require_entity(text, text)');
