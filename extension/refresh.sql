-- What the refresher does, and whoever does it where none runs: all summaries, and the sums of trends.

CREATE FUNCTION live.refresh_summaries() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live.fold_trends();
  RETURN live.refresh_summary('live.presence_summary', 'live.announced_presence')::integer
       + live.refresh_summary('live.activity_trends', 'live.public_activity')::integer;
END
$$;
COMMENT ON FUNCTION live.refresh_summaries() IS
'Refreshes the summaries whose content has changed and returns how many did. The refresher does this soon after a change by itself; call it (from a cron job) where no worker runs. Errors: 25006 on a standby; 25001 in a transaction that keeps one snapshot.';
