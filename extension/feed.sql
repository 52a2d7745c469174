-- Reading feeds. A user sees public activities, own ones, those of followed users and of own sessions, and those addressed
-- to the user. Each kind has an index in the order of feeds, so a page reads a page of each and merges them. The result is
-- that of the policy of live.activity_stream, at a cost that does not depend on the number of invisible activities.

CREATE TYPE live_private.feed_query AS (
  activity_types text[] COLLATE "C", actor text COLLATE "C", entity_type text COLLATE "C", entity_id text COLLATE "C", session_id uuid, since timestamptz, until timestamptz,
  metadata jsonb, after_created_at timestamptz, after_id bigint, backwards boolean, most integer, matching bigint[]);
COMMENT ON TYPE live_private.feed_query IS 'Parameters of a feed page: filters (NULL: any), start, direction and size; matching: ids of the activities with the metadata, if few, see live_private.match_metadata().';

CREATE FUNCTION live_private.checked_page(most integer, what text DEFAULT 'max_activities') RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF most IS NULL OR most < 1 OR most > 1000 THEN
    RAISE EXCEPTION '% must be from 1 to 1000', what USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN most;
END
$$;
COMMENT ON FUNCTION live_private.checked_page(integer, text) IS 'Returns the size of a page; error 22023 if it is not from 1 to 1000.';

-- Conditions on live.activity_stream a; $1 is the viewer, $2 the page size. Filters that are NULL are left out, and the
-- statement is planned for its parameters, so the planner chooses by their selectivity.
CREATE FUNCTION live_private.feed_conditions(query live_private.feed_query) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws(' AND ', 'a.deleted_at IS NULL',
    CASE WHEN query.activity_types IS NOT NULL THEN 'a.activity_type = ANY ($3)' END,
    CASE WHEN query.actor IS NOT NULL THEN 'a.user_id = $4' END,
    CASE WHEN query.entity_type IS NOT NULL THEN 'a.entity_type = $5' END,
    CASE WHEN query.entity_id IS NOT NULL THEN 'a.entity_id = $6' END,
    CASE WHEN query.session_id IS NOT NULL THEN 'a.session_id = $7' END,
    CASE WHEN query.since IS NOT NULL THEN 'a.created_at >= $8' END,
    CASE WHEN query.until IS NOT NULL THEN 'a.created_at < $9' END,
    CASE WHEN query.matching IS NOT NULL THEN 'a.id = ANY ($13)' WHEN query.metadata IS NOT NULL THEN 'a.metadata @> $10' END,
    CASE WHEN query.after_id IS NOT NULL THEN
      CASE WHEN query.backwards THEN '(a.created_at, a.id) > ($11, $12)' ELSE '(a.created_at, a.id) < ($11, $12)' END END)
$$;
COMMENT ON FUNCTION live_private.feed_conditions(live_private.feed_query) IS 'The filters of a query as SQL. Part of live_private.read_feed().';

CREATE FUNCTION live_private.feed_branch(branch text, query live_private.feed_query) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  direction text := CASE WHEN query.backwards THEN 'ASC' ELSE 'DESC' END;
  -- A page of the activities that also meet a given condition.
  page text := format('(SELECT a.* FROM live.activity_stream a WHERE %%s AND %s ORDER BY a.created_at %s, a.id %s LIMIT $2)',
                      live_private.feed_conditions(query), direction, direction);
  -- A page from each member of a set, from those members whose first activity comes first.
  of_each text := 'SELECT page.* FROM (
      SELECT member.* FROM %s CROSS JOIN LATERAL %s AS first ORDER BY first.created_at ' || direction || ', first.id ' || direction || ' LIMIT $2
    ) AS member CROSS JOIN LATERAL %s AS page';
  one text := replace(page, 'LIMIT $2', 'LIMIT 1');
  of_member text;
