-- Replay: what live.replay() gives a client that was away. Positions hold batch ids, which differ from run to run, so
-- the tests follow them and print the events.
\set SHOW_CONTEXT never
\pset null NULL

CREATE FUNCTION may_read(topic text) RETURNS boolean LANGUAGE sql AS 'SELECT live.user_id() IS NOT NULL';
SELECT live.set_topic_rule('replay:*', 'may_read(text)');
SET request.jwt.claims = '{"sub": "anna"}';
SELECT coalesce(live.publish(), 0) AS start \gset

-- Six events on two topics in three transactions, a signal, and some that never happened.
SELECT count(live.emit('replay:a', 'a' || number, to_jsonb(number))) FROM generate_series(1, 2) AS number;
BEGIN;
SELECT live.emit('replay:b', 'b1', '1') IS NOT NULL AS emitted;
SELECT live.emit('replay:a', 'a3', '3') IS NOT NULL AS emitted;
SELECT live.emit('replay:a', 'signal', '0', false) IS NOT NULL AS emitted;
COMMIT;
BEGIN;
SELECT live.emit('replay:a', 'undone', '0') IS NOT NULL AS emitted;
ROLLBACK;
SELECT live.publish() IS NOT NULL AS published;
SELECT live.emit('replay:a', 'a4', '4') IS NOT NULL AS emitted;
SELECT live.publish() IS NOT NULL AS published;
SELECT live.emit('replay:a', 'a5', '5') IS NOT NULL AS emitted;
SELECT live.publish() IS NOT NULL AS published;

-- All of a topic: durable events in order, each with its position.
SELECT event, payload, position ~ '^[0-9]+-[0-9]+$' AS has_position, created_at <= clock_timestamp() AS has_time FROM live.replay('replay:a');
SELECT event FROM live.replay('replay:b');
SELECT event FROM live.replay('replay:none');

-- The position is the one that live events carry.
SELECT count(*) AS events, count(*) FILTER (WHERE r.position = f.batch || '-' || f.id) AS same_position
FROM live.replay('replay:a') AS r JOIN live.fetch_events(:start) AS f ON f.topic = 'replay:a' AND f.event = r.event;

-- After each position come exactly the events after it, within its batch and beyond.
SELECT start.event AS seen, array(SELECT rest.event FROM live.replay('replay:a', start.position) AS rest) AS rest
FROM live.replay('replay:a') AS start;
-- A position of another topic, or of a signal, is a place in the same stream.
SELECT array(SELECT rest.event FROM live.replay('replay:a', start.position) AS rest) AS after_b1 FROM live.replay('replay:b') AS start;
SELECT array(SELECT rest.event FROM live.replay('replay:a', f.batch || '-' || f.id) AS rest) AS after_the_signal
FROM live.fetch_events(:start) AS f WHERE f.event = 'signal' AND f.topic = 'replay:a';

-- In pages.
SELECT event FROM live.replay('replay:a', max_events => 2);
SELECT position AS seen FROM live.replay('replay:a', max_events => 2) OFFSET 1 \gset
SELECT event FROM live.replay('replay:a', :'seen', max_events => 2);
SELECT event FROM live.replay(topic => 'replay:a', after_position => :'seen', since => NULL, max_events => 10000);

-- Since a time; with a position both hold.
SELECT created_at AS third_at FROM live.replay('replay:a') WHERE event = 'a3' \gset
SELECT event FROM live.replay('replay:a', since => :'third_at');
SELECT event FROM live.replay('replay:a', since => now() + interval '1 day');
SELECT count(*) FROM live.replay('replay:a', since => '-infinity');
SELECT count(*) FROM live.replay('replay:a', since => 'infinity');
SELECT position AS fourth FROM live.replay('replay:a') WHERE event = 'a4' \gset
SELECT event FROM live.replay('replay:a', :'fourth', since => :'third_at');

-- Emitted but in no batch yet: it has no position, so it is not replayed, nor does its own transaction see it.
BEGIN;
SELECT live.emit('replay:a', 'open', '6') IS NOT NULL AS emitted;
SELECT array(SELECT event FROM live.replay('replay:a')) AS without_open;
ROLLBACK;

-- Positions that are none.
SELECT live.replay('replay:a', '');
SELECT live.replay('replay:a', 'garbage');
SELECT live.replay('replay:a', '1');
SELECT live.replay('replay:a', '-1');
SELECT live.replay('replay:a', '1-');
SELECT live.replay('replay:a', '-1-1');
SELECT live.replay('replay:a', '1-1-1');
SELECT live.replay('replay:a', ' 1-1');
SELECT live.replay('replay:a', E'1-1\n');
SELECT live.replay('replay:a', '１-１');
SELECT live.replay('replay:a', '9999999999999999999-1');
SELECT live.replay('replay:a', '1-99999999999999999999');
SELECT live.replay('replay:a', repeat('1', 10000));
SELECT live.replay('replay:a', '1-1''; drop table live.event; --');

