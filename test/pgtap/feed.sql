-- Feeds show exactly what the policy shows, in order, page by page, forwards and backwards, with every filter; their
-- cursors are places and no permissions; bad input is refused.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

-- A random history: few users, types and entities, so that filters meet; times that coincide; tombstones.
SELECT setseed(0.4711) \g /dev/null
CREATE FUNCTION pg_temp.room(number integer) RETURNS uuid LANGUAGE sql AS
$$ SELECT format('00000000-0000-4000-9000-%s', lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::integer] $$;
INSERT INTO live.collaboration_sessions (id, room_name, created_by, status) SELECT pg_temp.room(n), 'room', 'u1', CASE n WHEN 4 THEN 'ended' ELSE 'active' END::live.session_status FROM generate_series(1, 4) n;
INSERT INTO live.session_participants (session_id, user_id) SELECT pg_temp.room(n), 'u' || u FROM generate_series(1, 4) n, generate_series(1, 8) u WHERE random() < 0.4;
INSERT INTO live_private.follow_edge (follower, followed) SELECT 'u' || a, 'u' || b FROM generate_series(1, 8) a, generate_series(1, 8) b WHERE a <> b AND random() < 0.4;
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, metadata, visibility, session_id, created_at, deleted_at)
SELECT r.user_id, pg_temp.one_of('liked', 'read', 'wrote', 'shared'), r.entity_type, CASE WHEN r.entity_type IS NOT NULL THEN pg_temp.one_of('1', '2', '3') END,
       pg_temp.one_of('{}', '{"a": 1}', '{"a": 2}', '{"a": 1, "b": {"c": [1, 2]}}')::jsonb, r.visibility,
       CASE WHEN r.visibility = 'session' OR random() < 0.2 THEN pg_temp.room(1 + floor(random() * 4)::integer) END,
       '2026-03-01'::timestamptz + floor(random() * 300) * interval '30 minutes', CASE WHEN random() < 0.1 THEN now() END
FROM (SELECT n, pg_temp.one_of('u1', 'u2', 'u3', 'u4', 'u5') AS user_id, pg_temp.one_of('book', 'film', NULL) AS entity_type,
             pg_temp.one_of('public', 'followers', 'session', 'users', 'private')::live.activity_visibility AS visibility
      FROM generate_series(1, 900) AS n) AS r;
INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type)
SELECT 'u' || u, a.created_at, a.id, a.activity_type FROM live.activity_stream a, generate_series(1, 8) AS u
WHERE a.visibility = 'users' AND a.user_id <> 'u' || u AND a.deleted_at IS NULL AND random() < 0.3;

-- Random questions, each asked of the function and of the table.
CREATE TEMP TABLE filter AS
SELECT n, pg_temp.one_of('u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7', 'u8', 'stranger', NULL) AS viewer,
  CASE WHEN random() < 0.3 THEN array(SELECT t FROM unnest('{liked,read,wrote,none,NULL}'::text[]) AS t WHERE random() < 0.5 + 0 * n) END AS activity_types,
  CASE WHEN random() < 0.3 THEN pg_temp.one_of('u1', 'u2', 'u3', 'u4', 'u5', 'stranger') END AS actor,
  CASE WHEN random() < 0.4 THEN pg_temp.one_of('book', 'film', 'none') END AS entity_type, pg_temp.one_of('1', '2', NULL, NULL) AS entity_id,
  CASE WHEN random() < 0.2 THEN pg_temp.room(1 + floor(random() * 5)::integer) END AS session_id,
  CASE WHEN random() < 0.2 THEN '2026-03-01'::timestamptz + floor(random() * 200) * interval '30 minutes' END AS since,
  CASE WHEN random() < 0.2 THEN '2026-03-01'::timestamptz + floor(random() * 400) * interval '30 minutes' END AS until,
  CASE WHEN random() < 0.3 THEN pg_temp.one_of('{"a": 1}', '{"b": {"c": [2]}}', '{}', '{"z": 0}')::jsonb END AS metadata,
  random() < 0.5 AS backwards, pg_temp.one_of('5', '20', '1000', '1000')::integer AS page
FROM generate_series(1, 500) AS n;
UPDATE filter SET entity_id = NULL WHERE entity_type IS NULL;

