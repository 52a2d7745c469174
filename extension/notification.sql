-- Notifications: the activities addressed to a user, and which of them were seen and read. Marking all as read stores one
-- row a user with a snapshot of the visible transactions, which is exact without a lock: a notification that was not
-- committed then is unread, whatever its time. Those read one by one have a row each, until all are marked as read.

CREATE TABLE live_private.notification_state (
  user_id text COLLATE "C" PRIMARY KEY,
  read_until timestamptz NOT NULL DEFAULT '-infinity',
  read_snapshot pg_snapshot,
  read_xid xid8,
  seen_until timestamptz NOT NULL DEFAULT '-infinity',
  seen_snapshot pg_snapshot,
  seen_xid xid8
);
COMMENT ON TABLE live_private.notification_state IS 'Which notifications each user has read and seen, as of the last time all were marked.';
COMMENT ON COLUMN live_private.notification_state.user_id IS 'User whose notifications they are.';
COMMENT ON COLUMN live_private.notification_state.read_until IS 'Notifications up to this time are read, if read_snapshot or read_xid includes them.';
COMMENT ON COLUMN live_private.notification_state.read_snapshot IS 'The snapshot in which they were visible; NULL after a restore: all of that time are read.';
COMMENT ON COLUMN live_private.notification_state.read_xid IS 'The transaction that marked them; its own notifications, which are not in its snapshot, are read too.';
COMMENT ON COLUMN live_private.notification_state.seen_until IS 'As read_until, for notifications marked as seen.';
COMMENT ON COLUMN live_private.notification_state.seen_snapshot IS 'As read_snapshot, for notifications marked as seen.';
COMMENT ON COLUMN live_private.notification_state.seen_xid IS 'As read_xid, for notifications marked as seen.';
SELECT pg_extension_config_dump('live_private.notification_state', '');

CREATE FUNCTION live_private.forget_snapshots() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('session_replication_role') <> 'replica' THEN
    RETURN new; -- a replica trigger that was disabled and enabled again fires for local updates too
  END IF;
  new.read_snapshot := NULL;
  new.read_xid := NULL;
  new.seen_snapshot := NULL;
  new.seen_xid := NULL;
  RETURN new;
END
$$;
COMMENT ON FUNCTION live_private.forget_snapshots() IS 'Clears snapshots of an inserted or replicated row, since they mean nothing in another cluster. Emits nothing.';
CREATE TRIGGER forget_snapshots BEFORE INSERT ON live_private.notification_state FOR EACH ROW EXECUTE FUNCTION live_private.forget_snapshots();
ALTER TABLE live_private.notification_state ENABLE ALWAYS TRIGGER forget_snapshots;
CREATE TRIGGER forget_replicated_snapshots BEFORE UPDATE ON live_private.notification_state FOR EACH ROW EXECUTE FUNCTION live_private.forget_snapshots();
ALTER TABLE live_private.notification_state ENABLE REPLICA TRIGGER forget_replicated_snapshots;

CREATE TABLE live_private.notification_read (
  user_id text COLLATE "C" NOT NULL,
  activity_id bigint NOT NULL REFERENCES live.activity_stream ON DELETE CASCADE,
  PRIMARY KEY (user_id, activity_id)
);
COMMENT ON TABLE live_private.notification_read IS 'Notifications read one by one since all were last marked as read.';
COMMENT ON COLUMN live_private.notification_read.user_id IS 'User who has read the notification.';
COMMENT ON COLUMN live_private.notification_read.activity_id IS 'Activity of the notification.';
CREATE INDEX notification_read_activity_idx ON live_private.notification_read (activity_id);
SELECT pg_extension_config_dump('live_private.notification_read', '');

ALTER TABLE live_private.notification_state ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, read_until, read_snapshot, read_xid, seen_until, seen_snapshot, seen_xid) ON live_private.notification_state');
CREATE POLICY own_read ON live_private.notification_state FOR SELECT USING (user_id = live.user_id());
ALTER TABLE live_private.notification_read ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (user_id, activity_id) ON live_private.notification_read');
CREATE POLICY own_read ON live_private.notification_read FOR SELECT USING (user_id = live.user_id());

CREATE FUNCTION live_private.is_within(told live_private.activity_audience, until timestamptz, snapshot pg_snapshot, marker xid8) RETURNS boolean
LANGUAGE sql STABLE
RETURN told.created_at <= coalesce(until, '-infinity')
   AND (snapshot IS NULL OR pg_visible_in_snapshot(told.xid, snapshot) OR told.xid = marker OR live_private.is_foreign(told.xid));
