-- Emitting: what live.emit() stores, what it refuses, that it follows its transaction, and how events expire.
-- The same answers with a worker and without: nothing here depends on who publishes.
\set SHOW_CONTEXT never
\pset null NULL

-- Events by any name, as the tables keep them.
CREATE VIEW stored AS
SELECT e.id, e.topic, e.event, e.payload, true AS durable FROM live.event e
UNION ALL
SELECT s.id, s.topic, s.event, s.payload, false FROM live.signal s;

-- Ids rise, for durable events and signals together.
SELECT live.emit('room:1', 'said', '{"text": "hello"}') AS first \gset
SELECT live.emit(topic => 'room:1', event => 'typed', payload => '[1, 2]', durable => false) AS second \gset
SELECT live.emit('room:1', 'said', '"bye"', true) AS third \gset
SELECT :first < :second AND :second < :third AS rising;
SELECT topic, event, payload, durable FROM stored WHERE id BETWEEN :first AND :third ORDER BY id;
SELECT DISTINCT created_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS fresh, pg_xact_status(xid) AS status
FROM live.event WHERE id IN (:first, :third);

-- Any JSON is a payload, null too; numbers keep their digits.
SELECT live.emit('room:2', 'any', payload) IS NOT NULL AS emitted
FROM (VALUES ('null'::jsonb), ('true'), ('0'), ('12345678901234567890.10'), ('""'), ('{}'), ('[]'), ('"é 😀 \" \\ \n"')) AS any_json (payload);
SELECT payload FROM stored WHERE topic = 'room:2' ORDER BY id;