CREATE FUNCTION pg_temp.walk(f filter, most_pages integer DEFAULT 2000) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := '{}';
  page bigint[];
  cursors text[];
BEGIN
  FOR i IN 1 .. most_pages LOOP
    SELECT array_agg(a.id ORDER BY a.place), array_agg(a.cursor ORDER BY a.place) INTO page, cursors
    FROM live.get_feed_activities(f.page, cursors[cardinality(cursors)], f.activity_types, f.actor, f.entity_type, f.entity_id, f.session_id, f.since, f.until,
                                  f.metadata, f.backwards) WITH ORDINALITY AS a (id, a1, a2, a3, a4, a5, a6, a7, a8, cursor, place);
    EXIT WHEN page IS NULL;
    ids := ids || page;
  END LOOP;
  RETURN ids::text;
END
$$;
CREATE FUNCTION pg_temp.by_policy(f filter) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(array_agg(a.id ORDER BY CASE WHEN f.backwards THEN a.created_at END, CASE WHEN f.backwards THEN a.id END, a.created_at DESC, a.id DESC), '{}')::text
  FROM live.activity_stream a
  WHERE (f.activity_types IS NULL OR a.activity_type = ANY (f.activity_types)) AND (f.actor IS NULL OR a.user_id = f.actor)
    AND (f.entity_type IS NULL OR a.entity_type = f.entity_type) AND (f.entity_id IS NULL OR a.entity_id = f.entity_id)
    AND (f.session_id IS NULL OR a.session_id = f.session_id) AND (f.since IS NULL OR a.created_at >= f.since)
    AND (f.until IS NULL OR a.created_at < f.until) AND (f.metadata IS NULL OR a.metadata @> f.metadata)
$$;
GRANT SELECT ON filter TO authenticated, anon;
CREATE TEMP TABLE answer AS
SELECT f.*, pg_temp.as_user(viewer, format('SELECT pg_temp.walk(f) FROM filter f WHERE n = %s', n)) AS walked,
       pg_temp.as_user(viewer, format('SELECT pg_temp.by_policy(f) FROM filter f WHERE n = %s', n)) AS seen FROM filter f;
SELECT is(walked, seen, format('question %s', to_jsonb(a) - 'walked' - 'seen')) FROM answer a ORDER BY n;
SELECT cmp_ok((SELECT count(*) FROM answer WHERE seen <> '{}'), '>=', 200::bigint, 'many questions have an answer');
SELECT cmp_ok((SELECT count(*) FROM answer WHERE cardinality(seen::bigint[]) > page), '>=', 100::bigint, 'many have several pages');

-- The home feed: what the people one follows show, and what the policy shows too.
SELECT is(pg_temp.as_user('u' || n, 'SELECT array_agg(id)::text FROM live.get_home_feed(1000)'),
          pg_temp.as_user('u' || n, $$SELECT array_agg(id ORDER BY created_at DESC, id DESC)::text FROM live.activity_stream
            WHERE user_id = ANY (array(SELECT live_private.my_follows())) AND visibility IN ('public', 'followers')$$), format('the home feed of u%s', n)) FROM generate_series(1, 8) AS n;
