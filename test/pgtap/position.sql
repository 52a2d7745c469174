-- Positions: what is one, what live.position() says of the snapshot, and what a replay behind it takes for its own.
-- Before anything is written: a transaction that has written has none.
SELECT live.position() AS position, pg_current_snapshot() AS snapshot \gset
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

SELECT matches(:'position'::text, '^[0-9]+-0@[0-9]+:[0-9]+:[0-9]+:[0-9,]*$', 'the position of a state has a batch, a lifetime and a snapshot');
SELECT is((live_private.parse_position(:'position')).seen::text, :'snapshot', 'the snapshot is that of the statement');
SELECT is((SELECT provolatile FROM pg_proc WHERE oid = 'live.position()'::regprocedure), 's', 'position() has the snapshot of the statement');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace = 'live'::regnamespace AND proname ~ '^(get_|unread_count$)' AND provolatile = 'v'$$,
  'and so has what reads a state, so that one statement gives both');

SELECT is((live_private.parse_position('12-34')).id, 34::bigint, 'the position of an event has an id');
SELECT ok((live_private.parse_position('12-34')).seen IS NULL, 'and no snapshot');
SELECT is((live_private.parse_position('12-34@5:6:9:7,8')).seen::text, '6:9:7,8', 'that of a state has one');
SELECT throws_ok(format('SELECT live_private.parse_position(%L)', bad), '22023', NULL, 'no position: ' || left(bad, 40))
FROM unnest(ARRAY['', 'x', '1', '1-', '-1-1', '1-2-3', '1-2@', '1-2@3', '1-2@3:4', '1-2@3:4:5', '1-2@3:5:4:', '1-2@3:4:6:9', '1-2@3:4:6:5,4', '1-2@x:4:6:', '1-2@3:4:6:5@',
  '1-2@3:99999999999999999999:99999999999999999999:', '1234567890123456789-1', E'1-2\n', '1-2@1:3:4:' || repeat('3,', 40000)]) AS bad;
SELECT throws_like($$SELECT live_private.parse_position('1-2@' || repeat('x', 1000))$$, 'invalid position: "1-2@' || repeat('x', 56) || '"', 'the error shows the beginning');

SELECT live.emit('position', 'written', '1') \g /dev/null
SELECT throws_ok('SELECT live.position()', '25001', 'live.position() cannot run in a transaction that has written', 'what a transaction wrote itself is in no snapshot');

-- Of another lifetime, of another history, and before what is kept.
CREATE TEMP TABLE here AS SELECT live_private.newest_batch() AS batch, live_private.current_lifetime() AS lifetime,
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock, (extract(epoch FROM interval '1 year') * 1000000)::bigint AS year;
SELECT ok(lifetime > 0, 'a lifetime has begun') FROM here;
SELECT is((SELECT live_private.begin_lifetime() IS NULL AND live_private.current_lifetime() <> lifetime), false, 'and goes on') FROM here;
DELETE FROM live_private.batch;
CREATE FUNCTION pg_temp.replay_after(place text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT count(*) FROM live_private.replay_events('position', place, NULL, 10));
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.replay_after(format('%s-0@%s:3:3:', clock, lifetime)), '0', 'a state that was read before there was any batch has its place') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0@%s:3:3:', clock - year, lifetime)), 'older than the events that are kept', 'but not for ever') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0', clock)), 'older than the events that are kept', 'and the position of an event has none') FROM here;
INSERT INTO live_private.batch (id, snapshot, xids) SELECT clock, '3:3:', '{}' FROM here;
SELECT is(pg_temp.replay_after(format('%s-0@%s:3:3:', clock, lifetime)), '0', 'the newest batch is of this history') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0@%s:3:3:', clock + 1, lifetime)), 'not of this history', 'a later one is not') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0@%s:3:3:', clock, lifetime + 1)), 'not of this history', 'nor is a state that was read in another lifetime') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0@0:3:3:', clock)), 'not of this history', 'or between two') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-0@%s:3:1000:%s', clock, lifetime, (SELECT string_agg(n::text, ',') FROM generate_series(3, 900) AS n))), '^0$', 'a snapshot may have many transactions') FROM here;
INSERT INTO live_private.batch (id, snapshot, xids) SELECT clock - 10, '3:3:', '{}' FROM here;
SELECT is(pg_temp.replay_after(format('%s-0', clock - 5)), '0', 'a batch of signals may have been taken away by a crash') FROM here;
SELECT matches(pg_temp.replay_after(format('%s-7', clock - 5)), 'not of this history', 'that of a durable event may not: such an event never was') FROM here;
DELETE FROM live_private.batch b USING here WHERE b.id < clock;