-- The longest names pass, whatever the characters: a topic may hold a user id of 255 characters of 4 bytes.
SELECT live.emit(repeat('t', 1100), repeat('e', 255), '{}') IS NOT NULL AS emitted;
SELECT live.emit('followers:' || repeat('😀', 255), 'e', '{}') IS NOT NULL AS emitted;
SELECT live.emit('Räume/😀 "quoted" ''''; drop', 'é:*', '{}') IS NOT NULL AS emitted;
SELECT topic, event FROM stored WHERE topic LIKE 'Räume%';

-- A payload of 1 MB passes and comes back as it was.
SELECT live.emit('room:3', 'big', to_jsonb(repeat('0123456789abcdef', 65536))) IS NOT NULL AS emitted;
SELECT octet_length(payload #>> '{}') AS bytes, md5(payload #>> '{}') = md5(repeat('0123456789abcdef', 65536)) AS same
FROM stored WHERE topic = 'room:3';

-- Refused: each error names the argument.
SELECT live.emit(NULL, 'e', '{}');
SELECT live.emit('t', NULL, '{}');
SELECT live.emit('t', 'e', NULL);
SELECT live.emit('t', 'e', '{}', NULL);
SELECT live.emit('', 'e', '{}');
SELECT live.emit(repeat('t', 1101), 'e', '{}');
SELECT live.emit('t', '', '{}');
SELECT live.emit('t', repeat('e', 256), '{}');
SELECT live.emit('t', repeat('é', 128), '{}');
SELECT live.emit(E't\n', 'e', '{}');
SELECT live.emit('t', E'\x01', '{}');
SELECT live.emit('t', E'e\x7f', '{}');
SELECT live.emit('t', 'e', 'not json');
SELECT live.emit('t', 'e');

-- The largest payload is a setting; only a superuser may raise it.
SHOW pg_live.max_payload_size;
SET pg_live.max_payload_size = '4kB';
SELECT live.emit('t', 'e', to_jsonb(repeat('x', 5000)));
SELECT live.emit('t', 'e', to_jsonb(repeat('x', 4000))) IS NOT NULL AS emitted;
SELECT live.emit('t', 'e', to_jsonb(repeat('x', 5000)), false);
RESET pg_live.max_payload_size;
CREATE ROLE regress_live_writer;
SET ROLE regress_live_writer;
SET pg_live.max_payload_size = '100MB';
SELECT live.emit('t', 'e', '{}');
RESET ROLE;
DROP ROLE regress_live_writer;

-- A transaction that may not write.
BEGIN READ ONLY;
SELECT live.emit('t', 'e', '{}');
ROLLBACK;

-- Emitted if and only if its (sub)transaction commits.
BEGIN;
SELECT live.emit('undo', 'rolled back', '1') IS NOT NULL AS emitted;
ROLLBACK;
BEGIN;
SELECT live.emit('undo', 'kept', '2') IS NOT NULL AS emitted;
SAVEPOINT inner_one;
SELECT live.emit('undo', 'rolled back to a savepoint', '3') IS NOT NULL AS emitted;
ROLLBACK TO inner_one;
SELECT live.emit('undo', 'kept after the savepoint', '4') IS NOT NULL AS emitted;
SAVEPOINT inner_two;
SELECT live.emit('undo', 'kept in a released savepoint', '5') IS NOT NULL AS emitted;
RELEASE inner_two;
COMMIT;
DO $$
BEGIN
  PERFORM live.emit('undo', 'undone by an error', '6');
  RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
  PERFORM live.emit('undo', 'kept by the handler', '7');
END
$$;
SELECT event, payload, xid = lag(xid) OVER (ORDER BY id) AS same_transaction FROM live.event WHERE topic = 'undo' ORDER BY id;

-- From a trigger of the app, and many at once, in the order of the statement.
CREATE TABLE message (room text, body text);
CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM live.emit('trigger:' || new.room, 'message', to_jsonb(new));
  RETURN new;
END
$$;
CREATE TRIGGER announce AFTER INSERT ON message FOR EACH ROW EXECUTE FUNCTION announce();
INSERT INTO message SELECT '7', 'body ' || number FROM generate_series(1, 3) AS number;
SELECT payload FROM stored WHERE topic = 'trigger:7' ORDER BY id;
DROP TABLE message;
DROP FUNCTION announce;

-- The search path of the caller changes nothing.
CREATE SCHEMA evil;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
CREATE FUNCTION evil.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
CREATE TABLE evil.event (LIKE live.event);
SET search_path = evil, pg_catalog;
SELECT live.emit('path', 'e', '{}') IS NOT NULL AS emitted;
RESET search_path;
SELECT count(*) AS of_ours FROM stored WHERE topic = 'path';
DROP SCHEMA evil CASCADE;

-- Expiry by slots. What is there is published first, so a worker has nothing to do, and all of it is in one transaction
-- that is rolled back, so a worker cannot come between.
CREATE FUNCTION pg_temp.store(durable boolean, slot integer, age interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO live.%s VALUES (nextval(''live_private.event_id''), pg_current_xact_id(), ''old'', $1, ''{}'', now() - $2, $3)',
                 CASE WHEN durable THEN 'event' ELSE 'signal' END)
    USING format('slot %s, age %s', slot, age), age, slot;
END
$$;
SELECT live.publish() IS NOT NULL AS published;
BEGIN;
DELETE FROM live.event;
DELETE FROM live.signal;
DELETE FROM live_private.batch;
SELECT live.drop_expired_events() AS left_when_empty;
SELECT pg_temp.store(true, 0, '100 days'), pg_temp.store(true, 0, '73 hours'),  -- all expired
       pg_temp.store(true, 1, '100 days'), pg_temp.store(true, 1, '71 hours'),  -- one is not: the slot stays
       pg_temp.store(true, 2, '1 second'),
       pg_temp.store(false, 0, '2 minutes'), pg_temp.store(false, 1, '1 second');
SELECT live.drop_expired_events() AS some_left;
SELECT event, durable FROM stored ORDER BY id;
-- The newest row of a slot is fresh only in its transaction id: rows are judged by their age.
SELECT pg_temp.store(true, 3, '1 second'), pg_temp.store(true, 3, '100 days');
SELECT live.drop_expired_events() AS some_left;
SELECT event FROM live.event WHERE slot = 3 ORDER BY id;
-- Batches expire by their id, microseconds of the clock; the newest of those that have stays, and the newest of all.
INSERT INTO live_private.batch
SELECT (extract(epoch FROM now() - age) * 1000000)::bigint, pg_current_snapshot(), '{}'
FROM unnest('{100 days, 73 hours, 71 hours, 0}'::interval[]) AS age;
SELECT live.drop_expired_events() AS some_left;
SELECT round(extract(epoch FROM now()) / 3600 - id / 3600000000.0) AS hours FROM live_private.batch ORDER BY id;
DELETE FROM live.event;
DELETE FROM live.signal;
DELETE FROM live_private.batch;
INSERT INTO live_private.batch VALUES (1, '3:3:', '{}'), (2, '3:3:', '{}');
SELECT live.drop_expired_events() AS nothing_left;
SELECT id FROM live_private.batch;
ROLLBACK;

-- An old snapshot would not see what is fresh in a slot.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT live.drop_expired_events();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT live.drop_expired_events();
ROLLBACK;

DROP VIEW stored;
