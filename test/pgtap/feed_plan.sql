-- What a page costs: with every filter it is read off indexes, page 200 like page 1, also for who sees one in a thousand.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.room(number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT format('00000000-0000-4000-9000-%s', lpad(number::text, 12, '0'))::uuid $$;
INSERT INTO live.collaboration_sessions (id, room_name, created_by) SELECT pg_temp.room(n), 'room', 'u1' FROM generate_series(0, 99) n;
INSERT INTO live.session_participants (session_id, user_id) SELECT pg_temp.room(n), 'viewer' FROM generate_series(0, 4) n;
INSERT INTO live_private.follow_edge (follower, followed) SELECT 'viewer', 'u' || n FROM generate_series(0, 199) n;

CREATE FUNCTION pg_temp.fill(one_public_in integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, metadata, visibility, session_id, created_at)
  SELECT 'u' || n % 997, 'type ' || n % 20, 'kind ' || n % 10, (n % 500)::text, jsonb_build_object('n', n % 2000),
    CASE WHEN n % one_public_in = 0 THEN 'public' WHEN n % 50 = 1 THEN 'session' WHEN n % 50 = 2 THEN 'followers' WHEN n % 500 = 3 THEN 'users' ELSE 'private' END::live.activity_visibility,
    CASE WHEN n % 50 = 1 OR n % 10 = 0 THEN pg_temp.room(n / 50 % 100) END, '2026-01-01'::timestamptz + n * interval '10 seconds'
  FROM generate_series(1, 200000) AS n;
  -- Whose activities are many, and seldom public, about one thing, in one session.
  INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, visibility, session_id, created_at)
  SELECT 'hermit', 'type 1', 'kind 1', '1', CASE n % 1000 WHEN 0 THEN 'public' ELSE 'private' END::live.activity_visibility, pg_temp.room(1), '2026-01-02'::timestamptz + n * interval '1 second'
  FROM generate_series(1, 50000) AS n;
  INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type) SELECT 'viewer', created_at, id, activity_type FROM live.activity_stream WHERE visibility = 'users';
$$;
-- A page of the viewer: what it reads, how it gets there, where it ends.
CREATE TYPE pg_temp.page AS (rows bigint, blocks bigint, rows_read bigint, scans text, last_created_at timestamptz, last_id bigint);
CREATE FUNCTION pg_temp.read_page(query live_private.feed_query, branches text[]) RETURNS pg_temp.page LANGUAGE plpgsql
SET jit = off SET random_page_cost = 1 SET search_path = pg_catalog, pg_temp AS $$ -- the settings of live_private.read_feed()
DECLARE
  page pg_temp.page;
  plan json;
BEGIN
  query := live_private.match_metadata(query);
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT JSON) ' || live_private.feed_statement(query, branches) INTO plan
  USING 'viewer', query.most, query.activity_types, query.actor, query.entity_type, query.entity_id, query.session_id, query.since, query.until, query.metadata, query.after_created_at, query.after_id, query.matching;
  page.rows := plan #>> '{0,Plan,Actual Rows}';
  page.blocks := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
  SELECT string_agg(DISTINCT node ->> 'Node Type', ', ') INTO page.scans
  FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (@."Relation Name" == "activity_stream" && @."Node Type" == "Seq Scan")') AS node;
  SELECT sum(((node ->> 'Actual Rows')::bigint + coalesce((node ->> 'Rows Removed by Filter')::bigint, 0)) * (node ->> 'Actual Loops')::bigint) INTO page.rows_read
  FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (@."Relation Name" == "activity_stream")') AS node;
  SELECT f.created_at, f.id INTO page.last_created_at, page.last_id FROM live_private.read_feed('viewer', query, branches) AS f
  ORDER BY CASE WHEN query.backwards THEN f.created_at END DESC, CASE WHEN NOT query.backwards THEN f.created_at END LIMIT 1;
  RETURN page;
END
$$;
CREATE TEMP TABLE question (name text, filter jsonb, branches text[] DEFAULT '{public,own,users,session,followers}');
INSERT INTO question (name, filter) VALUES ('no filter', '{}'), ('backwards', '{"backwards": true}'), ('one type', '{"activity_types": ["type 0"]}'), ('three types', '{"activity_types": ["type 0", "type 10", "type 3"]}'),
  ('an actor', '{"actor": "u7"}'), ('an actor who is seldom public', '{"actor": "hermit"}'), ('an actor who speaks in a session', '{"actor": "speaker"}'), ('an actor backwards', '{"actor": "u7", "backwards": true}'), ('oneself', '{"actor": "viewer"}'),
  ('a kind of entity', '{"entity_type": "kind 0"}'), ('an entity', '{"entity_type": "kind 0", "entity_id": "100"}'), ('an entity that is seldom public', '{"entity_type": "kind 1", "entity_id": "1"}'),
  ('a session', format('{"session_id": "%s"}', pg_temp.room(2))::jsonb), ('a session that is seldom public', format('{"session_id": "%s"}', pg_temp.room(1))::jsonb), ('since', '{"since": "2026-01-20"}'), ('until', '{"until": "2026-01-05"}'),
  ('metadata', '{"metadata": {"n": 1000}}'), ('an actor and a type', '{"actor": "u7", "activity_types": ["type 0"]}');
INSERT INTO question (name, filter, branches) VALUES ('home', '{}', '{home}'), ('home, one type', '{"activity_types": ["type 0"]}', '{home}');
-- The first page, and the one that begins after so many rows, or after half of what there is.
CREATE FUNCTION pg_temp.look(q question, skipped integer, OUT first pg_temp.page, OUT later pg_temp.page) LANGUAGE plpgsql AS $$
DECLARE
  query live_private.feed_query := jsonb_populate_record(NULL::live_private.feed_query, '{"backwards": false, "most": 50}' || q.filter);
  far live_private.feed_query := query;