-- What a snapshot has seen is published, or is waited for.
CREATE FUNCTION pg_temp.is_published(topic text, seen pg_snapshot) RETURNS boolean LANGUAGE sql AS $$
  SELECT live_private.is_published(topic, format('0-0@0:%s', seen))
$$;
DELETE FROM live.event;
UPDATE live_private.batch SET snapshot = '100:104:100,102';
INSERT INTO live.event (id, xid, topic, event, payload, slot) VALUES (1, '100', 'a', 'e', '1', 0), (2, '101', 'b', 'e', '1', 1), (3, '103', '$presence', 'e', '1', 2), (4, '106', 'c', 'e', '1', 3);
SELECT is(pg_temp.is_published(topic, seen), expected, format('%s in %s: %s', topic, seen, expected)) FROM (VALUES
  ('a', '100:104:100,102'::pg_snapshot, true), ('a', '102:104:102', false), ('a', '100:110:100', true), ('a', '110:110:', false), ('b', '110:110:', true), ('$presence', '110:110:', true),
  ('presence', '110:110:', true), ('c', '106:107:106', true), ('c', '106:106:', true), ('c', '107:107:', false), ('none', '110:110:', true), ('a', '50:60:', true)) AS c (topic, seen, expected);
INSERT INTO live.event (id, xid, topic, event, payload, slot) VALUES (5, '105', '$presence', 'e', '1', 2);
SELECT is(pg_temp.is_published(topic, '110:110:'), expected, format('%s beside what is announced under a rule: %s', topic, expected)) FROM (VALUES ('presence', false), ('$presence', false), ('b', true)) AS c (topic, expected);
-- Deferred: the event 7 of a large transaction on a, and a small transaction on b.
DELETE FROM live.event;
UPDATE live_private.batch SET snapshot = '104:104:';
INSERT INTO live.event (id, xid, topic, event, payload, slot) VALUES (6, '101', 'a', 'e', '1', 0), (7, '101', 'a', 'e', '1', 0), (6, '102', 'd', 'e', '1', 0), (8, '102', 'b', 'e', '1', 0), (9, '103', 'b', 'e', '1', 0);
INSERT INTO live_private.held_series (id, released_through, first_small, last_small) VALUES (1, 6, '102', '102');
INSERT INTO live_private.held_transaction (xid, series, is_large, next_id) VALUES ('101', 1, true, 7), ('102', 1, false, 8);
SELECT is(pg_temp.is_published(topic, seen), expected, format('held: %s in %s: %s', topic, seen, expected)) FROM (VALUES
  ('a', '104:104:'::pg_snapshot, false), ('a', '101:104:101', true), ('b', '104:104:', false), ('b', '102:104:102', true), ('d', '104:104:', true), ('none', '104:104:', true)) AS c (topic, seen, expected);
UPDATE live_private.held_series SET completed_by = 1;
SELECT is(pg_temp.is_published(topic, '104:104:'), true, topic || ' when nothing is held any more') FROM unnest('{a,b,d}'::text[]) AS topic;

-- As clients.
SELECT is(pg_temp.as_user('anna', statement), state, statement) FROM (VALUES
  ($$SELECT live_private.await_published('none', '1-1')$$, '42501'), ($$SELECT live_private.await_published('user:ben', '1-1@1:3:3:')$$, '42501'),
  ($$SELECT live_private.await_published('user:anna', '1-1') IS NULL$$, 'false'), ($$SELECT live_private.await_published('user:anna', '1-1@1:3:3:') IS NULL$$, 'false'),
  ($$SELECT live_private.await_published('user:anna', '1@1')$$, '22023'), ($$SELECT live_private.await_published('user:anna', NULL)$$, '22004'), ($$SELECT live_private.is_published('user:anna', '1-1@1:3:3:')$$, '42501'),
  ($$SELECT live_private.begin_lifetime()$$, '42501'), ($$SELECT last_value FROM live_private.lifetime$$, '42501'), ($$SELECT setval('live_private.lifetime', 1)$$, '42501')) AS c (statement, state);

SELECT finish();
ROLLBACK;
