-- The work of the refresher, or of a cron job where none runs: summaries, sums of trends, and expired activities.

CREATE FUNCTION live.drop_expired_activities() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most integer := 10000;
  expired bigint[];
BEGIN
  PERFORM live.version(); -- the settings exist once the library is loaded
  IF current_setting('pg_live.activity_retention')::interval = '0'::interval THEN
    RETURN 0;
  END IF;
  -- Locked activities are left to the next call. Nothing is written if none has expired.
  expired := array(
    SELECT a.id FROM live.activity_stream a
    WHERE a.created_at < clock_timestamp() - current_setting('pg_live.activity_retention')::interval
    ORDER BY a.created_at LIMIT most FOR UPDATE SKIP LOCKED);
  IF cardinality(expired) = 0 THEN
    RETURN 0;
  END IF;
  -- One change an entity subtracts all of its activities.
  INSERT INTO live_private.trend_change (entity_type, entity_id, moment, weight)
  SELECT a.entity_type, a.entity_id, live_private.log_sum(array_agg(live_private.trend_moment(a.created_at))), -1 FROM live.activity_stream a
  WHERE a.id = ANY (expired) AND a.entity_type IS NOT NULL AND a.visibility = 'public' AND a.deleted_at IS NULL
  GROUP BY a.entity_type, a.entity_id;
  DELETE FROM live.activity_stream a WHERE a.id = ANY (expired);
  RETURN cardinality(expired);
END
$$;
COMMENT ON FUNCTION live.drop_expired_activities() IS
'Deletes activities older than pg_live.activity_retention, the oldest 10000 at most, with their notifications and without an event; returns how many. The refresher calls it until none is left, live.refresh_summaries() once.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.drop_expired_activities()');

CREATE FUNCTION live_private.refresh_presence_summary() RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.notice_restored_presence();
  SELECT live_private.refresh_summary('live.presence_summary', 'live_private.announced_presence')
$$;
COMMENT ON FUNCTION live_private.refresh_presence_summary() IS
'Refreshes live.presence_summary if it has changed; returns whether it has. Part of live.refresh_summaries().';

CREATE FUNCTION live_private.refresh_activity_trends() RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.refresh_summary('live.activity_trends', 'live_private.public_activity')
$$;
COMMENT ON FUNCTION live_private.refresh_activity_trends() IS
'Refreshes live.activity_trends if it has changed; returns whether it has. Part of live.refresh_summaries().';

CREATE FUNCTION live.refresh_summaries() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live.drop_expired_activities();
  PERFORM live_private.store_checkpoints(100);
  PERFORM live_private.drop_expired_operations();
  PERFORM live_private.fold_trends();
  RETURN live_private.refresh_presence_summary()::integer + live_private.refresh_activity_trends()::integer;
END
$$;
COMMENT ON FUNCTION live.refresh_summaries() IS
'Refreshes the summaries that have changed and returns how many did; stores snapshots of sessions that are due, and deletes some of the expired activities and operations. The refresher does the same after each change; call it from a cron job where no worker runs. Errors: 25006 on a standby; 25001 in a REPEATABLE READ or SERIALIZABLE transaction.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live.refresh_summaries()');
