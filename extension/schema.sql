-- The schemas: `live` has all that users, apps and clients call and read, `live_private` everything else. If a schema of
-- that name exists, the installation fails instead of adopting it. The control file sets schema = pg_catalog: while this
-- script runs, the search path is exactly pg_catalog, pg_temp, and an unqualified name cannot mean another object.
\echo Use "CREATE EXTENSION pg_live" to load this file. \quit

CREATE SCHEMA live;
COMMENT ON SCHEMA live IS 'pg_live: presence, activity feeds and collaboration sessions, pushed live';

CREATE SCHEMA live_private;
COMMENT ON SCHEMA live_private IS 'pg_live: the implementation of schema live; names in it may change with every version.';

-- The privileges of each kind of role; each row stands beside its object. Columns are granted and not tables, since ctid
-- and xmax would show when a row was written, even that of an invisible user.
CREATE TABLE live_private.privilege (
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('client', 'bridge')),
  privilege text COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, privilege)
);
COMMENT ON TABLE live_private.privilege IS 'The privileges that live.grant_client() and live.grant_bridge() grant.';
COMMENT ON COLUMN live_private.privilege.kind IS 'The kind of role: client or bridge.';
COMMENT ON COLUMN live_private.privilege.privilege IS 'In the syntax of GRANT, from the privilege to the object.';
ALTER TABLE live_private.privilege ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION live.version() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_version';
COMMENT ON FUNCTION live.version() IS 'Version of the loaded library; differs from the extension''s while an update is half done.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.version()');
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.version()');