BEGIN
  first := pg_temp.read_page(query, q.branches);
  far.most := skipped;
  SELECT count(*) / CASE WHEN count(*) < skipped THEN 2 ELSE 1 END INTO far.most FROM live_private.read_feed('viewer', far, q.branches);
  IF far.most > 0 THEN
    SELECT f.created_at, f.id INTO query.after_created_at, query.after_id FROM live_private.read_feed('viewer', far, q.branches) AS f
    ORDER BY CASE WHEN far.backwards THEN f.created_at END DESC, CASE WHEN NOT far.backwards THEN f.created_at END LIMIT 1;
    later := pg_temp.read_page(query, q.branches);
  ELSE
    later := first;
  END IF;
END
$$;
CREATE FUNCTION pg_temp.check_pages(moment text, names text DEFAULT '%') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  q question;
  seen record;
BEGIN
  FOR q IN SELECT * FROM question WHERE name LIKE names LOOP
    SELECT * INTO seen FROM pg_temp.look(q, 199 * 50);
    RETURN NEXT is((seen.first).scans || (seen.later).scans, NULL, format('%s, %s: no page scans the table', moment, q.name));
    RETURN NEXT cmp_ok((seen.later).blocks, '<=', 2 * (seen.first).blocks + 100, format('%s, %s: a late page costs what the first does (%s and %s rows, %s and %s blocks)', moment, q.name,
      (seen.first).rows, (seen.later).rows, (seen.first).blocks, (seen.later).blocks));
    RETURN NEXT cmp_ok((seen.first).rows_read, '<=', 12000::bigint, format('%s, %s: the first page reads few rows that it does not show (%s)', moment, q.name, (seen.first).rows_read));
  END LOOP;
END
$$;
SELECT set_config('request.jwt.claim.sub', 'viewer', true) \g /dev/null
SELECT pg_temp.fill(2) \g /dev/null
ANALYZE live.activity_stream, live_private.activity_audience, live_private.follow_edge, live.session_participants;
SELECT pg_temp.check_pages('every second is public');
TRUNCATE live.activity_stream, live.activity_key, live_private.activity_audience, live_private.notification_read;
SELECT pg_temp.fill(1000) \g /dev/null
ANALYZE live.activity_stream, live_private.activity_audience, live_private.follow_edge, live.session_participants;
SELECT pg_temp.check_pages('one in a thousand is public');
INSERT INTO live.activity_stream (user_id, activity_type, visibility, session_id, created_at)
SELECT 'speaker', 'type 1', 'session', pg_temp.room(1), '2026-01-02'::timestamptz + n * interval '1 second' FROM generate_series(1, 50000) AS n;
ANALYZE live.activity_stream;
SELECT pg_temp.check_pages('one speaks much in a session', '%actor%');

-- Notifications and trends, whose plans are kept: in the worst case one for all values.
CREATE FUNCTION pg_temp.blocks(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE statement; -- plans, and fills caches
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || statement INTO plan;
  RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END
$$;
INSERT INTO live.activity_stream (user_id, activity_type, visibility, created_at)
SELECT 'crier', CASE WHEN n % 4000 = 1 THEN 'whispered' ELSE 'cried' END, 'users', '2026-02-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 12000) AS n;
ALTER TABLE live_private.activity_audience DISABLE TRIGGER stamp_audience; -- as if told by an earlier transaction
INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type, xid)
SELECT l, created_at, id, activity_type, '3' FROM live.activity_stream, unnest('{listener,l1,l2,l3,l4,l5,l6,l7,l8,l9}'::text[]) AS l WHERE user_id = 'crier';
ALTER TABLE live_private.activity_audience ENABLE TRIGGER stamp_audience;
INSERT INTO live_private.trend SELECT CASE n % 4000 WHEN 0 THEN 'rare' ELSE 'common' END, n::text, n / 100.0 FROM generate_series(1, 20000) AS n;
ANALYZE live_private.activity_audience, live_private.trend;
SELECT set_config('request.jwt.claim.sub', 'listener', true) \g /dev/null
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT cmp_ok(pg_temp.blocks(format('SELECT count(*) FROM live.get_notifications(50, %L)', live_private.activity_cursor(created_at, activity_id))), '<=',
              pg_temp.blocks('SELECT count(*) FROM live.get_notifications(50)') + 50, 'page 200 of notifications costs what the first does')
FROM (SELECT * FROM live_private.activity_audience WHERE user_id = 'listener' ORDER BY created_at DESC OFFSET 9949 LIMIT 1) AS place;
SELECT cmp_ok(pg_temp.blocks($$SELECT count(*) FROM live.get_feed_activities(50, activity_types => '{whispered,shouted}')$$), '<=', 200::bigint, 'among many notifications those of a type are found');
SELECT live.mark_read() \g /dev/null
SELECT cmp_ok(pg_temp.blocks('SELECT live.unread_count()'), '<=', 50::bigint, 'counting what is unread reads what is unread');
SELECT cmp_ok(pg_temp.blocks('SELECT count(*) FROM live.get_trending(NULL, 20)'), '<=', 100::bigint, 'trends read the best');
SELECT cmp_ok(pg_temp.blocks($$SELECT count(*) FROM live.get_trending('rare', 20)$$), '<=', 100::bigint, 'also of a type that is rare');

SELECT finish();
ROLLBACK;
