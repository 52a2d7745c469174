-- Typing: who is typing where. Rows are UNLOGGED and expire after three seconds unless renewed. The event carries the whole
-- set. A row belongs to a connection, and a user types while one of the user's connections does, so one tab does not end
-- the typing of another. Calls without a connection share a row of their own.

CREATE UNLOGGED TABLE live.typing (
  location text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  shown boolean NOT NULL DEFAULT true,
  check_at timestamptz NOT NULL DEFAULT '-infinity',
  connection uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  PRIMARY KEY (location, user_id, connection)
) WITH (fillfactor = 50);
COMMENT ON TABLE live.typing IS 'Who is typing where.';
COMMENT ON COLUMN live.typing.location IS 'A place of the app, often a topic: events go to typing:<location>.';
COMMENT ON COLUMN live.typing.user_id IS 'User who types.';
COMMENT ON COLUMN live.typing.started_at IS 'When the user began to type.';
COMMENT ON COLUMN live.typing.expires_at IS 'When the typing ends unless renewed.';
COMMENT ON COLUMN live.typing.shown IS 'Whether it was shown to others; the typing of an invisible user is not.';
COMMENT ON COLUMN live.typing.check_at IS 'When the worker checks the row, no later than it expires. Indexed instead of expires_at, so that a renewal is a HOT update.';
COMMENT ON COLUMN live.typing.connection IS 'The connection that types; zero for calls without one.';
CREATE INDEX typing_check ON live.typing (check_at);
CREATE INDEX typing_user ON live.typing (user_id);
ALTER TABLE live.typing ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (location, user_id, started_at, expires_at, shown, check_at, connection) ON live.typing');
CREATE POLICY own_read ON live.typing FOR SELECT USING (user_id = live.user_id());

-- Leaves out invisible users.
CREATE FUNCTION live_private.typing_users(location text) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(typist.user_id ORDER BY typist.started_at, typist.user_id), '{}')
  FROM (SELECT t.user_id, min(t.started_at) AS started_at FROM live.typing t
        WHERE t.location = typing_users.location AND t.expires_at > live_private.clock() GROUP BY t.user_id) AS typist
  WHERE NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = typist.user_id)
$$;
COMMENT ON FUNCTION live_private.typing_users(text) IS 'The users who are shown typing at a location, in the order they began. For the extension itself.';

CREATE FUNCTION live_private.emit_typing(location text) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live.emit('typing:' || location, 'typing:indicator',
                   jsonb_build_object('location', location, 'user_ids', live_private.typing_users(location)), false)
$$;
COMMENT ON FUNCTION live_private.emit_typing(text) IS 'Emits typing:indicator with the users who type at a location now. For the extension itself.';

CREATE FUNCTION live_private.types_at(location text, user_id text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live.typing t WHERE t.location = types_at.location AND t.user_id = types_at.user_id AND t.expires_at > live_private.clock())
$$;
COMMENT ON FUNCTION live_private.types_at(text, text) IS 'Whether a user is typing at a location, shown or not. For the extension itself.';

-- Changes of one location run one at a time, so that each event carries the set after its change. A call does not wait long
-- for an open transaction that has locked the location.
CREATE FUNCTION live_private.store_typing(location text, is_typing boolean, connection uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
  me text := live_private.required_user();
  at timestamptz := live_private.clock();
  until timestamptz := at + '3 seconds'::interval;
  of_connection uuid := coalesce(connection, '00000000-0000-0000-0000-000000000000');
  was_typing boolean;
  visible boolean;
BEGIN
  IF location = '' OR NOT live_private.is_topic_name('typing:' || location) THEN
    RAISE EXCEPTION 'location must have 1 to 1093 bytes and no control characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF is_typing THEN
    UPDATE live.typing t SET expires_at = until
    WHERE t.location = store_typing.location AND t.user_id = me AND t.connection = of_connection AND t.expires_at > at;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('pg_live typing ' || location, 0));
  visible := NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = me);
  was_typing := live_private.types_at(location, me);
  IF is_typing THEN
    IF (SELECT count(*) FROM live.typing t WHERE t.user_id = me) >= 100 THEN
      RAISE EXCEPTION 'user is typing at too many locations' USING ERRCODE = 'program_limit_exceeded', DETAIL = 'The limit is 100.';
    END IF;
    INSERT INTO live.typing AS t (location, user_id, connection, started_at, expires_at, shown, check_at)
    VALUES (store_typing.location, me, of_connection, at, until, visible, until)
    ON CONFLICT ON CONSTRAINT typing_pkey DO UPDATE SET started_at = at, expires_at = until, shown = t.shown OR visible;
    PERFORM live_private.wake_worker(until);
  ELSE
    -- Without a connection, ends those of all connections. Expired rows go too, so that they do not cause an event later.
    DELETE FROM live.typing t
    WHERE t.location = store_typing.location AND t.user_id = me
      AND (store_typing.connection IS NULL OR t.connection = of_connection OR t.expires_at <= at);
    IF NOT FOUND THEN
      RETURN;
    END IF;
  END IF;
  IF visible AND (CASE WHEN is_typing THEN NOT was_typing ELSE NOT live_private.types_at(location, me) END) THEN
    PERFORM live_private.emit_typing(location);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.store_typing(text, boolean, uuid) IS
