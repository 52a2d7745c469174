-- What is held is published in parts: each event once, in order of id, in parts of a bounded size that read little,
-- however many transactions are held. Nor does replay of another topic read them.
\unset ECHO
BEGIN;
SELECT no_plan();

-- A series of transactions whose events lie between each other's; of some, what is first or all of it is lost.
CREATE FUNCTION pg_temp.hold(transactions integer, events integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM live_private.held_series; DELETE FROM live_private.held_transaction; DELETE FROM live.event; DELETE FROM live.signal; DELETE FROM live_private.batch;
  INSERT INTO live.event (id, xid, topic, event, payload, slot)
  SELECT n, (1000 + floor(random() * transactions))::bigint::text::xid8, 'held', 'e', '{}', n % 4 FROM generate_series(1, events, 2) AS n;
  INSERT INTO live.signal (id, xid, topic, event, payload, slot)
  SELECT n, (1000 + floor(random() * transactions))::bigint::text::xid8, 'held', 'e', '{}', n % 3 FROM generate_series(2, events, 2) AS n;
  PERFORM live_private.hold_transactions(array(SELECT e.xid FROM live.event e UNION SELECT s.xid FROM live.signal s), 1, false);
END
$$;
-- The events of each part, as the batches name them, until all is published.
CREATE FUNCTION pg_temp.parts(most integer) RETURNS SETOF bigint[] LANGUAGE plpgsql AS $$
BEGIN
  FOR number IN 1 .. 10000 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM live_private.held_series WHERE completed_by IS NULL);
    PERFORM live_private.release_part('3:3:', number, most);
    RETURN QUERY SELECT array(SELECT f.id FROM live.fetch_events(b.id - 1, 9223372036854775807, 10000) AS f WHERE f.batch = b.id) FROM live_private.batch b WHERE b.id = number;
  END LOOP;
END
$$;
CREATE FUNCTION pg_temp.differences(rounds integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  most integer;
  expected bigint[];
  found bigint[] := '{}';
  part bigint[];
BEGIN
  FOR round IN 1 .. rounds LOOP
    most := 1 + floor(random() * 12);
    PERFORM pg_temp.hold(1 + floor(random() * 40)::integer, 100);
    IF round % 2 = 0 THEN
      DELETE FROM live.signal s WHERE s.xid::text::bigint % 3 <> 0 OR s.id < 30;
    END IF;
    expected := array(SELECT e.id FROM live.event e UNION ALL SELECT s.id FROM live.signal s ORDER BY id);
    found := '{}';
    FOR part IN SELECT * FROM pg_temp.parts(most) LOOP
      IF cardinality(part) NOT BETWEEN 1 AND most THEN
        RETURN NEXT format('round %s: a part of %s events, not of 1 to %s', round, cardinality(part), most);
      END IF;
      found := found || part;
    END LOOP;
    IF found <> expected OR EXISTS (SELECT FROM live_private.held_series WHERE completed_by IS NULL) THEN
      RETURN NEXT format('round %s, parts of %s: %s, not %s', round, most, found, expected);
    END IF;
  END LOOP;
END
$$;
SELECT setseed(0.42) \g /dev/null
SELECT is_empty('SELECT pg_temp.differences(40) LIMIT 5', 'in 40 series every event is published once, in order, in parts of a bounded size');

CREATE FUNCTION pg_temp.rows_read() RETURNS numeric LANGUAGE sql VOLATILE AS $$
  SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)) FROM pg_class c
  WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND (c.relname ~ '^(event|signal)_[0-9]' OR c.relname = 'held_transaction')
$$;
-- The rows that one part reads, and those that it reads to see what is left.
CREATE FUNCTION pg_temp.cost_of_part(number bigint) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  before numeric := pg_temp.rows_read();
BEGIN
  PERFORM live_private.release_part('3:3:', number, 10);
  RETURN pg_temp.rows_read() - before;
END
$$;
SELECT pg_temp.hold(3000, 5000) \g /dev/null
SELECT cmp_ok(pg_temp.cost_of_part(n), '<', 300::numeric, format('with 3,000 transactions held, part %s reads few of them', n)) FROM generate_series(1, 3) AS n;

CREATE FUNCTION pg_temp.cost_of_replay(topic text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  before numeric := pg_temp.rows_read();
BEGIN
  PERFORM live_private.replay_events(topic, NULL, NULL, 10);
  RETURN pg_temp.rows_read() - before;
END
$$;
-- So many that it matters which index is used, and the planner knows it.
INSERT INTO live.event (id, xid, topic, event, payload, slot) SELECT n, '9001', 'other', 'e', '{}', n % 4 FROM generate_series(20001, 60000) AS n;
ANALYZE live.event, live_private.held_transaction;
SELECT cmp_ok(pg_temp.cost_of_replay('quiet'), '<', 100::numeric, 'replay of a topic without any of them reads none of them');

INSERT INTO live.event (id, xid, topic, event, payload, slot) SELECT n, '9000', 'held', 'e', '{}', n % 4 FROM generate_series(10001, 15000) AS n;
SELECT live_private.hold_transactions('{9000}', 1, true) \g /dev/null
UPDATE live_private.batch SET through_id = 15000 WHERE id = 3;
ANALYZE live.event;
SELECT cmp_ok(pg_temp.cost_of_replay('quiet'), '<', 100::numeric, 'nor those of a large one');

SELECT finish();
ROLLBACK;