BEGIN
  CASE branch
    WHEN 'public' THEN
      -- Joined and not compared with $4: for a known actor of many activities the planner would expect many public ones.
      IF query.actor IS NOT NULL THEN
        RETURN format('SELECT page.* FROM (VALUES ($4)) AS actor (name) CROSS JOIN LATERAL %s AS page',
                      replace(format(page, $$a.visibility = 'public'$$), 'a.user_id = $4', 'a.user_id = actor.name'));
      END IF;
      -- A page of each type: no index has the order of their union.
      IF query.activity_types IS NULL OR query.entity_type IS NOT NULL OR query.session_id IS NOT NULL THEN
        RETURN format(page, $$a.visibility = 'public'$$);
      END IF;
      RETURN format('SELECT page.* FROM unnest($3) AS type (name) CROSS JOIN LATERAL %s AS page',
                    replace(format(page, $$a.visibility = 'public'$$), 'a.activity_type = ANY ($3)', 'a.activity_type = type.name'));
    WHEN 'own' THEN
      RETURN format($$SELECT page.* FROM unnest('{followers,session,users,private}'::live.activity_visibility[]) AS kind (name) CROSS JOIN LATERAL %s AS page$$,
                    format(page, 'a.user_id = $1 AND a.visibility = kind.name'));
    WHEN 'users' THEN
      page := format('(SELECT a.* FROM live_private.activity_audience m JOIN live.activity_stream a ON a.id = m.activity_id
                       WHERE m.user_id = $1 AND %s ORDER BY m.created_at %s, m.activity_id %s LIMIT $2)',
                     replace(replace(live_private.feed_conditions(query), '(a.created_at, a.id)', '(m.created_at, m.activity_id)'),
                             'a.created_at', 'm.created_at'), direction, direction);
      RETURN CASE WHEN query.activity_types IS NULL THEN page ELSE
        format('SELECT page.* FROM unnest($3) AS type (name) CROSS JOIN LATERAL %s AS page',
               replace(page, 'a.activity_type = ANY ($3)', 'm.activity_type = type.name')) END;
    -- A query about one session or actor reads that member only.
    WHEN 'session' THEN
      of_member := $$a.session_id = member.key AND a.visibility = 'session' AND a.user_id <> $1$$;
      RETURN format(of_each,
        '(SELECT s FROM live.my_sessions() AS s' || CASE WHEN query.session_id IS NOT NULL THEN ' WHERE s = $7' ELSE '' END || ') AS member (key)',
        format(one, of_member), format(page, of_member));
    WHEN 'followers', 'home' THEN
      of_member := 'a.user_id = member.key AND a.visibility = member.visibility';
      RETURN format(of_each,
        format('(SELECT e.followed, kind.name FROM live_private.follow_edge e CROSS JOIN unnest(%L::live.activity_visibility[]) AS kind (name) WHERE e.follower = $1%s) AS member (key, visibility)',
               CASE branch WHEN 'home' THEN '{public,followers}' ELSE '{followers}' END,
               CASE WHEN query.actor IS NOT NULL THEN ' AND e.followed = $4' ELSE '' END),
        format(one, of_member), format(page, of_member));
  END CASE;
END
$body$;
COMMENT ON FUNCTION live_private.feed_branch(text, live_private.feed_query) IS
'The SQL of one kind of activities: public, own, users, session, followers, home (those that followed users share with everyone or followers). Part of live_private.read_feed().';

-- Branches are planned one by one: for their union, the planner may from version 17 on choose the plans that return the
-- first row soonest.
CREATE FUNCTION live_private.feed_statement(query live_private.feed_query, branches text[]) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('WITH %s SELECT feed.* FROM (%s) AS feed ORDER BY feed.created_at %s, feed.id %3$s LIMIT $2',
                string_agg(b || ' AS MATERIALIZED (' || live_private.feed_branch(b, query) || ')', ', '),
                string_agg('SELECT * FROM ' || b, ' UNION ALL '),
                CASE WHEN query.backwards THEN 'ASC' ELSE 'DESC' END)
  FROM unnest(branches) AS b
$$;
COMMENT ON FUNCTION live_private.feed_statement(live_private.feed_query, text[]) IS 'The SQL of a page; NULL for no branches. Part of live_private.read_feed().';

-- Statistics do not count the activities with some metadata, so the planner guesses whether to look them up or to walk a
-- feed until a page is full; a wrong guess walks all of it. So they are looked up first, unless they are many.
CREATE FUNCTION live_private.match_metadata(asked live_private.feed_query) RETURNS live_private.feed_query
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  most CONSTANT integer := 5000;
  ids bigint[];
BEGIN
  IF asked.metadata IS NOT NULL THEN
    ids := array(SELECT a.id FROM live.activity_stream a WHERE a.metadata @> asked.metadata AND a.deleted_at IS NULL LIMIT most + 1);
    asked.matching := CASE WHEN cardinality(ids) <= most THEN ids END;
  END IF;
  RETURN asked;
END
$$;
COMMENT ON FUNCTION live_private.match_metadata(live_private.feed_query) IS
'The query with the ids of all activities that have its metadata, visible or not, if no more than 5000. Part of live_private.read_feed().';

-- A page reads scattered rows. With the default random_page_cost, the planner would rather scan contiguous ones, expecting
-- the wanted rows spread evenly among them.
CREATE FUNCTION live_private.read_feed(me text, query live_private.feed_query, branches text[]) RETURNS SETOF live.activity_stream
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp SET jit = off SET random_page_cost = 1 AS $$
BEGIN
  IF me IS NULL THEN
    branches := array(SELECT b FROM unnest(branches) AS b WHERE b = 'public');
  END IF;
  IF cardinality(branches) = 0 THEN
    RETURN;
  END IF;
  query := live_private.match_metadata(query);
  RETURN QUERY EXECUTE live_private.feed_statement(query, branches)
  USING me, query.most, query.activity_types, query.actor, query.entity_type, query.entity_id, query.session_id,
        query.since, query.until, query.metadata, query.after_created_at, query.after_id, query.matching;