'Stores that the current user types or stops on one connection; with NULL on none, or stops on all. Part of live.set_typing(), which checks access.';

CREATE FUNCTION live.set_typing(location text, is_typing boolean) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_set_typing';
COMMENT ON FUNCTION live.set_typing(text, boolean) IS
'Shows that the current user is typing at a location, for three seconds unless called again, or has stopped. Allowed for users who may receive typing:<location>. Errors: 42501, 22004, 22023, 54000 at 100 locations, 55P03 while an open transaction has locked the location.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.set_typing(text, boolean)');

CREATE FUNCTION live_private.set_typing_of_socket(connection_id uuid, location text, is_typing boolean) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_set_typing_of_socket';
COMMENT ON FUNCTION live_private.set_typing_of_socket(uuid, text, boolean) IS
'As live.set_typing() for one connection of the current user; the others go on typing. Errors as there, but each connection counts for the limit.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.set_typing_of_socket(uuid, text, boolean)');

CREATE FUNCTION live.get_typing(location text) RETURNS text[]
LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_get_typing';
COMMENT ON FUNCTION live.get_typing(text) IS
'The users who are typing at a location, in the order they began; for users who may receive typing:<location>. Errors: 42501, 22004.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_typing(text)');

-- Each location is locked until the transaction ends, so a call ends a bounded number of them. Of renewed rows it moves the
-- next check of ten times as many.
CREATE FUNCTION live_private.expire_typing(most integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  most_renewed bigint := most * 10;
  renewed bigint;
  place text;
  ended text[];
BEGIN
  WITH due AS MATERIALIZED (
    SELECT t.location, t.user_id, t.connection FROM live.typing t
    WHERE t.check_at <= live_private.clock() AND t.expires_at > live_private.clock() ORDER BY t.check_at LIMIT most_renewed FOR UPDATE SKIP LOCKED)
  UPDATE live.typing t SET check_at = t.expires_at FROM due
  WHERE t.location = due.location AND t.user_id = due.user_id AND t.connection = due.connection;
  GET DIAGNOSTICS renewed = ROW_COUNT;
  FOR place IN SELECT DISTINCT t.location FROM live.typing t WHERE t.check_at <= live_private.clock() AND t.expires_at <= live_private.clock() ORDER BY 1 LOOP
    -- The worker does not wait for an open transaction, since all events wait for the worker; it tries again.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended('pg_live typing ' || place, 0));
    WITH gone AS (
      DELETE FROM live.typing t
      WHERE t.location = place AND (t.user_id, t.connection) IN (
        SELECT due.user_id, due.connection FROM live.typing due
        WHERE due.location = place AND due.expires_at <= live_private.clock() FOR UPDATE SKIP LOCKED)
      RETURNING t.user_id, t.shown)
    SELECT array_agg(gone.user_id) FILTER (WHERE gone.shown) INTO ended FROM gone;
    -- No event if only hidden typing ended, or if another connection of the user still types.
    IF EXISTS (SELECT FROM unnest(ended) AS e (user_id) WHERE NOT live_private.types_at(place, e.user_id)) THEN
      PERFORM live_private.emit_typing(place);
    END IF;
    most := most - 1;
    EXIT WHEN most = 0;
  END LOOP;
  RETURN most = 0 OR renewed = most_renewed;
END
$$;
COMMENT ON FUNCTION live_private.expire_typing(integer) IS 'Ends typing that was not renewed, at no more than so many locations. Returns whether more may be due. Part of live.expire_presence().';
