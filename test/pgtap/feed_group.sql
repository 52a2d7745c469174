-- Groups are what a plain GROUP BY over the visible activities says, by every grouping, page by page, for every viewer.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

SELECT setseed(0.1) \g /dev/null
CREATE FUNCTION pg_temp.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::integer] $$;
INSERT INTO live_private.follow_edge (follower, followed) VALUES ('u1', 'u2'), ('u1', 'u3'), ('u2', 'u1');
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, visibility, created_at, deleted_at)
SELECT CASE WHEN random() < 0.5 THEN 'u' || floor(random() * 20) ELSE pg_temp.one_of('u1', 'u2', 'u3') END, pg_temp.one_of('liked', 'read'), e, CASE WHEN e IS NOT NULL THEN pg_temp.one_of('1', '2') END, v,
       '2026-03-01'::timestamptz + floor(random() * 100) * interval '1 hour', CASE WHEN random() < 0.1 THEN now() END
FROM (SELECT pg_temp.one_of('book', NULL) AS e, pg_temp.one_of('public', 'followers', 'users', 'private')::live.activity_visibility AS v FROM generate_series(1, 500)) AS r;
INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type)
SELECT told, a.created_at, a.id, a.activity_type FROM live.activity_stream a, unnest('{u1,u2}'::text[]) AS told WHERE a.visibility = 'users' AND told <> a.user_id AND a.deleted_at IS NULL;
INSERT INTO live_private.notification_read SELECT user_id, activity_id FROM live_private.activity_audience WHERE activity_id % 2 = 0;

CREATE FUNCTION pg_temp.walk(way text, size integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  groups text[] := '{}';
  page text[];
  cursors text[];
BEGIN
  LOOP
    SELECT array_agg(concat_ws('|', g.activity_type, g.entity_type, g.entity_id, g.actor_count, g.actors, g.activity_count, g.latest_at AT TIME ZONE 'UTC', g.unread) ORDER BY g.place), array_agg(g.cursor ORDER BY g.place)
    INTO page, cursors
    FROM live.get_feed_groups(size, cursors[cardinality(cursors)], way) WITH ORDINALITY
      AS g (group_key, activity_type, entity_type, entity_id, actor_count, actors, activity_count, latest_at, unread, cursor, place);
    EXIT WHEN page IS NULL;
    groups := groups || page;
  END LOOP;
  RETURN array_to_string(groups, E'\n');
END
$$;
CREATE FUNCTION pg_temp.plain(way text) RETURNS text LANGUAGE sql AS $$
  WITH activity AS (
    SELECT a.*, EXISTS (SELECT FROM live_private.activity_audience m WHERE m.activity_id = a.id AND m.user_id = live.user_id()) AND a.id % 2 = 1 AS unread,
           concat_ws('|', (a.created_at AT TIME ZONE 'UTC')::date, CASE WHEN way ~ 'verb' THEN '+' || a.activity_type END, CASE WHEN way ~ 'actor' THEN '@' || a.user_id END,
                     CASE WHEN way ~ 'entity' THEN '#' || a.entity_type || a.entity_id END) AS key
    FROM live.activity_stream a
  ), actor AS (SELECT key, user_id, max(created_at) AS latest, row_number() OVER (PARTITION BY key ORDER BY max(created_at) DESC, user_id) AS place FROM activity GROUP BY key, user_id)
  SELECT string_agg(line, E'\n' ORDER BY latest DESC, last_id DESC) FROM (
    SELECT concat_ws('|', CASE WHEN way ~ 'verb' THEN max(activity_type) END, CASE WHEN way ~ 'entity' THEN max(entity_type) END, CASE WHEN way ~ 'entity' THEN max(entity_id) END,
             (SELECT count(*) FROM actor c WHERE c.key = a.key), (SELECT array_agg(c.user_id ORDER BY c.place) FROM actor c WHERE c.key = a.key AND c.place <= 10),
             count(*), max(created_at) AT TIME ZONE 'UTC', bool_or(unread)) AS line,
           max(created_at) AS latest, (array_agg(id ORDER BY created_at DESC, id DESC))[1] AS last_id
    FROM activity a GROUP BY a.key) AS grouped
$$;
SELECT is(pg_temp.as_user(viewer, format('SELECT pg_temp.walk(%L, %s)', way, size)), pg_temp.as_user(viewer, format('SELECT pg_temp.plain(%L)', way)),
          format('%s by %s in pages of %s', way, coalesce(viewer, 'the anonymous'), size))
FROM unnest('{verb-entity-day,verb-actor-day,verb-day,entity-day,actor-day}'::text[]) AS way, unnest('{u1,u2,u3,stranger,NULL}'::text[]) AS viewer, unnest('{1,4,1000}'::integer[]) AS size
WHERE size > 1 OR viewer = 'u1';
SELECT is(pg_temp.as_user('u1', $$SELECT pg_temp.walk('verb-entity-day', 7)$$), pg_temp.as_user('u1', $$SELECT string_agg(l, E'\n') FROM (SELECT set_config('timezone', 'Pacific/Auckland', true)) AS z,
  LATERAL (SELECT pg_temp.walk('verb-entity-day', 7) AS l) AS w$$), 'days are UTC, whatever the time zone of the session');
SELECT set_config('timezone', 'UTC', true) \g /dev/null
SELECT cmp_ok((SELECT max(actor_count) FROM live.get_feed_groups(1000, NULL, 'verb-day')), '>', 10::bigint, 'there are groups of more than ten');
SELECT is(pg_temp.as_user('u1', format('SELECT count(*) FROM live.get_feed_groups(10, NULL, %s)', bad)), '22023', format('grouping %s', left(bad, 40)))
FROM unnest(ARRAY['NULL', '''''', '''day''', '''verb-entity-day; x''', 'repeat(''x'', 10000)']) AS bad;

SELECT finish();
ROLLBACK;
