-- Bad input to every function of the pipeline: an error with the code that the documentation promises, whichever
-- argument is wrong, and nothing stored. What the messages say is in sql/event.sql and its neighbours.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM live.event) AS events, (SELECT count(*) FROM live.signal) AS signals;
SET LOCAL pg_live.max_payload_size = '64kB';
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
CREATE FUNCTION pg_temp.yes(topic text) RETURNS boolean LANGUAGE sql AS 'SELECT true';

CREATE TEMP TABLE bad (call text, state text);
INSERT INTO bad
SELECT format('SELECT live.emit(%s)', arguments), state FROM (VALUES
  ($$NULL, 'e', '{}'$$, '22004'), ($$'t', NULL, '{}'$$, '22004'), ($$'t', 'e', NULL$$, '22004'), ($$'t', 'e', '{}', NULL$$, '22004'), ($$NULL, NULL, NULL, NULL$$, '22004'),
  ($$'', 'e', '{}'$$, '22023'), ($$'t', '', '{}'$$, '22023'), ($$repeat('t', 1101), 'e', '{}'$$, '22023'), ($$'t', repeat('e', 256), '{}'$$, '22023'),
  ($$repeat('é', 551), 'e', '{}'$$, '22023'), ($$'t', repeat('😀', 64), '{}'$$, '22023'), ($$repeat('t', 10000000), 'e', '{}'$$, '22023'),
  ($$'t', 'e', to_jsonb(repeat('x', 70000))$$, '54000'), ($$'t', 'e', to_jsonb(repeat('x', 70000)), false$$, '54000'), ($$'t', 'e', (SELECT jsonb_agg(1) FROM generate_series(1, 100000))$$, '54000'),
  ($$'t', 'e', '{'$$, '22P02'), ($$'t', 'e', ''$$, '22P02'), ($$'t', 'e', '"\u0000"'$$, '22P05'), ($$'t', 'e', '"\ud800"'$$, '22P02'), ($$1, 'e', '{}'$$, '42883'), ($$'t', 'e', 1$$, '42883'),
  ($$'t', 'e', repeat('[', 100000)::jsonb$$, '54001'), ($$'t', 'e', (repeat('[', 257) || repeat(']', 257))::jsonb$$, '54000'),
  ($$'t', 'e', (repeat('{"a":', 257) || '1' || repeat('}', 257))::jsonb, false$$, '54000'), ($$'t', 'e', (repeat('[1, {"a":', 1000) || '1' || repeat('}]', 1000))::jsonb$$, '54000')) AS input (arguments, state);
INSERT INTO bad -- each control character, in topic and event
SELECT format('SELECT live.emit(%L, ''e'', ''{}'')', 'a' || chr(code) || 'b'), '22023' FROM generate_series(1, 127) AS code WHERE code < 32 OR code = 127
UNION ALL
SELECT format('SELECT live.emit(''t'', %L, ''{}'')', chr(code)), '22023' FROM generate_series(1, 127) AS code WHERE code < 32 OR code = 127;
INSERT INTO bad
SELECT format('SELECT live.send(%s)', arguments), state FROM (VALUES
  ($$NULL, 'e', '{}'$$, '22004'), ($$'none', 'e', '{}'$$, '42501'), ($$'none', NULL, NULL, NULL$$, '42501'), ($$'presence', 'e', '{}'$$, '42501')) AS input (arguments, state);
INSERT INTO bad
SELECT format('SELECT * FROM live.replay(%s)', arguments), state FROM (VALUES
  ('NULL', '22004'), ($$'none'$$, '42501'), ($$'activity', 'x'$$, '22023'), ($$'activity', ''$$, '22023'), ($$'activity', '0-0'$$, '55000'), ($$'activity', '-'$$, '22023'),
  ($$'activity', '1-1e1'$$, '22023'), ($$'activity', '0x1-1'$$, '22023'), ($$'activity', '+1-1'$$, '22023'), ($$'activity', '9223372036854775808-0'$$, '22023'),
  ($$'activity', max_events => 0$$, '22023'), ($$'activity', max_events => 10001$$, '22023'), ($$'activity', max_events => NULL$$, '22023'), ($$'activity', max_events => -2147483648$$, '22023'),
  ($$'activity', since => 'never'$$, '22007')) AS input (arguments, state);