CREATE FUNCTION pg_temp.home(size integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := '{}';
  page bigint[];
  cursors text[];
BEGIN
  LOOP
    SELECT array_agg(a.id ORDER BY a.created_at DESC, a.id DESC), array_agg(a.cursor ORDER BY a.created_at DESC, a.id DESC) INTO page, cursors
    FROM live.get_home_feed(size, cursors[cardinality(cursors)], '{liked,read}') AS a;
    EXIT WHEN page IS NULL;
    ids := ids || page;
  END LOOP;
  RETURN ids::text;
END
$$;
SELECT is(pg_temp.as_user('u1', format('SELECT pg_temp.home(%s)', size)), pg_temp.as_user('u1', $$SELECT array_agg(id ORDER BY created_at DESC, id DESC)::text
  FROM live.activity_stream WHERE user_id = ANY (array(SELECT live_private.my_follows())) AND visibility IN ('public', 'followers') AND activity_type IN ('liked', 'read')$$),
  format('in pages of %s, of two types', size)) FROM unnest('{1,5,100}'::integer[]) AS size;

-- A cursor is a place: one of another query, or of another user, shows what the caller may see from there on.
SELECT is(pg_temp.as_user('u2', format('SELECT array_agg(id)::text FROM live.get_feed_activities(1000, %L)', place.cursor)),
          pg_temp.as_user('u2', format('SELECT array_agg(id ORDER BY created_at DESC, id DESC)::text FROM live.activity_stream WHERE (created_at, id) < (%L, %s)', place.created_at, place.id)),
          'a cursor of another user''s private activity, from another feed')
FROM (SELECT created_at, id, live_private.activity_cursor(created_at, id) AS cursor FROM live.activity_stream WHERE visibility = 'private' AND user_id = 'u1' LIMIT 1 OFFSET 20) AS place;
SELECT is(pg_temp.as_user('u2', format('SELECT count(*) FROM live.get_feed_activities(1000, %L, backwards => true)', live_private.activity_cursor('5000-01-01', 1))), '0',
          'nothing comes after the end of time');
SELECT is(pg_temp.as_user('u1', format('SELECT live.%s(%s)', name, arguments)), state, format('%s(%s)', name, left(arguments, 60)))
FROM unnest('{get_feed_activities,get_home_feed,get_notifications,get_feed_groups}'::text[]) AS name, (VALUES
  ('0', '22023'), ('-1', '22023'), ('1000000000', '22023'), ('NULL', '22023'), ('10, ''''', '22023'), ('10, ''x''', '22023'),
  ('10, ' || quote_literal(left(live_private.activity_cursor(now(), 1), 20)), '22023'), ('10, ' || quote_literal(live_private.activity_cursor(now(), 1) || 'A'), '22023'),
  ('10, repeat(''A'', 1000000)', '22023'), ('10, ''AAAAAAAAAAAAAAAAAAAA%%''', '22023'), ('10, E''AAAAAAAAAAAAAAAAAAAAAA\n''', '22023')) AS bad (arguments, state);
SELECT is(pg_temp.as_user('u1', format('SELECT count(*) FROM live.%s(10, %L)', name, repeat(letter, 22))) ~ '^[0-9]+$', true, format('%s: a cursor of %s', name, letter))
FROM unnest('{get_feed_activities,get_home_feed,get_notifications,get_feed_groups}'::text[]) AS name, unnest('{A,_,-,g,Q}'::text[]) AS letter;
SELECT is(pg_temp.as_user('u1', format('SELECT count(*) FROM live.get_feed_activities(%s)', arguments)), state, left(arguments, 60)) FROM (VALUES
  ('activity_types => array(SELECT i::text FROM generate_series(1, 101) i)', '54000'), ('entity_id => ''7''', '22023'), ('since => ''x''', '22007'),
  ('activity_types => ARRAY[repeat(''x'', 10000)]', '0'), ('actor => repeat(''x'', 10000)', '0'), ('actor => E''a\x01''', '0'),
  ('since => ''infinity''', '0'), ('until => ''-infinity''', '0'), ('metadata => ''[1]''', '0'), ('backwards => NULL, activity_types => ''{}''', '0')) AS bad (arguments, state);
SELECT is(pg_temp.as_user('u1', format('SELECT count(*) FROM live.get_entity_activities(%s)', arguments)), '22004', format('get_entity_activities(%s)', arguments))
FROM unnest('{"NULL, NULL","''book'', NULL","NULL, ''1''"}'::text[]) AS arguments;
SELECT is(pg_temp.as_user('u1', 'SELECT count(*) FROM live.get_feed_activities(NULL)'), '22023', 'no size of a page');
-- Times before 1970, as they may come from an older system.
INSERT INTO live.activity_stream (user_id, activity_type, created_at) SELECT 'old', 'old', '1960-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 5) AS n;
SELECT is(pg_temp.as_user('u1', $$SELECT pg_temp.walk(ROW(0, NULL, '{old}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 2)::filter, 10)$$),
          (SELECT array_agg(id ORDER BY created_at DESC)::text FROM live.activity_stream WHERE user_id = 'old'), 'times before 1970');

SELECT finish();
ROLLBACK;
