-- The batch rule as a property: which transactions ended between two snapshots, against its definition; and what is
-- fetched and replayed from batches, against a made-up history of transactions that overlap in every way.
\unset ECHO
BEGIN;
SELECT no_plan();

-- live_private.ended_xids() as a set of ids.
CREATE FUNCTION pg_temp.ended(earlier pg_snapshot, later pg_snapshot) RETURNS bigint[] LANGUAGE sql AS $$
  SELECT array(SELECT xid FROM live_private.ended_xids(earlier, later) AS range,
                    generate_series(range.first_xid::text::bigint, range.end_xid::text::bigint - 1) AS xid ORDER BY xid)
$$;
-- Its definition: running or unborn in the earlier snapshot, ended in the later one.
CREATE FUNCTION pg_temp.ended_by_definition(earlier pg_snapshot, later pg_snapshot) RETURNS bigint[] LANGUAGE sql AS $$
  SELECT array(SELECT xid FROM generate_series(3, greatest(pg_snapshot_xmax(earlier)::text::bigint, pg_snapshot_xmax(later)::text::bigint)) AS xid
               WHERE pg_visible_in_snapshot(xid::text::xid8, later) AND NOT pg_visible_in_snapshot(xid::text::xid8, earlier) ORDER BY xid)
$$;

SELECT is(pg_temp.ended(earlier, later), expected, format('ended between %s and %s', earlier, later)) FROM (VALUES
  ('3:3:'::pg_snapshot, '3:3:'::pg_snapshot, '{}'::bigint[]),
  ('10:10:', '10:10:', '{}'),
  ('10:10:', '13:13:', '{10,11,12}'),
  ('10:10:', '10:13:10', '{11,12}'),
  ('10:10:', '12:13:12', '{10,11}'),
  ('10:10:', '10:13:10,11,12', '{}'),
  ('10:13:10,12', '13:13:', '{10,12}'),
  ('10:13:10,12', '12:13:12', '{10}'),
  ('10:13:10,12', '12:16:12,14', '{10,13,15}'),
  ('10:13:10,12', '10:16:10,12,13,14,15', '{}'),
  ('10:16:10,11,12,13,14,15', '16:16:', '{10,11,12,13,14,15}'),
  ('100:100:', '10:10:', '{}'), -- from the future
  ('4294967290:4294967295:4294967290', '4294967300:4294967300:', '{4294967290,4294967295,4294967296,4294967297,4294967298,4294967299}')
) AS cases (earlier, later, expected);

CREATE FUNCTION pg_temp.random_snapshot(low bigint) RETURNS pg_snapshot LANGUAGE sql VOLATILE AS $$
  WITH bounds AS MATERIALIZED (SELECT low AS first, low + floor(random() * 12)::bigint AS xmax),
       running AS MATERIALIZED (SELECT xid FROM bounds, generate_series(first, xmax - 1) AS xid WHERE random() < 0.5)
  SELECT format('%s:%s:%s', coalesce((SELECT min(xid) FROM running), xmax), xmax, (SELECT string_agg(xid::text, ',' ORDER BY xid) FROM running))::pg_snapshot
  FROM bounds
$$;
SELECT setseed(0.42);
SELECT is_empty($$
  WITH pair AS MATERIALIZED (
    SELECT pg_temp.random_snapshot(10) AS earlier, pg_temp.random_snapshot(10 + floor(random() * 8)::bigint) AS later FROM generate_series(1, 5000)
  )
  SELECT earlier, later, pg_temp.ended(earlier, later), pg_temp.ended_by_definition(earlier, later) FROM pair
  -- In the order of time: what had ended stays ended.
  WHERE pg_snapshot_xmax(earlier) <= pg_snapshot_xmax(later)
    AND NOT EXISTS (SELECT FROM pg_snapshot_xip(later) AS x WHERE pg_visible_in_snapshot(x, earlier))
    AND pg_temp.ended(earlier, later) IS DISTINCT FROM pg_temp.ended_by_definition(earlier, later)
  LIMIT 5
$$, 'ended_xids() gives what its definition gives, each id once, on 5,000 pairs of snapshots');

