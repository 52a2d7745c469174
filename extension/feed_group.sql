-- Feeds in groups: "Anna and 3 others liked book 7". Groups are made when read, so another grouping regroups the past too.
-- Every grouping has the day in it: a page of groups reads the days it shows, whole, and no others.

CREATE FUNCTION live.feed_group_key(way text, activity live.activity_stream) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  RETURN jsonb_build_array(
    CASE WHEN way LIKE '%verb%' THEN activity.activity_type END,
    CASE WHEN way LIKE '%actor%' THEN activity.user_id END,
    CASE WHEN way LIKE '%entity%' THEN activity.entity_type END,
    CASE WHEN way LIKE '%entity%' THEN activity.entity_id END,
    activity.created_at::date)::text;
END
$$;
COMMENT ON FUNCTION live.feed_group_key(text, live.activity_stream) IS 'What activities of one group have in common. Part of live.get_feed_groups().';

-- The groups of one day (UTC), of all that the user may see; those whose latest activity comes before a place.
CREATE FUNCTION live.feed_groups_of_day(me text, day timestamptz, way text, before_created_at timestamptz, before_id bigint)
RETURNS TABLE (group_key text, activity_type text, entity_type text, entity_id text, actor_count bigint, actors text[],
               activity_count bigint, latest_at timestamptz, latest_id bigint, unread boolean)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  query live.feed_query;
BEGIN
  query.since := day;
  query.until := day + '1 day'::interval;
  query.most := 2147483647;
  query.backwards := false;
  RETURN QUERY
  WITH seen AS MATERIALIZED (
    SELECT live.feed_group_key(way, f) AS key, f.*,
           EXISTS (SELECT FROM live.activity_audience m WHERE m.user_id = me AND m.activity_id = f.id AND NOT live.is_read(m)) AS is_unread
    FROM live.read_feed(me, query, '{public,own,users,session,followers}') AS f
  ), actor AS (
    SELECT s.key, s.user_id, max(s.created_at) AS latest, row_number() OVER (PARTITION BY s.key ORDER BY max(s.created_at) DESC, s.user_id) AS place
    FROM seen s GROUP BY s.key, s.user_id
  ), named AS (
    SELECT a.key, count(*) AS actors, array_agg(a.user_id ORDER BY a.place) FILTER (WHERE a.place <= 10) AS names FROM actor a GROUP BY a.key
  ), grouped AS (
    SELECT s.key, count(*) AS activities, max(s.created_at) AS latest, bool_or(s.is_unread) AS unread,
           (array_agg(s.id ORDER BY s.created_at DESC, s.id DESC))[1] AS last_id,
           CASE WHEN way LIKE '%verb%' THEN max(s.activity_type) END AS activity_type,
           CASE WHEN way LIKE '%entity%' THEN max(s.entity_type) END AS entity_type,
           CASE WHEN way LIKE '%entity%' THEN max(s.entity_id) END AS entity_id
    FROM seen s GROUP BY s.key
  )
  SELECT g.key, g.activity_type, g.entity_type, g.entity_id, n.actors, n.names, g.activities, g.latest, g.last_id, g.unread
  FROM grouped g JOIN named n ON n.key = g.key
  WHERE before_id IS NULL OR (g.latest, g.last_id) < (before_created_at, before_id);
END
$$;
COMMENT ON FUNCTION live.feed_groups_of_day(text, timestamptz, text, timestamptz, bigint) IS 'Part of live.get_feed_groups().';

CREATE FUNCTION live.get_feed_groups(max_groups integer DEFAULT 20, after_cursor text DEFAULT NULL, "grouping" text DEFAULT 'verb-entity-day')
RETURNS TABLE (group_key text, activity_type text, entity_type text, entity_id text, actor_count bigint, actors text[],
               activity_count bigint, latest_at timestamptz, unread boolean, cursor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
  me text COLLATE "C" := live.user_id();
  way text COLLATE "C" := get_feed_groups."grouping"; -- a key word of SQL
  place record := live.parse_activity_cursor(after_cursor);
  query live.feed_query;
  newest live.activity_stream;
  left_over integer := live.checked_page(max_groups, 'max_groups');
  found_groups integer;
BEGIN
  IF way IS NULL OR way NOT IN ('verb-entity-day', 'verb-actor-day', 'verb-day', 'entity-day', 'actor-day') THEN
    RAISE EXCEPTION 'invalid grouping: "%"', coalesce(left(way, 60), 'NULL') USING ERRCODE = 'invalid_parameter_value',
      HINT = 'It is one of verb-entity-day, verb-actor-day, verb-day, entity-day, actor-day.';
  END IF;
  query.most := 1;
  query.backwards := false;
  query.after_created_at := place.created_at;
  query.after_id := place.id;
  LOOP
    SELECT f.* INTO newest FROM live.read_feed(me, query, '{public,own,users,session,followers}') AS f;
    EXIT WHEN newest.id IS NULL;
    RETURN QUERY
    SELECT g.group_key, g.activity_type, g.entity_type, g.entity_id, g.actor_count, g.actors, g.activity_count, g.latest_at, g.unread,
           live.activity_cursor(g.latest_at, g.latest_id)
    FROM live.feed_groups_of_day(me, date_trunc('day', newest.created_at), way, place.created_at, place.id) AS g
    ORDER BY g.latest_at DESC, g.latest_id DESC LIMIT left_over;
    GET DIAGNOSTICS found_groups = ROW_COUNT;
    left_over := left_over - found_groups;
    EXIT WHEN left_over = 0;
    -- The day before: ids are positive.
    query.after_created_at := date_trunc('day', newest.created_at);
    query.after_id := 0;
  END LOOP;
END
$$;
COMMENT ON FUNCTION live.get_feed_groups(integer, text, text) IS
'The activities that the current user may see, in groups of one day (UTC), those with the latest activity first: pass the cursor of the last row to go on. grouping: verb-entity-day, verb-actor-day, verb-day, entity-day, actor-day. actors: up to ten, who acted last first. unread: one of them is a notification not read. A page costs the days it shows. Error 22023 for max_groups outside 1 to 1000, an unknown grouping or an invalid cursor.';
