-- The schema `live`: all objects of the extension are in it. A schema of that name that exists already is somebody
-- else's, so the installation fails instead of adopting it. The control file sets schema = pg_catalog: while this
-- script runs, the search path is exactly pg_catalog, pg_temp, and no unqualified name can mean anybody's object.
\echo Use "CREATE EXTENSION pg_live" to load this file. \quit

CREATE SCHEMA live;
COMMENT ON SCHEMA live IS 'pg_live: presence, activity feeds and collaboration sessions, pushed live';

CREATE FUNCTION live.version() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_version';
COMMENT ON FUNCTION live.version() IS 'Version of the library that is loaded, the same as the extension''s unless an update is half done.';
