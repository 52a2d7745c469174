-- Activity in sessions: which connections are in which sessions, and which participants are active.
--
-- A participant is active while one of the user's connections is in the session. What ends a connection also ends its
-- place in sessions, so the leases of nodes count here as they do for presence. Disconnecting is not leaving.

CREATE UNLOGGED TABLE live_private.session_connection (
  connection_id uuid NOT NULL,
  session_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C",
  cursor jsonb,
  PRIMARY KEY (connection_id, session_id)
) WITH (fillfactor = 50); -- cursors move often
COMMENT ON TABLE live_private.session_connection IS 'The connections that are in sessions, with their cursors. UNLOGGED, as connections are. A row whose connection has ended counts for nothing.';
COMMENT ON COLUMN live_private.session_connection.connection_id IS 'Connection that is in the session.';
COMMENT ON COLUMN live_private.session_connection.session_id IS 'Session in which it is.';
COMMENT ON COLUMN live_private.session_connection.user_id IS 'User of the connection.';
COMMENT ON COLUMN live_private.session_connection.client_id IS 'Tab or device whose cursor it is; NULL while there is no cursor.';
COMMENT ON COLUMN live_private.session_connection.cursor IS 'The newest cursor of the connection; NULL: none.';
CREATE INDEX session_connection_participant_idx ON live_private.session_connection (session_id, user_id);
ALTER TABLE live_private.session_connection ENABLE ROW LEVEL SECURITY;

-- Without a key, since an INSERT would wait for a transaction that is inserting the same one.
CREATE UNLOGGED TABLE live_private.unsettled_participant (
  session_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL
);
COMMENT ON TABLE live_private.unsettled_participant IS 'Participants of whom a row was locked when their activity changed; the worker settles them.';
COMMENT ON COLUMN live_private.unsettled_participant.session_id IS 'Session of the participant.';
COMMENT ON COLUMN live_private.unsettled_participant.user_id IS 'User who takes part.';
ALTER TABLE live_private.unsettled_participant ENABLE ROW LEVEL SECURITY;

-- An invisible user is shown as absent, here as elsewhere.
CREATE FUNCTION live_private.is_in_session(session_id uuid, user_id text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live_private.session_connection v JOIN live.connection c ON c.id = v.connection_id
                 WHERE v.session_id = is_in_session.session_id AND v.user_id = is_in_session.user_id COLLATE "C")
     AND EXISTS (SELECT FROM live.collaboration_sessions s WHERE s.id = is_in_session.session_id AND s.status = 'active')
     AND NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = is_in_session.user_id COLLATE "C")
$$;
COMMENT ON FUNCTION live_private.is_in_session(uuid, text) IS 'Whether a connection of a user is in an active session and the user is not invisible.';

