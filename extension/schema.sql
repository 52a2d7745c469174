-- The schemas: `live` has what users, apps and clients call and read, `live_private` all the rest. If a schema of such a
-- name exists, the installation fails instead of adopting it. The control file sets schema = pg_catalog: while this
-- script runs, the search path is exactly pg_catalog, pg_temp, and an unqualified name cannot mean another object.
\echo Use "CREATE EXTENSION pg_live" to load this file. \quit

CREATE SCHEMA live;
COMMENT ON SCHEMA live IS 'pg_live: presence, activity feeds and collaboration sessions, pushed live';

CREATE SCHEMA live_private;
COMMENT ON SCHEMA live_private IS 'pg_live: what schema live is made of; it may change with every version.';

-- What each kind of role may do: a line beside what it is about. Columns are granted and not tables: ctid and xmax would
-- tell when a row was written, also one of an invisible user.
CREATE TABLE live_private.privilege (
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('client', 'bridge')),
  privilege text COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, privilege)
);
COMMENT ON TABLE live_private.privilege IS 'What live.grant_client() and live.grant_bridge() grant.';
COMMENT ON COLUMN live_private.privilege.kind IS 'Of which kind of roles: client or bridge.';
COMMENT ON COLUMN live_private.privilege.privilege IS 'As GRANT takes it, from the privilege to the object.';
ALTER TABLE live_private.privilege ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION live.version() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_version';
COMMENT ON FUNCTION live.version() IS 'Version of the library that is loaded, the same as the extension''s unless an update is half done.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.version()');
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.version()');
