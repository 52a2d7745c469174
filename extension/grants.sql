-- Who may call what. Nothing is PUBLIC's. Roles are never created: they belong to the cluster, not to a database.

CREATE TABLE live.granted_role (
  role_name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('client', 'bridge')),
  granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (role_name, kind, granted_at)
);
COMMENT ON TABLE live.granted_role IS 'The roles that were made clients and bridges, with live.grant_client() and live.grant_bridge().';
COMMENT ON COLUMN live.granted_role.role_name IS 'The role. A name, which a dump can keep where the role does not exist.';
COMMENT ON COLUMN live.granted_role.kind IS 'client or bridge.';
COMMENT ON COLUMN live.granted_role.granted_at IS 'Since when. Part of the key, so that a restored row meets none that installation made.';
ALTER TABLE live.granted_role ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live.granted_role', '');

-- What was said counts, and not who may execute what: an admin may have been given all functions. A role that has lost its
-- rights since, or was dropped and made again, counts no more.
CREATE FUNCTION live.roles_granted(kind text) RETURNS SETOF regrole
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid::regrole
  FROM pg_roles r
  JOIN pg_proc p ON p.oid = CASE kind WHEN 'client' THEN 'live.topic_access(text)' ELSE 'live.fetch_events(bigint,bigint,integer)' END::regprocedure
  WHERE EXISTS (SELECT FROM live.granted_role g WHERE g.role_name = r.rolname AND g.kind = roles_granted.kind)
    AND EXISTS (SELECT FROM aclexplode(p.proacl) AS acl WHERE acl.grantee = r.oid AND acl.privilege_type = 'EXECUTE')
$$;
COMMENT ON FUNCTION live.roles_granted(text) IS 'The roles that are clients, or bridges.';

