-- The number of public activities on each day of the last month, by type and type of entity. Users can invent types, so a
-- day keeps no more sums than a reader can get.

CREATE VIEW live_private.public_activity AS
SELECT ranked.day, ranked.activity_type, ranked.entity_type, ranked.activities, ranked.actors FROM (
  SELECT sums.*, row_number() OVER (PARTITION BY sums.day ORDER BY sums.activities DESC, sums.activity_type, sums.entity_type) AS rank FROM (
    SELECT (a.created_at AT TIME ZONE 'UTC')::date AS day, a.activity_type, coalesce(a.entity_type, '') AS entity_type,
           count(*) AS activities, count(DISTINCT a.user_id) AS actors
    FROM live.activity_stream a
    WHERE a.visibility = 'public' AND a.deleted_at IS NULL
      AND a.created_at >= (date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') - '30 days'::interval) AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3) AS sums) AS ranked
WHERE ranked.rank <= 1000;
COMMENT ON VIEW live_private.public_activity IS 'The rows of live.activity_trends after a refresh: the 1,000 largest sums of each day. For the extension itself.';
COMMENT ON COLUMN live_private.public_activity.day IS 'Day of the activities, UTC.';
COMMENT ON COLUMN live_private.public_activity.activity_type IS 'As in live.activity_stream.';
COMMENT ON COLUMN live_private.public_activity.entity_type IS 'As in live.activity_stream; empty: no entity.';
COMMENT ON COLUMN live_private.public_activity.activities IS 'Number of public activities.';
COMMENT ON COLUMN live_private.public_activity.actors IS 'Number of users who acted.';

CREATE MATERIALIZED VIEW live.activity_trends AS
SELECT p.day, p.activity_type, p.entity_type, p.activities, p.actors FROM live_private.public_activity p;
COMMENT ON MATERIALIZED VIEW live.activity_trends IS
'Public activities of the last 31 days by day, type and type of entity, as of the last refresh; read it with live.get_activity_trends().';
COMMENT ON COLUMN live.activity_trends.day IS 'Day of the activities, UTC.';
COMMENT ON COLUMN live.activity_trends.activity_type IS 'As in live.activity_stream.';
COMMENT ON COLUMN live.activity_trends.entity_type IS 'As in live.activity_stream; empty: no entity.';
COMMENT ON COLUMN live.activity_trends.activities IS 'Number of public activities.';
COMMENT ON COLUMN live.activity_trends.actors IS 'Number of users who acted.';
CREATE UNIQUE INDEX activity_trends_key ON live.activity_trends (day, activity_type, entity_type);

CREATE TRIGGER note_summary_change AFTER INSERT OR UPDATE OR DELETE ON live.activity_stream
FOR EACH STATEMENT EXECUTE FUNCTION live_private.note_summary_change();
-- Replication changes rows and fires no statement triggers.
CREATE TRIGGER note_replicated_change AFTER INSERT OR UPDATE OR DELETE ON live.activity_stream
FOR EACH ROW EXECUTE FUNCTION live_private.note_summary_change();
ALTER TABLE live.activity_stream ENABLE ALWAYS TRIGGER note_summary_change, ENABLE REPLICA TRIGGER note_replicated_change;

CREATE FUNCTION live.get_activity_trends(days integer DEFAULT 7)
RETURNS TABLE (day date, activity_type text, entity_type text, activities bigint, actors bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF days IS NULL OR days < 1 OR days > 31 THEN
    RAISE EXCEPTION 'days must be from 1 to 31' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  SELECT t.day, t.activity_type, nullif(t.entity_type, ''), t.activities, t.actors FROM live.activity_trends t
  WHERE t.day > (clock_timestamp() AT TIME ZONE 'UTC')::date - days
  ORDER BY t.day DESC, t.activities DESC, t.activity_type, t.entity_type LIMIT 1000;
END
$$;
COMMENT ON FUNCTION live.get_activity_trends(integer) IS
'Public activities of the last days (UTC; 1 to 31, including today) by type and type of entity, as of the last refresh; the first 1,000. Error 22023.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_activity_trends(integer)');
