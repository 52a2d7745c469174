-- Summaries: materialised views that are refreshed when what they sum up has changed. The refresher, a background worker,
-- calls live.refresh_summaries() soon after; where no worker runs, a cron job does. Nothing is written where the fresh
-- rows are those that are stored: a REFRESH would write even then.

CREATE FUNCTION live_private.note_summary_change() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_live_note_summary_change';
COMMENT ON FUNCTION live_private.note_summary_change() IS
'Has the summaries looked at soon after this transaction commits. A trigger on what is summed up, so that a restore counts too.';

CREATE FUNCTION live_private.lock_summary(summary regclass) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_lock_summary';
COMMENT ON FUNCTION live_private.lock_summary(regclass) IS
'Lets one transaction at a time refresh a summary; readers go on. Part of live.refresh_summaries(). Errors: 25006 where nothing can be written, 25001 in a transaction that keeps one snapshot.';

-- The lock comes first, in a statement of its own: whoever waited for another refresh must not bring older rows back.
-- With quote_all_identifiers a concurrent REFRESH of PostgreSQL 15 makes a name that is none.
CREATE FUNCTION live_private.refresh_summary(summary regclass, source regclass) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
  changed boolean;
BEGIN
  PERFORM live_private.lock_summary(summary);
  IF NOT (SELECT c.relispopulated FROM pg_class c WHERE c.oid = summary) THEN
    EXECUTE format('REFRESH MATERIALIZED VIEW %s', summary); -- CONCURRENTLY is refused then
    RETURN true;
  END IF;
  EXECUTE format(
    'WITH fresh AS MATERIALIZED (TABLE %s), stored AS MATERIALIZED (TABLE %s)
     SELECT EXISTS (TABLE fresh EXCEPT TABLE stored) OR EXISTS (TABLE stored EXCEPT TABLE fresh)', source, summary) INTO changed;
  IF changed THEN
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', summary);
  END IF;
  RETURN changed;
END
$$;
COMMENT ON FUNCTION live_private.refresh_summary(regclass, regclass) IS
'Refreshes a summary of what the view source shows if that has changed; returns whether it has. Part of live.refresh_summaries().';
