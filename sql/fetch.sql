-- Fetching: live.fetch_events() gives what was published after a place, in order, a page at a time.
\set SHOW_CONTEXT never
\pset null NULL

SELECT coalesce(live.publish(), 0) AS start \gset

-- One transaction, one batch: paging goes on inside it by the event id.
BEGIN;
SELECT count(live.emit('fetch:' || number % 2, 'event ' || number, to_jsonb(number), number % 3 <> 0)) FROM generate_series(1, 7) AS number;
COMMIT;
SELECT live.publish() AS batch \gset
SELECT topic, event, payload, durable, batch = :batch AS in_batch, created_at <= clock_timestamp() AS has_time
FROM live.fetch_events(:start);
SELECT event FROM live.fetch_events(:start, max_events => 3);
SELECT batch AS seen_batch, id AS seen_id FROM live.fetch_events(:start, max_events => 3) ORDER BY batch DESC, id DESC LIMIT 1 \gset
SELECT event FROM live.fetch_events(:seen_batch, :seen_id, 3);
SELECT batch AS seen_batch, id AS seen_id FROM live.fetch_events(:seen_batch, :seen_id, 3) ORDER BY batch DESC, id DESC LIMIT 1 \gset
SELECT event FROM live.fetch_events(:seen_batch, :seen_id, 3);

-- An id of 0 is before all of the batch, NULL after all of it.
SELECT count(*) FROM live.fetch_events(:batch, 0);
SELECT count(*) FROM live.fetch_events(:batch, NULL);
SELECT count(*) FROM live.fetch_events(:batch);
SELECT count(*) FROM live.fetch_events(:batch, 9223372036854775807);

-- Several transactions: batches in order, ids in order within a batch, nothing twice; the next page starts where one ended.
SELECT live.emit('fetch', 'second', '1') IS NOT NULL AS emitted;
SELECT live.publish() > :batch AS published;
BEGIN;
SELECT live.emit('fetch', 'third', '1') IS NOT NULL AS emitted;
SELECT live.emit('fetch', 'third', '2', false) IS NOT NULL AS emitted;
COMMIT;
SELECT live.emit('fetch', 'fourth', '1', false) IS NOT NULL AS emitted;
SELECT live.publish() > :batch AS published;
SELECT event, payload FROM live.fetch_events(:batch);
SELECT bool_and(later) AS ordered, count(*) AS events, count(DISTINCT id) AS different
FROM (SELECT id, (batch, id) > lag((batch, id)) OVER () IS NOT FALSE AS later FROM live.fetch_events(:start)) AS fetched;

CREATE FUNCTION pg_temp.fetch_in_pages(after bigint, size integer) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
  seen_id bigint;
  page record;
  rows integer;
BEGIN
  LOOP
    rows := 0;
    FOR page IN SELECT f.batch, f.id FROM live.fetch_events(after, seen_id, size) AS f LOOP
      rows := rows + 1;
      after := page.batch;
      seen_id := page.id;
      RETURN NEXT page.id;
    END LOOP;
    EXIT WHEN rows = 0;
  END LOOP;
END
$$;
SELECT size, array(SELECT pg_temp.fetch_in_pages(:start, size)) = array(SELECT id FROM live.fetch_events(:start)) AS same
FROM generate_series(1, 12) AS size;

-- Not fetched: what is not committed, and what is committed but in no batch yet.
BEGIN;
SELECT live.emit('fetch', 'open', '1') IS NOT NULL AS emitted;
SELECT count(*) FROM live.fetch_events(:start) WHERE event = 'open';
ROLLBACK;

-- Places that never were.
SELECT count(*) = (SELECT count(*) FROM live.fetch_events(0)) AS all_of_it FROM live.fetch_events(-1);
SELECT count(*) FROM live.fetch_events(9223372036854775806);
SELECT count(*) FROM live.fetch_events(:batch + 1, 5) WHERE batch <= :batch;

-- Refused.
SELECT live.fetch_events(NULL);
SELECT live.fetch_events(0, NULL, NULL);
SELECT live.fetch_events(0, NULL, 0);
SELECT live.fetch_events(0, NULL, -1);

-- Reading is allowed where writing is not, and nothing is written.
BEGIN READ ONLY;
SELECT event FROM live.fetch_events(:start, max_events => 1);
SELECT live_private.newest_batch() >= :batch AS newest, pg_current_xact_id_if_assigned() IS NULL AS wrote_nothing;
ROLLBACK;

-- Events that share a payload have it, also where a page begins between them, and when a client was away.
SET request.jwt.claims = '{"sub": "fetch"}';
SELECT live.publish() AS start \gset
SELECT live_private.emit_each(ARRAY['fetch:first', 'user:fetch', 'user:fetch'], '{one,two,three}', jsonb_build_object('text', repeat(text, length)))
FROM (VALUES ('x', 10), ('y', 2000)) AS payload (text, length);
SELECT live.publish() > :start AS published;
SELECT topic, event, length(payload ->> 'text') FROM live.fetch_events(:start);
SELECT batch AS shared_batch, id AS shared_id FROM live.fetch_events(:start) WHERE event = 'two' AND payload ->> 'text' ~ 'y' \gset
SELECT topic, event, length(payload ->> 'text') FROM live.fetch_events(:shared_batch, :shared_id);
SELECT event, length(payload ->> 'text') FROM live.replay('user:fetch');
SELECT event, length(payload ->> 'text') AS stored FROM live.event WHERE topic ~ '^(fetch:first|user:fetch)$' ORDER BY id;
DELETE FROM live.event WHERE topic = 'fetch:first';
SELECT event, payload IS NULL AS skipped FROM live.fetch_events(:shared_batch, :shared_id);
SELECT event, length(payload ->> 'text') FROM live.replay('user:fetch');
SELECT live_private.emit_each('{fetch}', '{one,two}', '1');
SELECT live_private.emit_each('{fetch,NULL}', '{one,two}', '1');
SELECT live_private.emit_each('{fetch,fetch}', '{one,""}', '1');
SELECT live_private.emit_each('{fetch}', NULL, '1');
SELECT live_private.emit_each('{}', '{}', '1');
RESET request.jwt.claims;
DELETE FROM live.event WHERE topic = 'user:fetch';

-- A large transaction is published in parts, and fetched in order too.
CREATE PROCEDURE publish_all() LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    PERFORM live.publish();
    COMMIT;
    EXIT WHEN NOT EXISTS (SELECT FROM live_private.held_series WHERE completed_by IS NULL);
    PERFORM pg_sleep(0.01); -- where a worker runs, it publishes them
  END LOOP;
END
$$;
SELECT live.publish() AS start \gset
SELECT count(live.emit('fetch:large', 'e', to_jsonb(number))) FROM generate_series(1, 20000) AS number;
CALL publish_all();
SELECT live_private.newest_batch() > :start AS published;
SELECT count(*) AS default_page, max(payload::integer), bool_and(payload::integer = number) AS in_order
FROM (SELECT payload, row_number() OVER () AS number FROM live.fetch_events(:start)) AS fetched;
SELECT count(*) AS all_of_it FROM live.fetch_events(:start, max_events => 2147483647);
SELECT max(count) AS largest_batch FROM (SELECT count(*) FROM live.fetch_events(:start, max_events => 2147483647) GROUP BY batch) AS batch;
DROP PROCEDURE publish_all;
DELETE FROM live.event WHERE topic = 'fetch:large'; -- other tests publish all there is again
