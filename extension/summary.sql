-- Summaries: materialised views that are refreshed when their source rows have changed. The refresher, a background
-- worker, calls live.refresh_summaries() soon after; where no worker runs, a cron job does. Rows are compared first and
-- nothing is written where they are the same, since a REFRESH would write even then.

CREATE FUNCTION live_private.note_summary_change() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_live_note_summary_change';
COMMENT ON FUNCTION live_private.note_summary_change() IS
'Makes the refresher compare the summaries soon after this transaction commits. A trigger on their source tables, so that a restore counts too.';

CREATE FUNCTION live_private.lock_summary(summary regclass) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'pg_live_lock_summary';
COMMENT ON FUNCTION live_private.lock_summary(regclass) IS
'Lets one transaction at a time refresh a summary, without blocking readers. Part of live.refresh_summaries(). Errors: 25006 in a read-only transaction, 25001 in a REPEATABLE READ or SERIALIZABLE one.';

-- The lock comes first, in a statement of its own: a snapshot taken before it could bring back rows older than those of
-- the refresh it waited for. quote_all_identifiers makes a concurrent REFRESH of PostgreSQL 15 build an invalid name.
CREATE FUNCTION live_private.refresh_summary(summary regclass, source regclass) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
  changed boolean;
BEGIN
  PERFORM live_private.lock_summary(summary);
  IF NOT (SELECT c.relispopulated FROM pg_class c WHERE c.oid = summary) THEN
    EXECUTE format('REFRESH MATERIALIZED VIEW %s', summary); -- CONCURRENTLY needs a populated view
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
'Refreshes a summary from the view source if its rows have changed; returns whether they have. Part of live.refresh_summaries().';