END
$$;
COMMENT ON FUNCTION live_private.read_feed(text, live_private.feed_query, text[]) IS
'A page of the activities of these kinds that a user (NULL: anonymous) may see; checks nothing. For the extension itself.';

CREATE FUNCTION live_private.feed_page(after_cursor text, query live_private.feed_query, branches text[])
RETURNS TABLE (id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb,
               visibility live.activity_visibility, session_id uuid, created_at timestamptz, cursor text)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  place record := live_private.parse_activity_cursor(after_cursor);
BEGIN
  PERFORM live_private.checked_page(query.most);
  IF cardinality(query.activity_types) > 100 THEN
    RAISE EXCEPTION 'too many activity types' USING ERRCODE = 'program_limit_exceeded', DETAIL = 'The limit is 100.';
  ELSIF query.activity_types IS NOT NULL THEN
    query.activity_types := array(SELECT DISTINCT t FROM unnest(query.activity_types) AS t);
  END IF;
  IF query.entity_id IS NOT NULL AND query.entity_type IS NULL THEN
    RAISE EXCEPTION 'entity_id needs an entity_type' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  query.after_created_at := place.created_at;
  query.after_id := place.id;
  RETURN QUERY
  SELECT f.id, f.user_id, f.activity_type, f.entity_type, f.entity_id, f.metadata, f.visibility, f.session_id, f.created_at,
         live_private.activity_cursor(f.created_at, f.id)
  FROM live_private.read_feed(live.user_id(), query, branches) f;
END
$$;
COMMENT ON FUNCTION live_private.feed_page(text, live_private.feed_query, text[]) IS
'A page of the current user''s feed in the columns of feeds. For the extension itself. Errors: 22023, 54000.';

-- A function in SQL, where arguments and columns may have the same names.
CREATE FUNCTION live.get_feed_activities(
  max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL, activity_types text[] DEFAULT NULL, actor text DEFAULT NULL,
  entity_type text DEFAULT NULL, entity_id text DEFAULT NULL, session_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL,
  until timestamptz DEFAULT NULL, metadata jsonb DEFAULT NULL, backwards boolean DEFAULT false)
RETURNS TABLE (id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb,
               visibility live.activity_visibility, session_id uuid, created_at timestamptz, cursor text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM live_private.feed_page(
    after_cursor COLLATE "C", ROW(activity_types, actor, $5, $6, $7, since, until, $10, NULL, NULL, coalesce(backwards, false), max_activities, NULL)::live_private.feed_query,
    '{public,own,users,session,followers}')
$$;
COMMENT ON FUNCTION live.get_feed_activities(integer, text, text[], text, text, text, uuid, timestamptz, timestamptz, jsonb, boolean) IS
'The activities that the current user may see, newest first, or oldest first if backwards: pass the cursor of the last row for the next page in that direction. Filters: types, actor, entity, session, since (inclusive), until (exclusive), contained metadata. Errors: 22023 for max_activities outside 1 to 1000, an invalid cursor, or an entity_id without entity_type; 54000 for more than 100 types.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_feed_activities(integer, text, text[], text, text, text, uuid, timestamptz, timestamptz, jsonb, boolean)');

CREATE FUNCTION live.get_home_feed(max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL, activity_types text[] DEFAULT NULL)
RETURNS TABLE (id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb,
               visibility live.activity_visibility, session_id uuid, created_at timestamptz, cursor text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.required_user();
  SELECT * FROM live_private.feed_page(
    after_cursor COLLATE "C", ROW(activity_types, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, max_activities, NULL)::live_private.feed_query, '{home}')
$$;
COMMENT ON FUNCTION live.get_home_feed(integer, text, text[]) IS
'Activities that the users followed by the current user share with everyone or with followers, newest first: pass the cursor of the last row for the next page. Errors: 42501 when not signed in; 22023, 54000 as in live.get_feed_activities().';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_home_feed(integer, text, text[])');

CREATE FUNCTION live.get_entity_activities(entity_type text, entity_id text, max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL)
RETURNS TABLE (id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb,
               visibility live.activity_visibility, session_id uuid, created_at timestamptz, cursor text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.checked_text($1, 'entity_type', 255), live_private.checked_text($2, 'entity_id', 255);
  SELECT * FROM live.get_feed_activities($3, $4, entity_type => $1, entity_id => $2)
$$;
COMMENT ON FUNCTION live.get_entity_activities(text, text, integer, text) IS
'The activities about one entity that the current user may see, newest first. Errors: 22004, 22023.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_entity_activities(text, text, integer, text)');