-- From before what is kept: the client must read the state again. From the future: nothing to send.
SELECT live.replay('replay:a', '1-1');
SELECT count(*) FROM live.replay('replay:a', '999999999999999999-999999999999999999');
-- A batch that is gone (a crash can take one of signals only): the one before it serves.
SELECT batch AS fourth_batch FROM live.fetch_events(:start) AS f WHERE f.event = 'a4' \gset
SELECT event FROM live.replay('replay:a', (:fourth_batch - 1) || '-0');
SELECT event FROM live.replay('replay:a', (:fourth_batch + 1) || '-0');

-- Limits.
SELECT live.replay('replay:a', max_events => 0);
SELECT live.replay('replay:a', max_events => -1);
SELECT live.replay('replay:a', max_events => 10001);
SELECT live.replay('replay:a', max_events => NULL);
SELECT live.replay(NULL);

-- Without access nothing is said, not even whether the position is good.
SELECT live.replay('other');
SELECT live.replay('other', 'garbage', max_events => 0);
SELECT live.replay('');
SELECT live.replay('user:ben');
SELECT live.replay('$access');
RESET request.jwt.claims;
SELECT live.replay('replay:a');
SELECT event FROM live.replay('activity', max_events => 1);

-- As a set anywhere in a query, and where writing is not allowed.
SET request.jwt.claims = '{"sub": "anna"}';
BEGIN READ ONLY;
SELECT topic, (live.replay(topic, max_events => 1)).event FROM unnest('{replay:a,replay:b}'::text[]) AS topic;
ROLLBACK;

-- A time is a place in the stream as well: what was published long before it is not read.
SELECT count(live.emit('replay:c', 'past', '0')) FROM generate_series(1, 900);
SELECT live.publish() IS NOT NULL AS published;
UPDATE live_private.batch SET id = id - 3600000000;
UPDATE live.event SET created_at = created_at - interval '1 hour' WHERE topic = 'replay:c';
SELECT live.emit('replay:c', 'late', '1') IS NOT NULL AS emitted;
SELECT live.publish() IS NOT NULL AS published;
CREATE FUNCTION events_read() RETURNS numeric LANGUAGE sql AS $$
  SELECT sum(pg_stat_get_xact_tuples_returned(inhrelid) + pg_stat_get_xact_tuples_fetched(inhrelid))
  FROM (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'live.event'::regclass
        UNION ALL SELECT i.indexrelid FROM pg_inherits JOIN pg_index i ON i.indrelid = inhrelid WHERE inhparent = 'live.event'::regclass) AS t
$$;
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT events_read() AS before \gset
SELECT event FROM live.replay('replay:c', since => now() - interval '10 minutes');
SELECT events_read() - :before BETWEEN 1 AND 100 AS reads_few;
SELECT count(*) FROM live.replay('replay:c', since => now() - interval '2 hours', max_events => 10000);
COMMIT;
DROP FUNCTION events_read;

-- The last events of a topic are found from its end, however many it has.
DO $$
BEGIN
  FOR number IN 1 .. 500 LOOP
    PERFORM live.emit('replay:d', number || '.' || part, '0') FROM generate_series(1, 200) AS part;
    COMMIT;
    PERFORM live.publish();
    COMMIT;
  END LOOP;
END
$$;
SELECT count(live.emit('replay:e', 'e' || number, '0')) FROM generate_series(1, 3000) AS number;
DO $$
BEGIN
  LOOP
    PERFORM live.publish();
    COMMIT;
    EXIT WHEN NOT EXISTS (SELECT FROM live_private.held_series WHERE completed_by IS NULL);
  END LOOP;
END
$$;
SELECT event FROM live.replay('replay:d', live_private.replay_start('replay:d', max_events => 3));
SELECT count(*), min(event), max(event) FROM live.replay('replay:d', live_private.replay_start('replay:d', max_events => 250));
SELECT event FROM live.replay('replay:e', live_private.replay_start('replay:e', max_events => 2));
-- Since a time that has fewer, all of them: there is no start.
SELECT event, live_private.replay_start('replay:c', now() - interval '10 minutes', 2) AS start FROM live.replay('replay:c', since => now() - interval '10 minutes');
SELECT live_private.replay_start('replay:none'), live_private.replay_start('replay:a', 'infinity');
-- What is emitted and not published does not count, nor what cannot be sent any more.
BEGIN;
SELECT count(live.emit('replay:a', 'waits', '0')) FROM generate_series(1, 100);
SELECT event FROM live.replay('replay:a', live_private.replay_start('replay:a', max_events => 2));
ROLLBACK;
CREATE FUNCTION blocks_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || statement INTO plan;
  RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END
$$;
SELECT blocks_read($$SELECT * FROM live.replay('replay:d', live_private.replay_start('replay:d', max_events => 1))$$) < 1000 AS reads_few;
DROP FUNCTION blocks_read;
SELECT live_private.replay_start('replay:a', max_events => 0);
SELECT live_private.replay_start('other');

-- Expired events and batches are not replayed, though their slot may not have been emptied yet.
UPDATE live.event SET created_at = now() - interval '73 hours' WHERE topic = 'replay:a' AND event IN ('a1', 'a2', 'a3');
SELECT event FROM live.replay('replay:a');
SELECT event FROM live.replay('replay:a', since => '-infinity');

SELECT live.drop_topic_rule('replay:*');
DROP FUNCTION may_read;