-- The row of a participant is locked before the connections are read, so that of two changes at once the last one sees
-- both. A row that is locked is left to the worker, which waits for no transaction.
CREATE FUNCTION live_private.settle_free_participants(session_ids uuid[], user_ids text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
  free_sessions uuid[];
  free_users text[] COLLATE "C";
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN -- an old snapshot does not tell who is there
    INSERT INTO live_private.unsettled_participant (session_id, user_id) SELECT u.session_id, u.user_id FROM unnest(session_ids, user_ids) AS u (session_id, user_id);
    RETURN 0;
  END IF;
  SELECT array_agg(free.session_id), array_agg(free.user_id) INTO free_sessions, free_users
  FROM (SELECT p.session_id, p.user_id FROM unnest(session_ids, user_ids) AS u (session_id, user_id)
        JOIN live.session_participants p ON p.session_id = u.session_id AND p.user_id = u.user_id COLLATE "C"
        ORDER BY p.session_id, p.user_id FOR NO KEY UPDATE OF p SKIP LOCKED) AS free;
  IF cardinality(session_ids) > coalesce(cardinality(free_sessions), 0) THEN
    INSERT INTO live_private.unsettled_participant (session_id, user_id)
    SELECT held.session_id, held.user_id
    FROM (SELECT u.session_id, u.user_id COLLATE "C" FROM unnest(session_ids, user_ids) AS u (session_id, user_id)
          EXCEPT SELECT f.session_id, f.user_id FROM unnest(free_sessions, free_users) AS f (session_id, user_id)) AS held (session_id, user_id)
    WHERE EXISTS (SELECT FROM live.session_participants p WHERE p.session_id = held.session_id AND p.user_id = held.user_id);
  END IF;
  UPDATE live.session_participants p SET is_active = NOT p.is_active
  FROM unnest(free_sessions, free_users) AS f (session_id, user_id)
  WHERE p.session_id = f.session_id AND p.user_id = f.user_id
    AND p.is_active <> live_private.is_in_session(p.session_id, p.user_id);
  RETURN coalesce(cardinality(free_sessions), 0);
END
$$;
COMMENT ON FUNCTION live_private.settle_free_participants(uuid[], text[]) IS
'Brings is_active of these participants up to date, but for those whose rows are locked, and in a transaction that is not READ COMMITTED, which it notes; returns how many are up to date. Part of live_private.settle_participants().';

CREATE FUNCTION live_private.settle_participants(session_ids uuid[], user_ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.settle_free_participants(session_ids, user_ids);
  IF EXISTS (SELECT FROM live_private.unsettled_participant) THEN
    PERFORM live_private.wake_worker(live_private.clock());
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.settle_participants(uuid[], text[]) IS
'Brings is_active of these participants up to date; the worker does it for those whose rows are locked.';

CREATE FUNCTION live_private.settle_due_participants(most integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session_ids uuid[];
  user_ids text[];
  due_rows bigint;
  settled integer;
BEGIN
  WITH due AS (
    DELETE FROM live_private.unsettled_participant u
    WHERE u.ctid = ANY (ARRAY(SELECT d.ctid FROM live_private.unsettled_participant d LIMIT most FOR UPDATE SKIP LOCKED))
    RETURNING u.session_id, u.user_id)
  SELECT array_agg(d.session_id), array_agg(d.user_id), sum(d.count) INTO session_ids, user_ids, due_rows
  FROM (SELECT due.session_id, due.user_id, count(*) FROM due GROUP BY due.session_id, due.user_id) AS d;
  IF session_ids IS NULL THEN
    RETURN false;
  END IF;
  DELETE FROM live_private.session_connection c
  WHERE (c.connection_id, c.session_id) IN (
    SELECT v.connection_id, v.session_id FROM unnest(session_ids, user_ids) AS u (session_id, user_id)
    JOIN live_private.session_connection v ON v.session_id = u.session_id AND v.user_id = u.user_id
    WHERE NOT EXISTS (SELECT FROM live.connection e WHERE e.id = v.connection_id) FOR UPDATE OF v SKIP LOCKED);
  settled := live_private.settle_free_participants(session_ids, user_ids);
  INSERT INTO live_private.unsettled_participant (session_id, user_id) -- whose visits were locked a moment ago
  SELECT DISTINCT v.session_id, v.user_id FROM unnest(session_ids, user_ids) AS u (session_id, user_id)
  JOIN live_private.session_connection v ON v.session_id = u.session_id AND v.user_id = u.user_id
  WHERE NOT EXISTS (SELECT FROM live.connection e WHERE e.id = v.connection_id);
  RETURN due_rows = most AND settled > 0; -- the worker looks at the others again after a pause
END
$$;
COMMENT ON FUNCTION live_private.settle_due_participants(integer) IS
'Settles participants of whom a row was locked when their activity changed, at most so many, and deletes their visits of connections that have ended; returns whether more may be due. Part of live.expire_presence().';

-- A row that comes from an app or a dump does not say who is there.
CREATE FUNCTION live_private.set_activity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  new.is_active := live_private.is_in_session(new.session_id, new.user_id);
  RETURN new;
END
$$;
COMMENT ON FUNCTION live_private.set_activity() IS 'Sets is_active of a new participant to what is so.';
CREATE TRIGGER pg_live_participant_added BEFORE INSERT ON live.session_participants FOR EACH ROW EXECUTE FUNCTION live_private.set_activity();

-- Connections are UNLOGGED and participants are not, so after a crash nobody is in a session.
CREATE FUNCTION live_private.settle_all_participants() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session_ids uuid[];
  user_ids text[];
BEGIN
  SELECT array_agg(p.session_id), array_agg(p.user_id) INTO session_ids, user_ids
  FROM live.session_participants p
  WHERE p.is_active AND NOT live_private.is_in_session(p.session_id, p.user_id);
  IF session_ids IS NOT NULL THEN
    PERFORM live_private.settle_participants(session_ids, user_ids);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.settle_all_participants() IS
'Settles the participants who are marked active without a connection. Called after each start of the server.';

CREATE FUNCTION live_private.note_participant_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM live.collaboration_sessions s WHERE s.id = new.session_id AND s.status = 'active') THEN
    PERFORM live_private.emit_to_session(new.session_id, 'collab:user_changed',
              jsonb_build_object('user_id', new.user_id, 'role', new.role, 'is_active', new.is_active));
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.note_participant_change() IS 'Emits collab:user_changed for a participant whose role or activity has changed.';
CREATE TRIGGER pg_live_participant_changed AFTER UPDATE ON live.session_participants FOR EACH ROW
WHEN (old.role <> new.role OR old.is_active <> new.is_active) EXECUTE FUNCTION live_private.note_participant_change();

CREATE FUNCTION live_private.note_session_connections() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.settle_participants(array_agg(c.session_id), array_agg(c.user_id))
  FROM (SELECT DISTINCT c.session_id, c.user_id FROM changed c) AS c HAVING count(*) > 0;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.note_session_connections() IS 'Settles the participants whose connections entered or left a session.';
CREATE TRIGGER pg_live_entered AFTER INSERT ON live_private.session_connection
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION live_private.note_session_connections();
CREATE TRIGGER pg_live_left AFTER DELETE ON live_private.session_connection
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION live_private.note_session_connections();

-- What ends a connection waits for no transaction, so a visit that another one has locked is left to the worker.
CREATE FUNCTION live_private.end_visits() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ended) THEN
    RETURN NULL;
  END IF;
  DELETE FROM live_private.session_connection c
  WHERE (c.connection_id, c.session_id) IN (
    SELECT v.connection_id, v.session_id FROM ended e JOIN live_private.session_connection v ON v.connection_id = e.id
    ORDER BY v.connection_id, v.session_id FOR UPDATE OF v SKIP LOCKED);
  INSERT INTO live_private.unsettled_participant (session_id, user_id)
  SELECT v.session_id, v.user_id FROM ended e JOIN live_private.session_connection v ON v.connection_id = e.id;
  IF FOUND THEN
    PERFORM live_private.wake_worker(live_private.clock());
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.end_visits() IS 'Takes connections that have ended out of their sessions.';
CREATE TRIGGER pg_live_connections_ended AFTER DELETE ON live.connection
REFERENCING OLD TABLE AS ended FOR EACH STATEMENT EXECUTE FUNCTION live_private.end_visits();

-- Locks connections and participants, so that none of them ends at the same time unnoticed.
CREATE FUNCTION live_private.enter_sessions(connection_ids uuid[], session_ids uuid[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  held text[];
BEGIN
  WITH asked AS MATERIALIZED (
    SELECT a.connection_id, a.session_id, c.user_id, s.id IS NOT NULL AND p.user_id IS NOT NULL AS is_participant
    FROM unnest(connection_ids, session_ids) AS a (connection_id, session_id)
    LEFT JOIN live.connection c ON c.id = a.connection_id
    LEFT JOIN live.session_participants p ON p.session_id = a.session_id AND p.user_id = c.user_id
    LEFT JOIN live.collaboration_sessions s ON s.id = a.session_id AND s.status = 'active'
  ), free AS MATERIALIZED (
    SELECT c.id AS connection_id, p.session_id, c.user_id
    FROM asked a JOIN live.connection c ON c.id = a.connection_id
    JOIN live.session_participants p ON p.session_id = a.session_id AND p.user_id = a.user_id
    WHERE a.is_participant ORDER BY c.id, p.session_id FOR KEY SHARE OF c, p SKIP LOCKED
  ), entered AS (
    INSERT INTO live_private.session_connection (connection_id, session_id, user_id)
    SELECT f.connection_id, f.session_id, f.user_id FROM free f ON CONFLICT DO NOTHING)
  SELECT array_agg(a.connection_id || ' ' || a.session_id) INTO held FROM asked a
  WHERE a.is_participant AND NOT EXISTS (SELECT FROM free f WHERE f.connection_id = a.connection_id AND f.session_id = a.session_id);
  RETURN coalesce(held, '{}');
END
$$;
COMMENT ON FUNCTION live_private.enter_sessions(uuid[], uuid[]) IS
'Stores that connections are in sessions, where their users are participants. Returns, as "<connection> <session>", those whose rows are locked, for the bridge to retry. Error 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.enter_sessions(uuid[], uuid[])');

CREATE FUNCTION live_private.exit_sessions(connection_ids uuid[], session_ids uuid[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
  DELETE FROM live_private.session_connection c
  WHERE (c.connection_id, c.session_id) IN (
    SELECT free.connection_id, free.session_id FROM unnest(connection_ids, session_ids) AS a (connection_id, session_id)
    JOIN live_private.session_connection free ON free.connection_id = a.connection_id AND free.session_id = a.session_id
    FOR UPDATE OF free SKIP LOCKED);
  RETURN array(SELECT c.connection_id || ' ' || c.session_id FROM unnest(connection_ids, session_ids) AS a (connection_id, session_id)
               JOIN live_private.session_connection c ON c.connection_id = a.connection_id AND c.session_id = a.session_id);
END
$$;
COMMENT ON FUNCTION live_private.exit_sessions(uuid[], uuid[]) IS
'Stores that connections are not in sessions any more. Returns, as "<connection> <session>", those whose rows are locked, for the bridge to retry. Error 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.exit_sessions(uuid[], uuid[])');

CREATE FUNCTION live_private.empty_session(session_id uuid, user_id text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM live_private.session_connection c
  WHERE (c.connection_id, c.session_id) IN (
    SELECT free.connection_id, free.session_id FROM live_private.session_connection free
    WHERE free.session_id = empty_session.session_id AND (empty_session.user_id IS NULL OR free.user_id = empty_session.user_id COLLATE "C")
    ORDER BY free.connection_id FOR UPDATE SKIP LOCKED); -- who has locked it ends it, or moves its cursor for the last time
END
$$;
COMMENT ON FUNCTION live_private.empty_session(uuid, text) IS
'Takes the connections of a user, or of all, out of a session that the caller has locked.';
