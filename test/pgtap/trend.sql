-- Trends are the sum that they are said to be, of public activities only, folded or not; what is taken away is gone.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

SELECT setseed(0.42) \g /dev/null
CREATE FUNCTION pg_temp.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::integer] $$;
-- What it is said to be, with the time of one look.
CREATE FUNCTION pg_temp.expected(at timestamptz) RETURNS TABLE (entity_type text, entity_id text, score double precision) LANGUAGE sql AS $$
  SELECT a.entity_type, a.entity_id, sum(power(2::double precision, greatest(-extract(epoch FROM at - a.created_at)::double precision / 86400, -1000)))
  FROM live.activity_stream a
  WHERE a.visibility = 'public' AND a.deleted_at IS NULL AND a.entity_type IS NOT NULL GROUP BY 1, 2
$$;
-- Whether they agree: within 1e-9, beside the time that goes by between the two looks, by which all scores shrink alike.
CREATE FUNCTION pg_temp.differences(kind text DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  drift double precision;
BEGIN
  CREATE TEMP TABLE shown AS SELECT * FROM live.get_trending(kind, 1000);
  CREATE TEMP TABLE wanted AS SELECT * FROM pg_temp.expected(clock_timestamp()) AS e WHERE kind IS NULL OR e.entity_type = kind;
  SELECT s.score / w.score INTO drift FROM shown s JOIN wanted w USING (entity_type, entity_id) ORDER BY s.score DESC LIMIT 1;
  RETURN QUERY SELECT format('%s %s: %s, not %s', entity_type, entity_id, s.score, w.score * drift)
    FROM shown s FULL JOIN wanted w USING (entity_type, entity_id)
    WHERE s.score IS NULL OR w.score IS NULL OR abs(s.score / (w.score * drift) - 1) > CASE WHEN s.score < 1e-290 THEN 1 + 1e-4 ELSE 1e-9 END; -- the least that a double can hold
  IF drift NOT BETWEEN 1 AND 1.0001 THEN
    RETURN NEXT format('all scores are %s times what they should be', drift);
  END IF;
  IF (SELECT array_agg(s.score) FROM shown s) <> (SELECT array_agg(s.score ORDER BY s.score DESC) FROM shown s) THEN
    RETURN NEXT 'not in order';
  END IF;
  DROP TABLE shown, wanted;
END
$$;

CREATE FUNCTION pg_temp.act(steps integer, oldest interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one live.activity_stream;
BEGIN
  FOR i IN 1 .. steps LOOP
    SELECT a.* INTO one FROM live.activity_stream a WHERE a.deleted_at IS NULL ORDER BY random() LIMIT 1;
    PERFORM set_config('request.jwt.claims', jsonb_build_object('sub', coalesce(one.user_id, 'anna'))::text, true);
    CASE floor(random() * 5)
      WHEN 0 THEN PERFORM live.delete_activity(one.id) WHERE one.id IS NOT NULL;
      WHEN 1 THEN PERFORM live.set_activity_visibility(one.id, CASE one.visibility WHEN 'public' THEN 'private' ELSE 'public' END::live.activity_visibility) WHERE one.id IS NOT NULL;
      ELSE
        PERFORM set_config('request.jwt.claims', format('{"sub": "%s"}', pg_temp.one_of('anna', 'ben', 'carl')), true);
        INSERT INTO live.activity_stream AS a (user_id, activity_type, entity_type, entity_id, visibility, created_at)
        VALUES (live.user_id(), 'liked', pg_temp.one_of('book', 'film'), pg_temp.one_of('1', '2', '3', '4', '5', '6', '7', '8', '9'),
                pg_temp.one_of('public', 'public', 'private')::live.activity_visibility, clock_timestamp() - random() * oldest) RETURNING a.* INTO one;
        PERFORM live_private.note_trend(one, 1);
    END CASE;
  END LOOP;
END
$$;
CREATE FUNCTION pg_temp.one_round(n integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.act(40, CASE WHEN n % 3 = 0 THEN interval '20 years' ELSE interval '20 days' END);
  RETURN NEXT is(array(SELECT pg_temp.differences()), '{}', format('round %s: not folded', n));
  IF n % 2 = 0 THEN
    PERFORM live.refresh_summaries();
    RETURN NEXT is(array(SELECT pg_temp.differences()), '{}', format('round %s: folded', n));
    RETURN NEXT is((SELECT count(*) FROM live_private.trend_change), 0::bigint, format('round %s: nothing is left to fold', n));
  END IF;
END
$$;
SELECT pg_temp.one_round(n) FROM generate_series(1, 20) AS n;
SELECT is(array(SELECT pg_temp.differences('book')), '{}', 'of one type');
SELECT live.refresh_summaries() \g /dev/null
SELECT results_eq('SELECT entity_type, entity_id FROM live.get_trending(NULL, 3)', 'SELECT entity_type, entity_id FROM live.get_trending(NULL, 1000) LIMIT 3', 'the first three are the first three');

-- Something so old that it counts nothing beside something new; and a century in which nothing was logged.
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, created_at) VALUES
  ('anna', 'liked', 'song', '1', '1926-01-01'), ('anna', 'liked', 'song', '1', now()), ('anna', 'liked', 'song', '2', '1926-01-01');
SELECT live_private.note_trend(a, 1) FROM live.activity_stream a WHERE entity_type = 'song' \g /dev/null
SELECT is(array(SELECT pg_temp.differences('song')), '{}', 'a century apart: not folded');
SELECT lives_ok('SELECT live_private.fold_trends()', 'and it can be folded');
SELECT is(array(SELECT pg_temp.differences('song')), '{}', 'folded');

-- After a deletion, and before that is folded, reading does not look at all activities of the entity.
CREATE FUNCTION pg_temp.activities_read(kind text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  before bigint := pg_stat_get_xact_tuples_returned('live.activity_stream'::regclass) + pg_stat_get_xact_tuples_fetched('live.activity_stream'::regclass);
BEGIN
  PERFORM live.get_trending(kind, 1000);
  RETURN pg_stat_get_xact_tuples_returned('live.activity_stream'::regclass) + pg_stat_get_xact_tuples_fetched('live.activity_stream'::regclass) - before;
END
$$;
SET LOCAL enable_seqscan = off;
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, created_at)
SELECT 'anna', 'liked', 'hall', '1', now() - n * interval '1 hour' FROM generate_series(1, 300) AS n
UNION ALL SELECT 'anna', 'liked', 'ruin', '1', now() - interval '200 days' - n * interval '1 hour' FROM generate_series(1, 300) AS n
UNION ALL SELECT 'anna', 'liked', 'ruin', '1', now() - n * interval '20 days' FROM generate_series(0, 1) AS n;
SELECT live_private.note_trend(a, 1) FROM live.activity_stream a WHERE entity_type IN ('hall', 'ruin') \g /dev/null
SELECT live_private.fold_trends() \g /dev/null
SELECT pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', max(a.id))) FROM live.activity_stream a WHERE entity_type = 'hall' \g /dev/null
SELECT is(array(SELECT pg_temp.differences('hall')), '{}', 'one of many is deleted');
SELECT is(pg_temp.activities_read('hall'), 0::bigint, 'then no activity is read');
SELECT pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', (SELECT a.id FROM live.activity_stream a WHERE entity_type = 'ruin' ORDER BY created_at DESC LIMIT 1))) \g /dev/null
SELECT is(array(SELECT pg_temp.differences('ruin')), '{}', 'almost all of the sum is deleted');
SELECT cmp_ok(pg_temp.activities_read('ruin'), '<', 10::bigint, 'then those that count are read');
SELECT live_private.fold_trends() \g /dev/null
SELECT is(array(SELECT pg_temp.differences(kind)), '{}', format('folded: %s', kind)) FROM unnest('{hall,ruin}'::text[]) AS kind;

-- Something far in the future, as an import may bring it, is no obstacle.
INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, created_at) VALUES ('anna', 'liked', 'future', '1', '9000-01-01');
SELECT live_private.note_trend(a, 1) FROM live.activity_stream a WHERE entity_type = 'future' \g /dev/null
SELECT is((SELECT entity_type FROM live.get_trending(NULL, 1)), 'future', 'far in the future');

-- The last public activity of an entity goes: so does the entity.
SELECT pg_temp.as_user('dora', $$SELECT (live.log_activity('liked', 'house', '1', visibility => 'private')).id$$) \g /dev/null
SELECT is_empty($$SELECT FROM live.get_trending('house')$$, 'what is not public does not count');
SELECT pg_temp.as_user('dora', $$SELECT live.set_activity_visibility((SELECT id FROM live.get_feed_activities(1, actor => 'dora')), 'public')$$) \g /dev/null
SELECT is(round(score::numeric, 3), 1.000, 'what becomes public does') FROM live.get_trending('house');
SELECT live_private.fold_trends() \g /dev/null
SELECT is(round(score::numeric, 3), 1.000, 'also when it was folded') FROM live.get_trending('house');
SELECT pg_temp.as_user('dora', $$SELECT live.delete_activity((SELECT id FROM live.get_feed_activities(1, actor => 'dora')))$$) \g /dev/null
SELECT is_empty($$SELECT FROM live.get_trending('house')$$, 'what was deleted does not');
SELECT live_private.fold_trends() \g /dev/null
SELECT is_empty($$SELECT FROM live.get_trending('house')$$, 'when that was folded neither');
SELECT is_empty($$SELECT FROM live_private.trend WHERE entity_type = 'house'$$, 'and no sum is left');

SELECT is(pg_temp.as_user('anna', format('SELECT count(*) FROM live.get_trending(%s)', arguments)), state, format('get_trending(%s)', left(arguments, 40))) FROM (VALUES
  ('NULL, 0', '22023'), ('NULL, -1', '22023'), ('NULL, 1000000000', '22023'), ('NULL, NULL', '22023'), ('repeat(''x'', 10000)', '0'), ('''none''', '0')) AS bad (arguments, state);

-- The numbers of days: those of the public activities, by day, type and kind of entity, actors counted once.
SELECT live.refresh_summaries() \g /dev/null
SELECT bag_eq('SELECT day, activity_type, entity_type, activities, actors FROM live.get_activity_trends(31)', $$
  SELECT (created_at AT TIME ZONE 'UTC')::date AS day, activity_type, entity_type, count(*) AS activities, count(DISTINCT user_id) AS actors FROM live.activity_stream
  WHERE visibility = 'public' AND deleted_at IS NULL AND created_at > (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '30 days') AT TIME ZONE 'UTC' GROUP BY 1, 2, 3$$,
  'the numbers of 31 days');
SELECT is((SELECT min(day) FROM live.get_activity_trends(1)), (now() AT TIME ZONE 'UTC')::date, 'one day is today');
SELECT is(pg_temp.as_user(NULL, 'SELECT count(*) FROM live.get_activity_trends(31)'), (SELECT count(*)::text FROM live.activity_trends), 'everybody reads them');
SELECT is(pg_temp.as_user('anna', format('SELECT count(*) FROM live.get_activity_trends(%s)', days)), '22023', format('of %s days', days)) FROM unnest('{0,-1,32,"NULL"}'::text[]) AS days;
SELECT is(live.refresh_summaries(), 0, 'what has not changed is not refreshed');
INSERT INTO live.activity_stream (user_id, activity_type, visibility)
SELECT 'anna', 'type ' || n, 'public' FROM generate_series(1, 1001) AS n, generate_series(0, (n > 1)::integer);
SELECT live.refresh_summaries() \g /dev/null
SELECT results_eq($$SELECT count(*), bool_or(activity_type = 'type 1') FROM live.get_activity_trends(1)$$,
  $$VALUES (1000::bigint, false)$$, 'of more than a thousand sums one reads the largest');
SELECT results_eq($$SELECT count(*), bool_or(activity_type = 'type 1') FROM live.activity_trends WHERE day = (now() AT TIME ZONE 'UTC')::date$$,
  $$VALUES (1000::bigint, false)$$, 'and no others are kept of that day');

SELECT finish();
ROLLBACK;
