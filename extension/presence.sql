-- Presence: what is shown of a user, derived from the user's connections (connection.sql) and the mode the user chose.
-- live.user_presence is the last announcement; the view live.presence is exact at the moment it is read.
--
-- Invisibility: of an invisible user, others can read only the row of live.user_presence, frozen with status offline when
-- the user became invisible. The actual state and later changes are in live_private.invisible_user and live.connection,
-- which only the user can read.

CREATE TYPE live.presence_status AS ENUM ('online', 'away', 'busy', 'offline');
COMMENT ON TYPE live.presence_status IS 'The status shown of a user.';
CREATE TYPE live.presence_mode AS ENUM ('auto', 'away', 'busy', 'invisible');
COMMENT ON TYPE live.presence_mode IS
'The mode a user chose. auto: online, or away while all connections are idle; away, busy: shown so while connected; invisible: offline to others.';
CREATE TYPE live.device_type AS ENUM ('desktop', 'mobile', 'tablet', 'web', 'other');
COMMENT ON TYPE live.device_type IS 'The kind of device of a connection.';

CREATE TABLE live.user_presence (
  user_id text COLLATE "C" PRIMARY KEY,
  status live.presence_status NOT NULL DEFAULT 'offline',
  mode live.presence_mode NOT NULL DEFAULT 'auto',
  custom_status text,
  device_type live.device_type,
  metadata jsonb NOT NULL DEFAULT '{}',
  last_seen_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE live.user_presence IS 'The announced presence, one row a user, written on transitions only.';
COMMENT ON COLUMN live.user_presence.user_id IS 'User whose presence it is.';
COMMENT ON COLUMN live.user_presence.status IS 'The announced status; the view live.presence is exact.';
COMMENT ON COLUMN live.user_presence.mode IS 'The mode the user chose; for an invisible user, the mode before.';
COMMENT ON COLUMN live.user_presence.custom_status IS 'A text of the user, up to 255 characters.';
COMMENT ON COLUMN live.user_presence.device_type IS 'The device last used.';
COMMENT ON COLUMN live.user_presence.metadata IS 'Metadata that the app wants to show, see live_private.checked_metadata().';
COMMENT ON COLUMN live.user_presence.last_seen_at IS 'When the user was last connected; a lower bound after a crash of the server. NULL: never.';
COMMENT ON COLUMN live.user_presence.updated_at IS 'When the row was last written.';
CREATE INDEX user_presence_announced_idx ON live.user_presence (user_id) WHERE status <> 'offline';
-- An index a status: under row security, a comparison of the status, which is not leakproof, cannot be an index condition.
CREATE INDEX user_presence_online_idx ON live.user_presence (user_id) WHERE status = 'online';
CREATE INDEX user_presence_away_idx ON live.user_presence (user_id) WHERE status = 'away';
CREATE INDEX user_presence_busy_idx ON live.user_presence (user_id) WHERE status = 'busy';
SELECT pg_extension_config_dump('live.user_presence', '');

-- Only a restore or replication inserts a row with another status, and no user is connected to a database just restored.
CREATE FUNCTION live_private.restore_offline() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  new.status := 'offline';
  RETURN new;
END
$$;
COMMENT ON FUNCTION live_private.restore_offline() IS 'Stores a new row with status offline, which only live_private.announce() changes. Emits nothing.';
CREATE TRIGGER restore_offline BEFORE INSERT ON live.user_presence
FOR EACH ROW WHEN (new.status <> 'offline') EXECUTE FUNCTION live_private.restore_offline();
ALTER TABLE live.user_presence ENABLE ALWAYS TRIGGER restore_offline;

-- ON CONFLICT alone would wait for a transaction that is changing an existing row.
CREATE FUNCTION live_private.make_user_presence(user_ids text[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO live.user_presence (user_id)
  SELECT DISTINCT u FROM unnest(user_ids) AS u
  WHERE u IS NOT NULL AND NOT EXISTS (SELECT FROM live.user_presence p WHERE p.user_id = u) ORDER BY u
  ON CONFLICT ON CONSTRAINT user_presence_pkey DO NOTHING
$$;
COMMENT ON FUNCTION live_private.make_user_presence(text[]) IS 'Inserts the missing rows of users. For the extension itself.';

-- For callers that act for many users: a row that another transaction is inserting is left to that transaction.
CREATE FUNCTION live_private.make_unheld_presence(user_ids text[], patience text DEFAULT '50ms') RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  unknown text[] := array(SELECT DISTINCT u FROM unnest(user_ids) AS u
                          WHERE u IS NOT NULL AND NOT EXISTS (SELECT FROM live.user_presence p WHERE p.user_id = u));
  usual text := current_setting('lock_timeout');
  each text;
BEGIN
  IF cardinality(unknown) = 0 THEN
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', patience, true);
  BEGIN
    PERFORM live_private.make_user_presence(unknown);
  EXCEPTION WHEN lock_not_available THEN
    FOREACH each IN ARRAY unknown LOOP
      BEGIN
        PERFORM live_private.make_user_presence(ARRAY[each]);
      EXCEPTION WHEN lock_not_available THEN
        NULL;
      END;
    END LOOP;
  END;
  PERFORM set_config('lock_timeout', usual, true);
END
$$;
COMMENT ON FUNCTION live_private.make_unheld_presence(text[], text) IS
'Inserts the missing rows of users, except those that another transaction is still inserting after patience, a lock_timeout. For the extension itself.';

CREATE TABLE live_private.invisible_user (
  user_id text COLLATE "C" PRIMARY KEY REFERENCES live.user_presence ON DELETE CASCADE,
  custom_status text,
  metadata jsonb NOT NULL
);
COMMENT ON TABLE live_private.invisible_user IS 'The users whose mode is invisible, with their changes since.';
COMMENT ON COLUMN live_private.invisible_user.user_id IS 'User who is invisible.';
COMMENT ON COLUMN live_private.invisible_user.custom_status IS 'As in live.user_presence; shown once the user is visible again.';
COMMENT ON COLUMN live_private.invisible_user.metadata IS 'As in live.user_presence; shown once the user is visible again.';
SELECT pg_extension_config_dump('live_private.invisible_user', '');

CREATE TABLE live_private.presence_rule (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  rule text NOT NULL CHECK (rule IN ('everyone', 'session', 'followers', 'function')),
  check_function text CHECK ((check_function IS NOT NULL) = (rule = 'function'))
);
COMMENT ON TABLE live_private.presence_rule IS 'The rule of presence visibility, set by live.set_presence_visibility(); no row: every signed-in user sees all.';
COMMENT ON COLUMN live_private.presence_rule.is_only IS 'Always true: the table has at most one row.';
COMMENT ON COLUMN live_private.presence_rule.rule IS 'everyone, session, followers or function.';
COMMENT ON COLUMN live_private.presence_rule.check_function IS 'Qualified name of a function (user_id text) returning boolean.';
SELECT pg_extension_config_dump('live_private.presence_rule', '');

CREATE FUNCTION live_private.presence_rule_in_force(OUT rule text, OUT check_function text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT r.rule, r.check_function INTO rule, check_function FROM live_private.presence_rule r;
  rule := coalesce(rule, 'everyone');
END
$$;
COMMENT ON FUNCTION live_private.presence_rule_in_force() IS 'The rule of presence visibility in force.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.presence_rule_in_force()');

-- SECURITY INVOKER, so that the app's function is called as the user.
CREATE FUNCTION live_private.can_see_presence(user_id text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live.user_id();
  target text COLLATE "C" := user_id;
  visibility record;
  visible boolean;
BEGIN
  IF me IS NULL OR target IS NULL THEN
    RETURN false;
  ELSIF me = target THEN
    RETURN true;
  END IF;
  visibility := live_private.presence_rule_in_force();
  CASE visibility.rule
    WHEN 'everyone' THEN RETURN true;
    WHEN 'session' THEN RETURN live.shares_session_with(target);
    WHEN 'followers' THEN RETURN live.follows(target);
    ELSE
      EXECUTE format('SELECT %s($1)', visibility.check_function) INTO visible USING target;
      RETURN coalesce(visible, false);
  END CASE;
END
$$;
COMMENT ON FUNCTION live_private.can_see_presence(text) IS
'Whether the current user may see the presence of that user: always for oneself, for others by live.set_presence_visibility(), never when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.can_see_presence(text)');

CREATE FUNCTION live.set_presence_visibility(rule text, check_function regprocedure DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF rule IS NULL OR rule COLLATE "C" NOT IN ('everyone', 'session', 'followers', 'function') THEN
    RAISE EXCEPTION 'invalid rule of presence visibility: "%"', coalesce(left(rule, 60), 'NULL')
      USING ERRCODE = 'invalid_parameter_value', HINT = 'It is one of everyone, session, followers, function.';
  ELSIF (rule COLLATE "C" = 'function') <> (check_function IS NOT NULL) THEN
    RAISE EXCEPTION 'a check function is given with the rule "function", and only then'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO live_private.presence_rule AS current (rule, check_function)
  VALUES (set_presence_visibility.rule, live_private.check_function_name(set_presence_visibility.check_function))
  ON CONFLICT (is_only) DO UPDATE SET rule = excluded.rule, check_function = excluded.check_function;
  -- Subscribers have presence that they may no longer see, or lack some: they join again and read it again.
  PERFORM live.emit('$access', 'access:revoked',
                    jsonb_build_object('topic', 'presence', 'reason', 'who may see whose presence has changed', 'rejoin', true));
END
$$;
COMMENT ON FUNCTION live.set_presence_visibility(text, regprocedure) IS
'Sets who may see whose presence: everyone (signed in; the default), session (users who share an active session), followers (of the shown user), function (user_id text) returning boolean, called as the viewer. Holds for tables, views, functions and events. Subscriptions to the topic presence end with an error, upon which clients join again. For admins. Errors: 22023, 42P13.';

CREATE FUNCTION live_private.derived_status(mode live.presence_mode, connections bigint, active boolean) RETURNS live.presence_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN coalesce(connections, 0) = 0 THEN 'offline'::live.presence_status
  WHEN mode = 'busy' THEN 'busy'
  WHEN mode = 'away' OR NOT active THEN 'away'
  ELSE 'online'
END;
COMMENT ON FUNCTION live_private.derived_status(live.presence_mode, bigint, boolean) IS
'The status of a user with that mode and so many connections; active: at least one of them is.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.derived_status(live.presence_mode, bigint, boolean)');

CREATE FUNCTION live_private.shown_device(connected live.device_type, announced live.device_type) RETURNS live.device_type
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(connected, 'other'), announced, connected);
COMMENT ON FUNCTION live_private.shown_device(live.device_type, live.device_type) IS
'The device shown of a user: that of the connection last used if known, else the one last announced.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.shown_device(live.device_type, live.device_type)');