COMMENT ON FUNCTION live_private.is_within(live_private.activity_audience, timestamptz, pg_snapshot, xid8) IS 'Whether a notification is among those that were marked together.';

CREATE FUNCTION live_private.is_read(told live_private.activity_audience) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM live_private.notification_state s WHERE s.user_id = told.user_id AND live_private.is_within(told, s.read_until, s.read_snapshot, s.read_xid))
      OR EXISTS (SELECT FROM live_private.notification_read r WHERE r.user_id = told.user_id AND r.activity_id = told.activity_id)
$$;
COMMENT ON FUNCTION live_private.is_read(live_private.activity_audience) IS 'Whether a notification was read. For the extension itself.';

-- Two index ranges: later notifications, and those not committed when all were marked, which are always few.
CREATE FUNCTION live_private.count_unread(user_id text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  state live_private.notification_state;
BEGIN
  SELECT s.* INTO state FROM live_private.notification_state s WHERE s.user_id = count_unread.user_id;
  RETURN (
    SELECT count(*) FROM (
      SELECT m.activity_id FROM live_private.activity_audience m
      WHERE m.user_id = count_unread.user_id AND m.created_at > coalesce(state.read_until, '-infinity')
      UNION ALL
      SELECT m.activity_id FROM live_private.activity_audience m
      WHERE m.user_id = count_unread.user_id AND m.created_at <= state.read_until AND m.xid >= pg_snapshot_xmin(state.read_snapshot)
        AND NOT pg_visible_in_snapshot(m.xid, state.read_snapshot) AND m.xid <> state.read_xid
        AND NOT live_private.is_foreign(m.xid)) AS unread
    WHERE NOT EXISTS (SELECT FROM live_private.notification_read r WHERE r.user_id = count_unread.user_id AND r.activity_id = unread.activity_id));
END
$$;
COMMENT ON FUNCTION live_private.count_unread(text) IS 'Number of unread notifications of a user. For the extension itself.';

-- Transactions that mark or count the notifications of one user run one at a time, each in a statement that begins after
-- the one before has ended. A row lock, since a transaction that deletes an activity with a large audience could exhaust
-- the table of advisory locks.
CREATE FUNCTION live_private.lock_notifications(user_id text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  LOOP -- the transaction that had the lock may have deleted the row, see live_private.forget_initial_state()
    INSERT INTO live_private.notification_state (user_id) VALUES (lock_notifications.user_id) ON CONFLICT ON CONSTRAINT notification_state_pkey DO NOTHING;
    PERFORM FROM live_private.notification_state s WHERE s.user_id = lock_notifications.user_id FOR NO KEY UPDATE;
    EXIT WHEN FOUND;
  END LOOP;
  -- Replaces a foreign id by one that every snapshot includes, before a transaction here gets the same id.
  UPDATE live_private.activity_audience m SET xid = '3' WHERE m.user_id = lock_notifications.user_id AND live_private.is_foreign(m.xid);
END
$$;
COMMENT ON FUNCTION live_private.lock_notifications(text) IS 'Keeps other transactions from marking or counting the notifications of a user until the transaction ends. For the extension itself.';

-- An audience may name users that do not exist: rows that hold no information are not kept for them. Until the transaction
-- ends, a deleted row blocks others as a locked one does.
CREATE FUNCTION live_private.forget_initial_state(user_ids text[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM live_private.notification_state s
  WHERE s.user_id = ANY (user_ids) AND s.read_until = '-infinity' AND s.seen_until = '-infinity'
$$;
COMMENT ON FUNCTION live_private.forget_initial_state(text[]) IS
'Deletes the states of those users who have marked nothing; the caller has locked them. For the extension itself.';

CREATE FUNCTION live_private.unread_digest(user_ids text[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(live_private.count_unread(u)::text, ',' ORDER BY place) FROM unnest(user_ids) WITH ORDINALITY AS listed (u, place)
$$;
COMMENT ON FUNCTION live_private.unread_digest(text[]) IS 'Numbers of unread notifications of these users. Part of live_private.require_current_unread().';

CREATE FUNCTION live_private.require_current_unread(user_ids text[]) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_require_current_unread';
COMMENT ON FUNCTION live_private.require_current_unread(text[]) IS
'Error 40001 in a REPEATABLE READ or SERIALIZABLE transaction if these numbers have changed since its snapshot. Part of live_private.tell_unread().';

-- The last number emitted is right: a concurrent notification has an event of its own, which means one more.
CREATE FUNCTION live_private.tell_unread(user_ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  receiver text;
BEGIN
  FOR receiver IN SELECT DISTINCT u FROM unnest(user_ids) AS u ORDER BY u LOOP
    PERFORM live_private.lock_notifications(receiver);
    PERFORM live_private.require_current_unread(ARRAY[receiver]);
    PERFORM live.emit('user:' || receiver, 'notification:count', jsonb_build_object('unread', live_private.count_unread(receiver)));
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.tell_unread(text[]) IS 'Emits to these users their numbers of unread notifications. For the extension itself.';

CREATE FUNCTION live.unread_count() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN live_private.count_unread(live_private.required_user());
END
$$;
COMMENT ON FUNCTION live.unread_count() IS 'Number of unread notifications of the current user. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.unread_count()');

CREATE FUNCTION live.mark_seen(up_to bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
  until timestamptz := clock_timestamp();
BEGIN
  IF up_to IS NOT NULL THEN
    SELECT m.created_at INTO until FROM live_private.activity_audience m WHERE m.user_id = me AND m.activity_id = up_to;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such notification of yours' USING ERRCODE = 'no_data_found';
    END IF;
  END IF;
  PERFORM live_private.lock_notifications(me);
  UPDATE live_private.notification_state s SET seen_until = until, seen_snapshot = pg_current_snapshot(), seen_xid = pg_current_xact_id()
  WHERE s.user_id = me AND s.seen_until <= until;
END
$$;
COMMENT ON FUNCTION live.mark_seen(bigint) IS
'Marks the current user''s notifications up to that one as seen; NULL: all. Errors: 42501 when not signed in; P0002 for a notification of another user.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.mark_seen(bigint)');

CREATE FUNCTION live.mark_read(ids bigint[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := live_private.required_user();
BEGIN
  IF cardinality(ids) > 1000 THEN
    RAISE EXCEPTION 'too many ids' USING ERRCODE = 'program_limit_exceeded', DETAIL = 'The limit is 1000.';
  END IF;
  PERFORM live_private.lock_notifications(me);
  IF ids IS NULL THEN
      UPDATE live_private.notification_state s
    SET read_until = clock_timestamp(), read_snapshot = pg_current_snapshot(), read_xid = pg_current_xact_id() WHERE s.user_id = me;
    DELETE FROM live_private.notification_read r WHERE r.user_id = me;
  ELSE
    INSERT INTO live_private.notification_read (user_id, activity_id)
    SELECT me, m.activity_id FROM live_private.activity_audience m
    WHERE m.user_id = me AND m.activity_id = ANY (ids) AND NOT live_private.is_read(m)
    ON CONFLICT ON CONSTRAINT notification_read_pkey DO NOTHING;
  END IF;
  PERFORM live_private.tell_unread(ARRAY[me]);
END
$$;
COMMENT ON FUNCTION live.mark_read(bigint[]) IS
'Marks these notifications of the current user as read; NULL: all. Ignores ids of other users'' notifications. Emits the new number to the user. Errors: 42501 when not signed in; 54000 for more than 1000 ids.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.mark_read(bigint[])');

CREATE FUNCTION live.get_notifications(max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL)
RETURNS TABLE (id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb,
               visibility live.activity_visibility, session_id uuid, created_at timestamptz, cursor text, seen boolean, read boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  me text COLLATE "C" := live_private.required_user();
  start record := live_private.parse_activity_cursor(after_cursor);
  state live_private.notification_state;
BEGIN
  PERFORM live_private.checked_page(max_activities);
  SELECT s.* INTO state FROM live_private.notification_state s WHERE s.user_id = me;
  RETURN QUERY
  SELECT a.id, a.user_id, a.activity_type, a.entity_type, a.entity_id, a.metadata, a.visibility, a.session_id, a.created_at,
         live_private.activity_cursor(a.created_at, a.id),
         live_private.is_within(m, state.seen_until, state.seen_snapshot, state.seen_xid) OR live_private.is_read(m), live_private.is_read(m)
  FROM live_private.activity_audience m JOIN live.activity_stream a ON a.id = m.activity_id
  WHERE m.user_id = me -- an index condition in every plan
    AND (m.created_at, m.activity_id) < (coalesce(start.created_at, 'infinity'), coalesce(start.id, 9223372036854775807))
  ORDER BY m.created_at DESC, m.activity_id DESC
  LIMIT max_activities;
END
$$;
COMMENT ON FUNCTION live.get_notifications(integer, text) IS
'The notifications of the current user, newest first: pass the cursor of the last row for the next page. Errors: 42501 when not signed in; 22023 for max_activities outside 1 to 1000 or an invalid cursor.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_notifications(integer, text)');