INSERT INTO bad
SELECT format('SELECT * FROM live.fetch_events(%s)', arguments), state FROM (VALUES
  ('NULL', '22004'), ('0, 0, NULL', '22004'), ('0, 0, 0', '22023'), ('0, NULL, -1', '22023')) AS input (arguments, state);
SELECT throws_ok(call, state, NULL, left(to_json(call)::text, 90) || ' is ' || state) FROM bad;

-- A transaction that has written, by any means, cannot publish.
SELECT throws_ok('SELECT live.publish()', '25001', NULL, 'a transaction that has written cannot publish');

SELECT results_eq('SELECT (SELECT count(*) FROM live.event), (SELECT count(*) FROM live.signal)', 'TABLE before', 'nothing of it was stored');

-- Good input of every size and character comes back as it was.
CREATE FUNCTION pg_temp.comes_back(topic text, event text, payload jsonb, durable boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  event_id bigint := live.emit(topic, event, payload, durable);
BEGIN
  RETURN (SELECT (stored.topic, stored.event, stored.payload, stored.durable) = (comes_back.topic, comes_back.event, comes_back.payload, comes_back.durable)
          FROM (SELECT e.*, true AS durable FROM live.event e UNION ALL SELECT s.*, false FROM live.signal s) AS stored
          WHERE stored.xid = pg_current_xact_id() AND stored.id = event_id);
END
$$;
SELECT is_empty($$
  SELECT size, durable FROM (SELECT 1 << power AS size FROM generate_series(0, 15) AS power) AS sizes, unnest('{t,f}'::boolean[]) AS durable
  WHERE NOT pg_temp.comes_back('size:' || size, repeat('e', least(size, 255)), to_jsonb(repeat('x', size)), durable)
$$, 'payloads of every power of two up to the limit come back');
SELECT ok(pg_temp.comes_back('deep', 'e', payload::jsonb, true), left(payload, 10) || ': the deepest') FROM (VALUES
  (repeat('[', 256) || repeat(']', 256)), (repeat('{"a":', 256) || '1' || repeat('}', 256)), ('[' || repeat('[[], {}],', 1000) || '1]')) AS deep (payload);
SELECT is_empty($$
  SELECT to_hex(code) FROM generate_series(128, 1114111, 97) AS code
  WHERE code NOT BETWEEN 55296 AND 57343 AND NOT pg_temp.comes_back('t' || chr(code), chr(code), to_jsonb(chr(code)), true)
$$, 'characters of every plane come back');
SELECT is_empty($$
  SELECT payload FROM unnest(ARRAY['null', '0', '-0.0', '1e100', '12345678901234567890123456789', '""', '[[[[]]]]', '{"": {"a": null}}', '"\u2028"']::jsonb[]) AS payload
  WHERE NOT pg_temp.comes_back('t', 'e', payload, false)
$$, 'payloads of every kind come back');
-- At the limit exactly: a payload's size is that of its jsonb.
SELECT lives_ok(format('SELECT live.emit(''t'', ''e'', to_jsonb(repeat(''x'', %s)))', 65536 - 12), 'a payload of exactly the limit passes');
SELECT throws_ok(format('SELECT live.emit(''t'', ''e'', to_jsonb(repeat(''x'', %s)))', 65536 - 11), '54000', NULL, 'one byte more does not');

-- One order for events and signals, without a gap inside a statement.
SELECT is(array_agg(id - first ORDER BY number), (SELECT array_agg(number - 1) FROM generate_series(1::bigint, 1000) AS number), 'ids rise by one, whichever table')
FROM (SELECT number, id, min(id) OVER () AS first FROM (SELECT number, live.emit('t', 'e', '{}', number % 2 = 0) AS id FROM generate_series(1, 1000) AS number) AS emitted) AS numbered;

SELECT finish();
ROLLBACK;
