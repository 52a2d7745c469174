-- What cannot be sent is refused by every function that emits; if it is stored all the same, it alone is skipped.
\unset ECHO
BEGIN;
SELECT no_plan();
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
CREATE FUNCTION pg_temp.yes(topic text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.payload_yes(topic text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT live.set_topic_rule('payload:*', 'public.payload_yes(text)', 'public.payload_yes(text)');

-- The printed size is bounded, not only the stored one. At a limit of 64 kB:
SET LOCAL pg_live.max_payload_size = '64kB';
CREATE TEMP TABLE bomb (name text, payload jsonb);
INSERT INTO bomb VALUES
  ('one number of a hundred thousand digits', '1e100000'), ('a negative one', '-1e100000'), ('one with many digits behind the point', to_jsonb('1e60000'::numeric + '1e-16383'::numeric)),
  ('many numbers', (SELECT jsonb_agg('1e9999'::jsonb) FROM generate_series(1, 10))), ('numbers in objects', (SELECT jsonb_object_agg(n, '1e9999'::jsonb) FROM generate_series(1, 10) AS n)),
  ('small fractions', (SELECT jsonb_agg('1e-9999'::jsonb) FROM generate_series(1, 10))), ('control characters', to_jsonb(repeat(chr(1), 11000))), ('such in keys', jsonb_build_object(repeat(chr(31), 11000), 1)),
  ('quotes', to_jsonb(repeat('"', 33000))), ('backslashes', jsonb_build_array(repeat('\', 33000))), ('line breaks', to_jsonb(repeat(E'\n', 33000)));
SELECT cmp_ok(octet_length(payload::text), '>', 65536, name || ': is longer than the limit') FROM bomb;
SELECT cmp_ok(pg_column_size(payload), '<=', 65536, name || ': is stored in less') FROM bomb;
SELECT throws_ok(format('SELECT live.emit(''payload:a'', ''e'', %L, %L)', payload, durable), '54000', 'payload of an event is too large as text', name || ': refused, durable: ' || durable)
FROM bomb, unnest('{t,f}'::boolean[]) AS durable;
SELECT throws_ok(format('SELECT live.send(''payload:a'', ''e'', %L)', payload), '54000', 'payload of an event is too large as text', name || ': refused by send') FROM bomb;

-- What fits is not refused, whatever its form.
SELECT lives_ok(format('SELECT live.emit(''payload:b'', ''e'', %L)', payload), name || ': passes') FROM (VALUES
  ('a number of sixty thousand digits', '1e60000'::jsonb), ('control characters', to_jsonb(repeat(chr(1), 10900))), ('quotes', to_jsonb(repeat('"', 32700))),
  ('numbers of all sizes', (SELECT jsonb_agg(to_jsonb(('1e' || n)::numeric)) FROM generate_series(-200, 200) AS n)),
  ('small numbers', (SELECT jsonb_agg(n % 10) FROM generate_series(1, 4000) AS n)), ('truths', (SELECT jsonb_agg(true) FROM generate_series(1, 9000)))) AS fits (name, payload);

-- The estimate is never below what is printed, and not far above it: random values at the limit of their own size.
CREATE FUNCTION pg_temp.is_emitted(payload jsonb, kilobytes integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('pg_live.max_payload_size', greatest(kilobytes, 4) || 'kB', true);
  PERFORM live.emit('payload:c', 'e', payload);
  RETURN true;
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN false;
END
$$;
CREATE TEMP TABLE random_payload AS
SELECT n, jsonb_agg(CASE part % 5
    WHEN 0 THEN to_jsonb((CASE WHEN random() < 0.5 THEN '-' ELSE '' END || (random() * 1000)::numeric(9, 4) || 'e' || (random() * 900 - 450)::integer)::numeric)
    WHEN 1 THEN to_jsonb(repeat(chr((random() * 126)::integer + 1), (random() * 300)::integer))
    WHEN 2 THEN jsonb_build_object(repeat('é"' || chr(7), (random() * 30)::integer), part)
    WHEN 3 THEN to_jsonb(random() < 0.5)
    ELSE jsonb_build_array(part, NULL, '{}'::jsonb) END) AS payload
FROM generate_series(1, 60) AS n, generate_series(1, 100) AS part GROUP BY n;
SELECT is_empty($$
  SELECT n, octet_length(payload::text), pg_column_size(payload) FROM random_payload
  WHERE octet_length(payload::text) > 4096 AND pg_temp.is_emitted(payload, (octet_length(payload::text) - 1) / 1024)
$$, 'nothing passes that is printed longer than the limit');
SELECT is_empty($$
  SELECT n, octet_length(payload::text), pg_column_size(payload) FROM random_payload
  WHERE NOT pg_temp.is_emitted(payload, greatest(pg_column_size(payload), octet_length(payload::text) * 115 / 100) / 1024 + 1)
$$, 'what is printed in 87 of 100 bytes of the limit passes');

-- No limit is so small that the presence of a user cannot be announced, which would stop the announcements of all.
SELECT throws_ok($$SET LOCAL pg_live.max_payload_size = '3kB'$$, '22023', NULL, 'a limit below 4 kB is refused');
SET LOCAL pg_live.max_payload_size = '4kB';
SELECT set_config('request.jwt.claims', jsonb_build_object('sub', repeat(E'\U0001F600', 255))::text, true) \g /dev/null
SELECT lives_ok(format('SELECT live.heartbeat(gen_random_uuid()), live.update_presence(custom_status => %L)', repeat(E'\U0001F600', 255)), 'the longest id and status are announced at 4 kB');
SET LOCAL pg_live.clock_offset = 3600;
SELECT lives_ok('SELECT live.expire_presence()', 'and expire');
SELECT is((SELECT p.status::text FROM live.user_presence p WHERE p.user_id = repeat(E'\U0001F600', 255) COLLATE "C"), 'offline', 'as is announced');
RESET pg_live.clock_offset;
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
SET LOCAL pg_live.max_payload_size = '8MB';

-- Stored all the same: by an older version, say. The payload printed is beyond what PostgreSQL can print at all.
CREATE TEMP TABLE start AS SELECT live_private.newest_batch() AS batch, nextval('live_private.event_id') AS id;
CREATE TEMP TABLE stored (id bigint, event text, payload jsonb);
INSERT INTO stored SELECT nextval('live_private.event_id'), 'before', '1'
UNION ALL SELECT nextval('live_private.event_id'), 'bomb', (SELECT jsonb_agg('1e9999'::jsonb) FROM generate_series(1, 120000))
UNION ALL SELECT nextval('live_private.event_id'), 'large', to_jsonb(repeat('x', 1000000))
UNION ALL SELECT nextval('live_private.event_id'), 'behind', '2';
INSERT INTO live.event (id, xid, topic, event, payload, slot) SELECT id, pg_current_xact_id(), 'payload:d', event, payload, 0 FROM stored;
INSERT INTO live_private.batch (id, snapshot, xids) SELECT greatest(batch + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), format('%1$s:%1$s:', pg_current_xact_id()::text::bigint + 1)::pg_snapshot, ARRAY[pg_current_xact_id()] FROM start;
SELECT results_eq($$SELECT f.topic, f.event, md5(f.payload::text) FROM start, live.fetch_events(batch) AS f WHERE f.id > start.id$$,
  $$VALUES ('payload:d', 'before', md5('1')), ('payload:d', 'bomb', NULL), ('payload:d', 'large', md5('"' || repeat('x', 1000000) || '"')), ('payload:d', 'behind', md5('2'))$$,
  'an event that cannot be sent is fetched by its name, without a payload');
SELECT results_eq($$SELECT event, md5(payload::text) FROM live.replay('payload:d')$$,
  $$VALUES ('before', md5('1')), ('large', md5('"' || repeat('x', 1000000) || '"')), ('behind', md5('2'))$$, 'and not replayed');
SELECT results_eq($$SELECT event FROM live.replay('payload:d', max_events => 2)$$, $$VALUES ('before'), ('large')$$, 'nor does it count in a page');

-- The size as text is computed, not printed.
SELECT is(live_private.printed_size(value), octet_length(value::text)::bigint, 'the printed size of ' || left(value::text, 60)) FROM unnest(ARRAY[
  'null', 'true', 'false', '0', '-0', '7', '-12', '123', '9999', '10000', '12345678', '-123456789', '0.0', '0.00', '1.50', '-0.5', '0.0001', '0.00001', '1e3', '1e4', '1e5', '1e-7', '1.0e-3', '12e20', '1e308', '5e-324', '-1e1000', '9e131000', '1e-16000',
  '123456789012345678901234567890.123456789', '""', '"a"', '"é👍"', '"\"\\\/"', '"\b\f\n\r\t"', '"\u0001\u000b\u001f\u007f"', '[]', '{}', '[[]]', '[{}]', '[1]', '[1, 2]', '[1, [2, 3], "x"]', '{"a": 1}', '{"a\n": {}, "b": [], "c": {"d": null, "e": [true, false]}}']::jsonb[]) AS value;
SELECT is(live_private.printed_size((SELECT jsonb_agg('9e131071'::jsonb) FROM generate_series(1, 200000))), 2 + 200000 * 131072::bigint + 2 * 199999, 'that of what is too large to print too');

SELECT finish();
ROLLBACK;
