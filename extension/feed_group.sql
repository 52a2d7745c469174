-- Feeds in groups: "Anna and 3 others liked book 7". Groups are formed when read, so another grouping applies to the past
-- too. A feed is read until there are enough groups, each at its latest activity; then the groups' members are looked up.

CREATE FUNCTION live_private.feed_group_key(way text, activity live.activity_stream) RETURNS text
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
COMMENT ON FUNCTION live_private.feed_group_key(text, live.activity_stream) IS 'The key that the activities of one group share. Part of live.get_feed_groups().';

-- The members of each group, by index: k is the group, $6 the user.
CREATE FUNCTION live_private.feed_group_statement(way text, entity text, branch text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  query live_private.feed_query;
  members text;
  put text[];
BEGIN
  -- Placeholders that select the filters; their values come from the group.
  query.since := '-infinity';
  query.until := 'infinity';
  query.backwards := false;
  query.activity_types := CASE WHEN way LIKE '%verb%' THEN '{}'::text[] END;
  query.actor := CASE WHEN way LIKE '%actor%' THEN '' END;
  query.entity_type := CASE WHEN entity = 'named' THEN '' END;
  query.entity_id := query.entity_type;
  members := CASE branch WHEN 'public' THEN live_private.feed_branch(branch, query) ELSE format(
    'SELECT a.* FROM live.activity_stream a WHERE a.visibility IN (''followers'', ''session'', ''users'') AND a.user_id <> $6 AND %s
       AND CASE a.visibility WHEN ''followers'' THEN a.user_id = ANY (ARRAY (SELECT live_private.my_follows()))
                             WHEN ''session'' THEN a.session_id = ANY (ARRAY (SELECT live.my_sessions()))
                             ELSE EXISTS (SELECT FROM live_private.activity_audience m WHERE m.activity_id = a.id AND m.user_id = $6) END',
    live_private.feed_conditions(query)) END;
  FOREACH put SLICE 1 IN ARRAY ARRAY[
    ['ORDER BY a.created_at DESC, a.id DESC LIMIT $2', ''], ['$3', 'ARRAY[k.activity_type]'], ['$4', 'k.actor'], ['a.entity_type = $5 AND a.entity_id = $6', 'a.entity_type = k.entity_type AND a.entity_id = k.entity_id'],
    ['$8', 'k.day'], ['$9', 'k.day + ''24 hours''::interval'],
    ['a.deleted_at IS NULL', 'a.deleted_at IS NULL' || CASE entity WHEN 'none' THEN ' AND a.entity_type IS NULL' ELSE '' END]] LOOP
    members := replace(members, put[1], put[2]);
  END LOOP;
  RETURN format('SELECT member.* FROM unnest($1, $2, $3, $4, $5) AS k (day, activity_type, actor, entity_type, entity_id) CROSS JOIN LATERAL (%s) AS member', members);
END
$$;
COMMENT ON FUNCTION live_private.feed_group_statement(text, text, text) IS
'The SQL of the activities in groups. entity: named or none, any if the grouping has no entity; branch: public, or others for non-public activities of other users. Part of live_private.feed_group_members().';

CREATE FUNCTION live_private.feed_group_members(me text, way text, heads live.activity_stream[]) RETURNS SETOF live.activity_stream
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp SET random_page_cost = 1 AS $$
DECLARE
  part record;
  query live_private.feed_query;
  are_found boolean;
BEGIN
  query.most := 2147483647;
  query.backwards := false;
  FOR part IN
    SELECT k.entity, min(k.day) AS first_day, max(k.day) AS last_day, array_agg(k.day) AS day, array_agg(k.activity_type) AS activity_type,
           array_agg(k.user_id) AS actor, array_agg(k.entity_type) AS entity_type, array_agg(k.entity_id) AS entity_id
    FROM (SELECT h.*, date_trunc('day', h.created_at, 'UTC') AS day,
                 CASE WHEN way NOT LIKE '%entity%' THEN 'any' WHEN h.entity_type IS NULL THEN 'none' ELSE 'named' END AS entity
          FROM unnest(heads) AS h) AS k
    GROUP BY k.entity
  LOOP
    RETURN QUERY EXECUTE live_private.feed_group_statement(way, part.entity, 'public')
    USING part.day, part.activity_type, part.actor, part.entity_type, part.entity_id;
    -- No index finds non-public activities without an entity or an actor: the feed of all the days is searched for them.
    are_found := part.entity = 'named' OR way LIKE '%actor%';
    IF are_found THEN
      RETURN QUERY EXECUTE live_private.feed_group_statement(way, part.entity, 'others')
      USING part.day, part.activity_type, part.actor, part.entity_type, part.entity_id, me;
    END IF;
    query.since := part.first_day;
    query.until := part.last_day + '24 hours'::interval;
    query.activity_types := CASE WHEN way LIKE '%verb%' THEN array(SELECT DISTINCT t FROM unnest(part.activity_type) AS t) END;
    RETURN QUERY
    SELECT f.* FROM live_private.read_feed(me, query, CASE WHEN are_found THEN '{own}' ELSE '{own,users,session,followers}'::text[] END) AS f
    WHERE part.entity = 'any' OR (f.entity_type IS NULL) = (part.entity = 'none');
  END LOOP;
END
$$;
COMMENT ON FUNCTION live_private.feed_group_members(text, text, live.activity_stream[]) IS
'The activities in the groups of these that the user may see, and others of the same days. Part of live_private.feed_groups().';

CREATE FUNCTION live_private.feed_groups(me text, way text, heads live.activity_stream[])
RETURNS TABLE (group_key text, activity_type text, entity_type text, entity_id text, actor_count bigint, actors text[],
               activity_count bigint, latest_at timestamptz, latest_id bigint, unread boolean)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF cardinality(heads) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH head AS MATERIALIZED (
    SELECT live_private.feed_group_key(way, h) AS key, h.id FROM unnest(heads) AS h
  ), seen AS MATERIALIZED (
    SELECT head.key, head.id AS head_id, f.*,
           f.visibility = 'users' AND EXISTS (SELECT FROM live_private.activity_audience m WHERE m.activity_id = f.id AND m.user_id = me AND NOT live_private.is_read(m)) AS is_unread
    FROM live_private.feed_group_members(me, way, heads) AS f JOIN head ON head.key = live_private.feed_group_key(way, f)
  ), actor AS (
    SELECT s.key, s.user_id, max(s.created_at) AS latest, row_number() OVER (PARTITION BY s.key ORDER BY max(s.created_at) DESC, s.user_id) AS place
    FROM seen s GROUP BY s.key, s.user_id
  ), named AS (
    SELECT a.key, count(*) AS actors, array_agg(a.user_id ORDER BY a.place) FILTER (WHERE a.place <= 10) AS names FROM actor a GROUP BY a.key
  ), grouped AS (
    SELECT s.key, s.head_id, count(*) AS activities, max(s.created_at) AS latest, bool_or(s.is_unread) AS unread,
           (array_agg(s.id ORDER BY s.created_at DESC, s.id DESC))[1] AS last_id,
           CASE WHEN way LIKE '%verb%' THEN max(s.activity_type) END AS activity_type,
           CASE WHEN way LIKE '%entity%' THEN max(s.entity_type) END AS entity_type,
           CASE WHEN way LIKE '%entity%' THEN max(s.entity_id) END AS entity_id
    FROM seen s GROUP BY s.key, s.head_id
  )
  SELECT g.key, g.activity_type, g.entity_type, g.entity_id, n.actors, n.names, g.activities, g.latest, g.last_id, g.unread
  FROM grouped g JOIN named n ON n.key = g.key
  WHERE g.last_id = g.head_id
  ORDER BY g.latest DESC, g.last_id DESC;
END
$$;
COMMENT ON FUNCTION live_private.feed_groups(text, text, live.activity_stream[]) IS
'The groups whose latest activities these are, the latest first. Part of live.get_feed_groups().';

CREATE FUNCTION live.get_feed_groups(max_groups integer DEFAULT 20, after_cursor text DEFAULT NULL, "grouping" text DEFAULT 'verb-entity-day')
RETURNS TABLE (group_key text, activity_type text, entity_type text, entity_id text, actor_count bigint, actors text[],
               activity_count bigint, latest_at timestamptz, unread boolean, cursor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
  me text COLLATE "C" := live.user_id();
  way text COLLATE "C" := get_feed_groups."grouping"; -- a key word of SQL
  place record := live_private.parse_activity_cursor(after_cursor);
  query live_private.feed_query;
  passed live.activity_stream[];
  heads live.activity_stream[];
  last live.activity_stream;
  known text[] := '{}';
  left_over integer := live_private.checked_page(max_groups, 'max_groups');
  found_groups integer;
BEGIN
  IF way IS NULL OR way NOT IN ('verb-entity-day', 'verb-actor-day', 'verb-day', 'entity-day', 'actor-day') THEN
    RAISE EXCEPTION 'invalid grouping: "%"', coalesce(left(way, 60), 'NULL') USING ERRCODE = 'invalid_parameter_value',
      HINT = 'It is one of verb-entity-day, verb-actor-day, verb-day, entity-day, actor-day.';
  END IF;
  query.most := least(2 * left_over, 1000);
  query.backwards := false;
  query.after_created_at := place.created_at;
  query.after_id := place.id;
  LOOP
    passed := array(SELECT f FROM live_private.read_feed(me, query, '{public,own,users,session,followers}') AS f);
    heads := array(
      SELECT first.head
      FROM (SELECT DISTINCT ON (live_private.feed_group_key(way, p)) live_private.feed_group_key(way, p) AS key, p AS head, p.created_at, p.id FROM unnest(passed) AS p
            ORDER BY live_private.feed_group_key(way, p), p.created_at DESC, p.id DESC) AS first
      WHERE first.key <> ALL (known)
      ORDER BY first.created_at DESC, first.id DESC LIMIT left_over);
    -- A group of an earlier page is left out: its latest activity precedes the cursor.
    RETURN QUERY
    SELECT g.group_key, g.activity_type, g.entity_type, g.entity_id, g.actor_count, g.actors, g.activity_count, g.latest_at, g.unread,
           live_private.activity_cursor(g.latest_at, g.latest_id)
    FROM live_private.feed_groups(me, way, heads) AS g;
    GET DIAGNOSTICS found_groups = ROW_COUNT;
    EXIT WHEN found_groups = left_over OR (cardinality(heads) < left_over AND cardinality(passed) < query.most);
    last := CASE WHEN cardinality(heads) < left_over THEN passed[cardinality(passed)] ELSE heads[cardinality(heads)] END;
    query.after_created_at := last.created_at;
    query.after_id := last.id;
    query.most := least(2 * query.most, 1000);
    left_over := left_over - found_groups;
    known := known || array(SELECT live_private.feed_group_key(way, h) FROM unnest(heads) AS h);
  END LOOP;
END
$$;
COMMENT ON FUNCTION live.get_feed_groups(integer, text, text) IS
'The activities that the current user may see, in groups of one UTC day, the group with the latest activity first: pass the cursor of the last row for the next page. grouping: verb-entity-day, verb-actor-day, verb-day, entity-day, actor-day. actors: the latest ten. unread: includes an unread notification. Reads all activities of the groups, and more of those days. Error 22023 for max_groups outside 1 to 1000, an unknown grouping or an invalid cursor.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_feed_groups(integer, text, text)');
