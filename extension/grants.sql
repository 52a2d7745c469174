-- Grants. PUBLIC gets none. The extension never creates roles: they belong to the cluster, not to a database.

CREATE TABLE live_private.granted_role (
  role_name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('client', 'bridge')),
  granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (role_name, kind, granted_at)
);
COMMENT ON TABLE live_private.granted_role IS 'The roles that live.grant_client() and live.grant_bridge() made clients and bridges.';
COMMENT ON COLUMN live_private.granted_role.role_name IS 'Name of the role, since a dump keeps names where the role does not exist.';
COMMENT ON COLUMN live_private.granted_role.kind IS 'client or bridge.';
COMMENT ON COLUMN live_private.granted_role.granted_at IS 'When it was granted. Part of the key, so that restored rows do not conflict with those of the installation.';
ALTER TABLE live_private.granted_role ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.granted_role', '');

-- A recorded grant counts, and not the privileges alone: an admin may have been granted all functions. A role that has lost
-- its privileges since, or was dropped and created again, does not count.
CREATE FUNCTION live_private.roles_granted(kind text) RETURNS SETOF regrole
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid::regrole
  FROM pg_roles r
  JOIN pg_proc p ON p.oid = CASE kind WHEN 'client' THEN 'live.topic_access(text)' ELSE 'live.fetch_events(bigint,bigint,integer)' END::regprocedure
  WHERE EXISTS (SELECT FROM live_private.granted_role g WHERE g.role_name = r.rolname AND g.kind = roles_granted.kind)
    AND EXISTS (SELECT FROM aclexplode(p.proacl) AS acl WHERE acl.grantee = r.oid AND acl.privilege_type = 'EXECUTE')
$$;
COMMENT ON FUNCTION live_private.roles_granted(text) IS 'The roles that are clients, or those that are bridges.';

CREATE FUNCTION live_private.note_grant(role regrole, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF kind = 'client' AND (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = role) THEN
    RAISE EXCEPTION 'role % is a superuser and cannot be a client', role USING ERRCODE = 'invalid_grant_operation',
      HINT = 'Each bridge becomes a member of each client role.';
  ELSIF role IN (SELECT live_private.roles_granted(CASE kind WHEN 'client' THEN 'bridge' ELSE 'client' END)) THEN
    RAISE EXCEPTION 'role % cannot be both a client and a bridge', role USING ERRCODE = 'invalid_grant_operation';
  ELSIF role NOT IN (SELECT live_private.roles_granted(note_grant.kind)) THEN
    INSERT INTO live_private.granted_role (role_name, kind) SELECT r.rolname, note_grant.kind FROM pg_roles r WHERE r.oid = role;
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.note_grant(regrole, text) IS 'Records that a role is a client, or a bridge. Error 0LP01 for a superuser as client, and for a role of the other kind. Part of the grants.';

-- Bridges become client roles with set_config('role', ...), so each bridge is a member of each client role.
CREATE FUNCTION live_private.grant_memberships() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bridge regrole;
  client regrole;
BEGIN
  FOR bridge IN SELECT live_private.roles_granted('bridge') LOOP
    FOR client IN SELECT live_private.roles_granted('client') LOOP
      IF NOT pg_has_role(bridge::oid, client::oid, 'MEMBER') THEN
        EXECUTE format('GRANT %s TO %s', client, bridge);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.grant_memberships() IS 'Makes each bridge a member of each client role.';

CREATE FUNCTION live_private.grant_schema(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = role) THEN
    RAISE EXCEPTION 'role does not exist' USING ERRCODE = 'undefined_object';
  END IF;
  -- Two concurrent grants on one object fail with "tuple concurrently updated".
  LOCK TABLE live_private.granted_role IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format('GRANT USAGE ON SCHEMA live, live_private TO %s', role);
END
$$;
COMMENT ON FUNCTION live_private.grant_schema(regrole) IS
'Grants a role USAGE of the schemas, the first step of every grant. Errors: 22004 for NULL, 42704 if there is no such role.';

CREATE FUNCTION live_private.grant_kind(role regrole, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  granted text;
BEGIN
  PERFORM live_private.grant_schema(role);
  PERFORM live_private.note_grant(role, kind);
  FOR granted IN SELECT p.privilege FROM live_private.privilege p WHERE p.kind = grant_kind.kind LOOP
    EXECUTE format('GRANT %s TO %s', granted, role);
  END LOOP;
  PERFORM live_private.grant_memberships();
END
$$;
COMMENT ON FUNCTION live_private.grant_kind(regrole, text) IS 'Makes a role a client, or a bridge. Part of the grants.';

CREATE FUNCTION live.grant_client(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$ BEGIN PERFORM live_private.grant_kind(role, 'client'); END $$;
COMMENT ON FUNCTION live.grant_client(regrole) IS
'Lets a role of the app call the client functions. Installation calls it for anon, authenticated and service_role where they exist, unless row_security is off, as in a restore, which brings its own grants. Errors: 22004; 42704; 0LP01 for a superuser or a bridge.';

CREATE FUNCTION live.grant_bridge(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$ BEGIN PERFORM live_private.grant_kind(role, 'bridge'); END $$;
COMMENT ON FUNCTION live.grant_bridge(regrole) IS
'Lets a login role be a bridge: fetch events, publish, and become each client role. The role should be NOINHERIT, so that it has their rights only while it acts for a user.';

-- Grants made by an extension script become initial privileges. A dump would leave them to the script, which would repeat
-- them for roles that were never granted, or fail once such a role was dropped. So these are made as if after it.
CREATE FUNCTION live_private.grant_found_clients() RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_live_grant_found_clients';
COMMENT ON FUNCTION live_private.grant_found_clients() IS 'Calls live.grant_client() for anon, authenticated and service_role where they exist. Part of the installation.';

-- Revokes what ALTER DEFAULT PRIVILEGES granted while this script created its objects: row security does not stop a
-- TRUNCATE.
DO $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT 'PUBLIC'
    UNION
    SELECT acl.grantee::regrole::text
    FROM (SELECT p.proacl, p.proowner FROM pg_proc p WHERE p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace)
          UNION ALL
          SELECT c.relacl, c.relowner FROM pg_class c WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace)
          UNION ALL
          SELECT n.nspacl, n.nspowner FROM pg_namespace n WHERE n.nspname IN ('live', 'live_private')) AS object (acl, owner)
    CROSS JOIN LATERAL aclexplode(object.acl) AS acl
    WHERE acl.grantee NOT IN (0, object.owner)
  LOOP
    EXECUTE format('REVOKE ALL ON SCHEMA live, live_private FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA live, live_private FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA live, live_private FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA live, live_private FROM %s', grantee);
  END LOOP;
END
$$;

SELECT live_private.grant_found_clients() WHERE current_setting('row_security')::boolean;
