-- Who the current request comes from. The claims are only as good as the gateway that set them: whoever can run
-- set_config() can be anybody, so they mean something only where clients cannot run SQL of their own.

CREATE FUNCTION live.jwt() RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_jwt';
COMMENT ON FUNCTION live.jwt() IS 'All claims (setting request.jwt.claims); NULL if there are none or they are not a JSON object.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.jwt()');

CREATE FUNCTION live.claim(name text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_claim';
COMMENT ON FUNCTION live.claim(text) IS 'One claim as text, like ->>: that of request.jwt.claims, or where this setting is empty the setting request.jwt.claim.<name>; NULL if absent.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.claim(text)');

CREATE FUNCTION live.user_id() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_user_id';
COMMENT ON FUNCTION live.user_id() IS
'The signed-in user: the claim "sub" of request.jwt.claims, or where this setting is empty the setting request.jwt.claim.sub. NULL if absent or not a string of 1 to 255 characters without control characters. Never raises; costs a policy about as much as a constant.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.user_id()');

CREATE FUNCTION live.user_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_user_uuid';
COMMENT ON FUNCTION live.user_uuid() IS 'live.user_id() where it is a UUID, NULL otherwise.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.user_uuid()');

CREATE FUNCTION live.jwt_role() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_jwt_role';
COMMENT ON FUNCTION live.jwt_role() IS
'The role of the request: the claim "role" of request.jwt.claims, or where this setting is empty the setting request.jwt.claim.role. Inside SECURITY DEFINER functions current_user is the owner, so ask this instead.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.jwt_role()');
