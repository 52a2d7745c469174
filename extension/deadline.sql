-- The clock of presence. Readers compare deadlines with live_private.clock() themselves, so expired rows are never shown;
-- the worker is woken in time to announce.

CREATE FUNCTION live_private.clock() RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_clock';
COMMENT ON FUNCTION live_private.clock() IS 'The time of presence: the server''s clock, shifted by pg_live.clock_offset in tests.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.clock()');

CREATE FUNCTION live_private.idle_after() RETURNS interval
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_idle_after';
COMMENT ON FUNCTION live_private.idle_after() IS 'Setting pg_live.idle_after: how long a connection stays active without use.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.idle_after()');
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.idle_after()');

CREATE FUNCTION live_private.grace_period() RETURNS interval
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_grace_period';
COMMENT ON FUNCTION live_private.grace_period() IS 'Setting pg_live.grace_period: how long a broken connection still counts.';

CREATE FUNCTION live_private.wake_worker(deadline timestamptz) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_wake_worker';
COMMENT ON FUNCTION live_private.wake_worker(timestamptz) IS
'Makes the worker look at deadlines by that time if this transaction commits. Does nothing for NULL, or where no worker runs.';

CREATE FUNCTION live_private.is_alive(expires_at timestamptz, node_id uuid, node_expires_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN expires_at > live_private.clock() AND (node_id IS NULL OR coalesce(node_expires_at > live_private.clock(), false));
COMMENT ON FUNCTION live_private.is_alive(timestamptz, uuid, timestamptz) IS
'Whether a connection or a member is alive: its own deadline has not passed, nor that of its node (NULL: the node is gone).';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.is_alive(timestamptz, uuid, timestamptz)');

CREATE FUNCTION live_private.default_lease() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '30 seconds'::interval;
COMMENT ON FUNCTION live_private.default_lease() IS 'How long a node lives without renewal, unless it asks for another lease.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.default_lease()');
