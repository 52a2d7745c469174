-- Snapshots of text and json sessions that the database makes, so that a document at a version is computed from the
-- operations since the one before; and the end of old operations behind snapshots.
--
-- A submission only requests a snapshot: a keystroke must not write a document. The refresher stores it.

CREATE TABLE live_private.checkpoint_request (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  version bigint NOT NULL,
  due_at timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (session_id, version)
);
COMMENT ON TABLE live_private.checkpoint_request IS 'Sessions whose document is to be stored as a snapshot.';
COMMENT ON COLUMN live_private.checkpoint_request.session_id IS 'Session that needs a snapshot.';
COMMENT ON COLUMN live_private.checkpoint_request.version IS 'Version at which it was requested; the snapshot is that of the head when it is stored.';
COMMENT ON COLUMN live_private.checkpoint_request.due_at IS 'When it is tried again after it failed; -infinity at first.';
ALTER TABLE live_private.checkpoint_request ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.checkpoint_request', '');
CREATE TRIGGER note_summary_change AFTER INSERT ON live_private.checkpoint_request
FOR EACH STATEMENT EXECUTE FUNCTION live_private.note_summary_change();

CREATE FUNCTION live_private.request_checkpoint(session live.collaboration_sessions) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO live_private.checkpoint_request (session_id, version)
  SELECT session.id, session.head WHERE session.policy IN ('text', 'json') ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION live_private.request_checkpoint(live.collaboration_sessions) IS
'Lets the refresher store a snapshot of a text or json session, whose row is the present one.';

-- created_at is that of the clock: all operations of the snapshot have an earlier one. A document that cannot be stored, for
-- its size as text perhaps, holds up no other.
CREATE FUNCTION live_private.store_checkpoints(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  due live_private.checkpoint_request[] := array(
    SELECT r FROM live_private.checkpoint_request r WHERE r.due_at <= clock_timestamp()
    ORDER BY r.session_id, r.version LIMIT most FOR UPDATE SKIP LOCKED);
  request live_private.checkpoint_request;
BEGIN
  FOREACH request IN ARRAY due LOOP
    BEGIN
      INSERT INTO live.session_snapshot (session_id, version, document, created_at)
      SELECT s.id, s.head, live_private.document_of(s), clock_timestamp()
      FROM live.collaboration_sessions s WHERE s.id = request.session_id AND s.head > 0
      ON CONFLICT DO NOTHING;
      DELETE FROM live_private.checkpoint_request r WHERE r.session_id = request.session_id AND r.version = request.version;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'cannot store a snapshot of session %: %', request.session_id, SQLERRM USING HINT = 'It is tried again in an hour.';
      UPDATE live_private.checkpoint_request r SET due_at = clock_timestamp() + '1 hour'
      WHERE r.session_id = request.session_id AND r.version = request.version;
    END;
  END LOOP;
  RETURN cardinality(due);
END
$$;
COMMENT ON FUNCTION live_private.store_checkpoints(integer) IS
'Stores snapshots of the heads of sessions that requested them; returns how many requests were due. One that fails is tried again after an hour, with a warning. The refresher calls it until none is due, live.refresh_summaries() once.';

-- A snapshot of the database stands for what was before it when it is older than the retention itself: the versions in
-- between stay. That of a client is the only one of its session, so it stands for operations that are older.
CREATE FUNCTION live_private.expired_history(before timestamptz, OUT session_id uuid, OUT version bigint)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.session_id, n.version
  FROM live.session_snapshot n JOIN live.collaboration_sessions s ON s.id = n.session_id
  WHERE n.version > 0 AND (n.created_at < before OR n.snapshot IS NOT NULL)
    AND (SELECT o.created_at FROM live.operation o WHERE o.session_id = n.session_id AND o.version <= n.version ORDER BY o.version LIMIT 1) < before
    AND NOT EXISTS (SELECT FROM live.session_snapshot later WHERE later.session_id = n.session_id AND later.version > n.version AND later.created_at < before)
  LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED
$$;
COMMENT ON FUNCTION live_private.expired_history(timestamptz) IS
'A session with operations from before a time that a snapshot stands for, and the version of the snapshot. Locks the session; NULL if there is none. Part of live_private.drop_expired_operations().';

CREATE FUNCTION live_private.drop_expired_operations() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most integer := 10000;
  before timestamptz;
  expired record;
  dropped integer;
BEGIN
  PERFORM live.version(); -- the settings exist once the library is loaded
  IF current_setting('pg_live.history_retention')::interval = '0'::interval THEN
    RETURN 0;
  END IF;
  before := clock_timestamp() - current_setting('pg_live.history_retention')::interval;
  SELECT * INTO expired FROM live_private.expired_history(before);
  IF expired.session_id IS NULL THEN
    RETURN 0;
  END IF;
  -- The first ones, up to one that has not expired: what is kept has no gap.
  DELETE FROM live.operation o USING (
    SELECT f.version, bool_and(f.created_at < before) OVER (ORDER BY f.version) AS is_expired
    FROM (SELECT o.version, o.created_at FROM live.operation o
          WHERE o.session_id = expired.session_id AND o.version <= expired.version ORDER BY o.version LIMIT most) AS f) AS oldest
  WHERE o.session_id = expired.session_id AND o.version = oldest.version AND oldest.is_expired;
  GET DIAGNOSTICS dropped = ROW_COUNT;
  DELETE FROM live.session_snapshot s WHERE s.session_id = expired.session_id AND s.version < expired.version;
  RETURN dropped;
END
$$;
COMMENT ON FUNCTION live_private.drop_expired_operations() IS
'Deletes operations of one session that are older than pg_live.history_retention and that a snapshot stands for, the oldest 10000 at most, and the snapshots before that one; returns how many. The refresher calls it until none is left, live.refresh_summaries() once.';
