-- The user of the current request. Claims are only as good as the gateway that sets them: a client that can run
-- set_config() can claim any identity, so they mean something only where clients cannot run SQL of their own.

CREATE FUNCTION live.jwt() RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_jwt';
COMMENT ON FUNCTION live.jwt() IS 'All claims (setting request.jwt.claims); NULL if there are none or they are not a JSON object.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.jwt()');

CREATE FUNCTION live.claim(name text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_claim';
COMMENT ON FUNCTION live.claim(text) IS 'One claim as text, like ->>: from request.jwt.claims, or where that setting is empty, from request.jwt.claim.<name>; NULL if absent.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.claim(text)');

CREATE FUNCTION live.user_id() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_user_id';
COMMENT ON FUNCTION live.user_id() IS
'The signed-in user: the claim "sub" of request.jwt.claims, or where that setting is empty, request.jwt.claim.sub. NULL if absent or not a string of 1 to 255 characters without control characters. Never raises.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.user_id()');

CREATE FUNCTION live.user_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_user_uuid';
COMMENT ON FUNCTION live.user_uuid() IS 'live.user_id() where it is a UUID, NULL otherwise.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.user_uuid()');

CREATE FUNCTION live.jwt_role() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_jwt_role';
COMMENT ON FUNCTION live.jwt_role() IS
'The role of the request: the claim "role" of request.jwt.claims, or where that setting is empty, request.jwt.claim.role. Use it in SECURITY DEFINER functions, where current_user is the owner.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.jwt_role()');