-- A made-up history: transactions begin, emit, commit or roll back in any order; now and then a publisher takes a
-- snapshot. Who reads everything must get the committed events in the order of (batch, id), whatever the overlap.
CREATE TEMP TABLE written (xid bigint, id bigint, topic text, durable boolean); -- and in no batch yet
CREATE TEMP TABLE truth (batch bigint, id bigint, topic text, durable boolean, xid xid8); -- what was published
CREATE TEMP TABLE loaded (batch bigint, snapshot pg_snapshot); -- states that were read in between, and the newest batch at that time
CREATE FUNCTION pg_temp.snapshot_of(running bigint[], latest_ended bigint) RETURNS pg_snapshot LANGUAGE sql AS $$
  SELECT format('%s:%s:%s', coalesce(min(xid), latest_ended + 1), latest_ended + 1, string_agg(xid::text, ',' ORDER BY xid))::pg_snapshot
  FROM unnest(running) AS xid WHERE xid <= latest_ended
$$;
CREATE FUNCTION pg_temp.make_history(steps integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  next_xid bigint := 1000;
  latest_ended bigint := 999;
  running bigint[] := '{}';
  committed bigint[] := '{}'; -- since the last batch
  chosen bigint;
  batch_id bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
  DELETE FROM live.event; DELETE FROM live.signal; DELETE FROM live_private.batch; DELETE FROM written; DELETE FROM truth; DELETE FROM loaded;
  FOR step IN 1 .. steps LOOP
    chosen := running[1 + floor(random() * cardinality(running))::integer];
    CASE floor(random() * 11)::integer
    WHEN 10 THEN -- a state is read
      INSERT INTO loaded VALUES (batch_id, pg_temp.snapshot_of(running, latest_ended));
    WHEN 0, 1 THEN -- begins
      running := running || next_xid;
      next_xid := next_xid + 1;
    WHEN 2, 3, 4, 5, 6 THEN -- emits
      IF chosen IS NOT NULL THEN
        INSERT INTO written VALUES (chosen, step, 'history:' || floor(random() * 2), random() < 0.7);
      END IF;
    WHEN 7, 8 THEN -- commits, or rolls back
      IF chosen IS NOT NULL THEN
        running := array_remove(running, chosen);
        latest_ended := greatest(latest_ended, chosen);
        IF random() < 0.7 THEN
          committed := committed || chosen;
        ELSE
          DELETE FROM written WHERE xid = chosen;
        END IF;
      END IF;
    ELSE -- is published
      IF EXISTS (SELECT FROM written WHERE xid = ANY (committed)) THEN
        batch_id := batch_id + 1;
        INSERT INTO live_private.batch
        SELECT batch_id,
               pg_temp.snapshot_of(running, latest_ended),
               array(SELECT DISTINCT w.xid::text::xid8 FROM written w WHERE w.xid = ANY (committed) ORDER BY 1);
        INSERT INTO truth SELECT batch_id, w.id, w.topic, w.durable, w.xid::text::xid8 FROM written w WHERE w.xid = ANY (committed);
        INSERT INTO live.event (id, xid, topic, event, payload, slot)
        SELECT w.id, w.xid::text::xid8, w.topic, 'e', '{}', w.id % 4 FROM written w WHERE w.xid = ANY (committed) AND w.durable;
        INSERT INTO live.signal (id, xid, topic, event, payload, slot)
        SELECT w.id, w.xid::text::xid8, w.topic, 'e', '{}', w.id % 3 FROM written w WHERE w.xid = ANY (committed) AND NOT w.durable;
        DELETE FROM written WHERE xid = ANY (committed);
        committed := '{}';
      END IF;
    END CASE;
  END LOOP;
END
$$;

-- What a reader gets who asks for `size` events at a time, as rows "batch-id".
CREATE FUNCTION pg_temp.fetched(size integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  seen_batch bigint := 0;
  seen_id bigint := 0;
  result text[] := '{}';
  page text[];
BEGIN
  LOOP
    page := array(SELECT f.batch || '-' || f.id FROM live.fetch_events(seen_batch, seen_id, size) AS f);
    EXIT WHEN cardinality(page) = 0;
    result := result || page;
    seen_batch := split_part(page[cardinality(page)], '-', 1);
    seen_id := split_part(page[cardinality(page)], '-', 2);
  END LOOP;
  RETURN result;
END
$$;
-- What is replayed behind a position, so many events at a time, as rows "batch-id".
CREATE FUNCTION pg_temp.replayed(start text, size integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  result text[] := '{}';
  page text[];
BEGIN
  LOOP
    page := array(SELECT r.position FROM live_private.replay_events('history:1', start, NULL, size) AS r);
    EXIT WHEN cardinality(page) = 0;
    result := result || array(SELECT split_part(p, '@', 1) FROM unnest(page) AS p);
    start := page[cardinality(page)];
  END LOOP;
  RETURN result;
END
$$;
CREATE FUNCTION pg_temp.differences(histories integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  expected text[];
  size integer;
  start record;
  latest text;
BEGIN
  FOR history IN 1 .. histories LOOP
    PERFORM pg_temp.make_history(165);
    size := 1 + floor(random() * 20);
    expected := array(SELECT t.batch || '-' || t.id FROM truth t ORDER BY t.batch, t.id);
    IF pg_temp.fetched(size) <> expected THEN
      RETURN NEXT format('history %s: fetched %s at a time', history, size);
    END IF;
    FOR start IN SELECT NULL::bigint AS batch, NULL::bigint AS id UNION ALL SELECT t.batch, t.id FROM truth t LOOP
      expected := array(SELECT t.batch || '-' || t.id FROM truth t
                        WHERE t.durable AND t.topic = 'history:1' AND (start.id IS NULL OR (t.batch, t.id) > (start.batch, start.id)) ORDER BY t.batch, t.id);
      IF array(SELECT r.position FROM live_private.replay_events('history:1', start.batch || '-' || start.id, NULL, 10000) AS r) <> expected THEN
        RETURN NEXT format('history %s: replayed after %s', history, start.batch || '-' || start.id);
      END IF;
      CONTINUE WHEN expected = '{}';
      latest := live_private.start_of_latest('history:1', NULL, cardinality(expected));
      IF array(SELECT r.position FROM live_private.replay_events('history:1', latest, NULL, 10000) AS r) <> expected THEN
        RETURN NEXT format('history %s: the latest %s', history, cardinality(expected));
      END IF;
    END LOOP;
    FOR start IN SELECT l.batch, l.snapshot, format('%s-0@%s:%s', l.batch, live_private.current_lifetime(), l.snapshot) AS position FROM loaded l LOOP
      expected := array(SELECT t.batch || '-' || t.id FROM truth t
                        WHERE t.durable AND t.topic = 'history:1' AND NOT pg_visible_in_snapshot(t.xid, start.snapshot) ORDER BY t.batch, t.id);
      IF pg_temp.replayed(start.position, size) <> expected THEN
        RETURN NEXT format('history %s: %s at a time after the state %s', history, size, start.position);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
SELECT setseed(0.42);
SELECT is_empty('SELECT pg_temp.differences(40) LIMIT 5',
                'in 40 made-up histories every event is fetched once in order in pages of any size, and every position replays what follows it, as does the start of the latest; behind a state comes what it has not seen');
SELECT cmp_ok((SELECT count(*) FROM truth), '>', 10::bigint, 'a history has events');
SELECT cmp_ok((SELECT count(DISTINCT batch) FROM truth), '>', 2::bigint, 'and several batches');
SELECT cmp_ok((SELECT count(*) FROM loaded), '>', 2::bigint, 'and states that were read');

SELECT finish();
ROLLBACK;
