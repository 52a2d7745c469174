-- Prepares a private cluster for tests and the demo: the roles an application brings, the bridge's login role, and the
-- extension in the current database. The extension itself never creates a role.
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role live_bridge login noinherit;
grant anon, authenticated, service_role to live_bridge;

create extension pg_live;
select live.grant_bridge('live_bridge');