CREATE FUNCTION live.note_grant(role regrole, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF kind = 'client' AND (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = role) THEN
    RAISE EXCEPTION 'role % is a superuser and cannot be a client', role USING ERRCODE = 'invalid_grant_operation',
      HINT = 'Each bridge becomes a member of each client role.';
  ELSIF role IN (SELECT live.roles_granted(CASE kind WHEN 'client' THEN 'bridge' ELSE 'client' END)) THEN
    RAISE EXCEPTION 'role % cannot be both a client and a bridge', role USING ERRCODE = 'invalid_grant_operation';
  ELSIF role NOT IN (SELECT live.roles_granted(note_grant.kind)) THEN
    INSERT INTO live.granted_role (role_name, kind) SELECT r.rolname, note_grant.kind FROM pg_roles r WHERE r.oid = role;
  END IF;
END
$$;
COMMENT ON FUNCTION live.note_grant(regrole, text) IS 'Keeps that a role is a client, or a bridge. Error 0LP01 for a client that is a superuser, and for a role of the other kind. Part of the grants.';

-- Bridges become client roles with set_config('role', ...), so each bridge is a member of each client role.
CREATE FUNCTION live.grant_memberships() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bridge regrole;
  client regrole;
BEGIN
  FOR bridge IN SELECT live.roles_granted('bridge') LOOP
    FOR client IN SELECT live.roles_granted('client') LOOP
      IF NOT pg_has_role(bridge::oid, client::oid, 'MEMBER') THEN
        EXECUTE format('GRANT %s TO %s', client, bridge);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live.grant_memberships() IS 'Makes each bridge a member of each client role.';

CREATE FUNCTION live.grant_schema(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = role) THEN
    RAISE EXCEPTION 'role does not exist' USING ERRCODE = 'undefined_object';
  END IF;
  -- Two grants at a time on one object fail: "tuple concurrently updated".
  LOCK TABLE live.granted_role IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format('GRANT USAGE ON SCHEMA live TO %s', role);
END
$$;
COMMENT ON FUNCTION live.grant_schema(regrole) IS
'Lets a role name objects of the schema live, the first step of every grant. Errors: 22004 for NULL, 42704 for no role.';

-- Columns are granted and not tables: ctid and xmax would tell when a row was written, also one of an invisible user. Which
-- socket of which bridge tracks a member is nobody else's business.
CREATE FUNCTION live.client_relation() RETURNS TABLE (name name, columns text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'live'::regnamespace
    AND c.relname IN ('presence', 'due_presence', 'user_presence', 'invisible_user', 'connection', 'typing', 'channel_presence',
                      'collaboration_sessions', 'session_participants', 'follow_edge', 'activity_stream', 'activity_key', 'activity_audience',
                      'notification_state', 'notification_read')
    AND NOT (c.relname = 'channel_presence' AND a.attname IN ('connection', 'node_id'))
  GROUP BY c.relname
$$;
COMMENT ON FUNCTION live.client_relation() IS 'What clients read under row security, and which columns of it. Part of live.grant_client().';

CREATE FUNCTION live.grant_client(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live.grant_schema(role);
  PERFORM live.note_grant(role, 'client');
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION live.version(), live.jwt(), live.claim(text), live.user_id(), live.user_uuid(), live.jwt_role(),
       live.is_built_in_topic(text), live.is_topic_name(text), live.is_open_room(text), live.topic_rule_of(text), live.topic_access(text),
       live.send(text, text, jsonb, boolean), live.replay(text, text, timestamptz, integer), live.replay_start(text, timestamptz, integer),
       live.clock(), live.is_alive(timestamptz, uuid, timestamptz), live.idle_after(), live.checked_metadata(jsonb), live.required_user(), live.my_sessions(),
       live.is_participant(uuid, live.participant_role), live.shares_session_with(text), live.follows(text),
       live.presence_rule_in_force(), live.can_see_presence(text), live.derived_status(live.presence_mode, bigint, boolean),
       live.shown_device(live.device_type, live.device_type), live.presence_of(text), live.get_presence(text),
       live.update_presence(live.presence_mode, text, live.device_type, jsonb), live.disconnect(uuid), live.go_offline(),
       live.heartbeat(uuid, live.device_type, boolean, interval), live.heartbeat_of_socket(uuid, live.device_type, boolean),
       live.node_expiry(uuid),
       live.get_online_users(integer, text, live.presence_status[]), live.get_presence_summary(),
       live.set_typing(text, boolean), live.set_typing_of_socket(uuid, text, boolean), live.get_typing(text), live.channel_members(text) TO %s', role);
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION live.my_follows(), live.follow(text), live.unfollow(text), live.entity_type_of(text), live.entity_id(anyelement), live.require_entity(text, text),
       live.activity_cursor(timestamptz, bigint), live.visible_audience(bigint), live.own_audience(bigint), live.audience(live.activity_stream),
       live.log_activity(text, text, text, jsonb, live.activity_visibility, uuid, text[], text), live.delete_activity(bigint),
       live.set_activity_visibility(bigint, live.activity_visibility, text[]),
       live.get_feed_activities(integer, text, text[], text, text, text, uuid, timestamptz, timestamptz, jsonb, boolean),
       live.get_home_feed(integer, text, text[]), live.get_entity_activities(text, text, integer, text),
       live.get_feed_groups(integer, text, text), live.get_notifications(integer, text), live.mark_seen(bigint), live.mark_read(bigint[]),
       live.unread_count(), live.get_trending(text, integer), live.get_activity_trends(integer),
       live.to_activitystreams(live.activity_stream), live.activitystreams_type(text), live.activitystreams_urn(text, text[]),
       live.activitystreams_time(timestamptz) TO %s', role);
  EXECUTE (SELECT string_agg(format('GRANT SELECT (%s) ON live.%I TO %s', r.columns, r.name, role), ';') FROM live.client_relation() r);
  PERFORM live.grant_memberships();
END
$$;
COMMENT ON FUNCTION live.grant_client(regrole) IS
'Lets a role of the app (anon, authenticated) call the client functions. Installation does it for anon, authenticated and service_role where they exist, unless row_security is off, as it is while a dump is restored: that brings its own grants. Errors: 22004; 42704; 0LP01 for a superuser and for a bridge.';

CREATE FUNCTION live.grant_bridge(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live.grant_schema(role);
  PERFORM live.note_grant(role, 'bridge');
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION live.version(), live.newest_batch(), live.fetch_events(bigint, bigint, integer),
       live.publish(), live.drop_expired_events(), live.status(), live.stream_state(bigint), live.expire_presence(),
       live.default_lease(), live.idle_after(), live.register_node(uuid, interval), live.renew_node(uuid, interval), live.retire_node(uuid),
       live.connect_users(uuid, uuid[], text[], live.device_type[]), live.disconnect_users(uuid[], boolean),
       live.report_activity(uuid[], integer[]), live.store_channel_presence(uuid, jsonb, text[]), live.refused_members(jsonb),
       live.channel_roster(text, boolean),
       live.refresh_summaries(), live.drop_expired_activities() TO %s', role);
  EXECUTE format('GRANT EXECUTE ON PROCEDURE live.await_batch(bigint, integer, bigint) TO %s', role);
  PERFORM live.grant_memberships();
END
$$;
COMMENT ON FUNCTION live.grant_bridge(regrole) IS
'Lets a login role be a bridge: fetch events, publish, and become the client roles. The role should be NOINHERIT, so that it has their rights only while it acts for a user.';

-- What a script of an extension grants is kept as its initial privileges: a dump would leave those grants to the script, and
-- make them anew for roles that were never granted, or fail once such a role was dropped. So these are made as if later.
CREATE FUNCTION live.grant_found_clients() RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_live_grant_found_clients';
COMMENT ON FUNCTION live.grant_found_clients() IS 'Calls live.grant_client() for anon, authenticated and service_role where they exist. Part of the installation.';

-- What ALTER DEFAULT PRIVILEGES gave to a role while this script created it is taken back: row security does not stop
-- a TRUNCATE.
DO $$
DECLARE
  grantee regrole;
BEGIN
  FOR grantee IN
    SELECT DISTINCT acl.grantee
    FROM (SELECT p.proacl, p.proowner FROM pg_proc p WHERE p.pronamespace = 'live'::regnamespace
          UNION ALL
          SELECT c.relacl, c.relowner FROM pg_class c WHERE c.relnamespace = 'live'::regnamespace
          UNION ALL
          SELECT n.nspacl, n.nspowner FROM pg_namespace n WHERE n.nspname = 'live') AS object (acl, owner)
    CROSS JOIN LATERAL aclexplode(object.acl) AS acl
    WHERE acl.grantee NOT IN (0, object.owner)
  LOOP
    EXECUTE format('REVOKE ALL ON SCHEMA live FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA live FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA live FROM %s', grantee);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA live FROM %s', grantee);
  END LOOP;
END
$$;
REVOKE ALL ON SCHEMA live FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA live FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA live FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA live FROM PUBLIC;

SELECT live.grant_found_clients() WHERE current_setting('row_security')::boolean;
