-- Pages of operations: every answer that has some is bounded in bytes, and a client that pages gets all of them.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.of_anna(call text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.as_user('anna', replace(call, '$1', quote_literal(pg_temp.id_of('large')))) $$;

SELECT pg_temp.as_user('anna', $$SELECT live.create_session('large', 'cas')$$) \g /dev/null
INSERT INTO live.operation (session_id, version, user_id, client_id, operation)
SELECT pg_temp.id_of('large'), n, 'anna', 'tab', to_jsonb(repeat('x', 250000)) FROM generate_series(1, 40) AS n;
UPDATE live.collaboration_sessions SET head = 40 WHERE room_name = 'large';
SELECT cmp_ok((SELECT sum(pg_column_size(operation)) FROM live.operation), '<', 1000000::bigint, 'what is stored is small');
SELECT is((SELECT min(size) || ' ' || max(size) FROM live.operation), '250002 250002', 'the size of an operation is that of its text');

SELECT is(pg_temp.of_anna('SELECT sum(octet_length(operation::text)) FROM live.get_operations($1)')::bigint / 1000000, 4::bigint, 'a page has some 4 MB');
SELECT is(pg_temp.of_anna('SELECT string_agg(version::text, '','' ORDER BY version) FROM live.get_operations($1, 20)'), (SELECT string_agg(n::text, ',') FROM generate_series(21, 37) n),
  'and is the first operations after the version');
SELECT is(pg_temp.of_anna('SELECT count(*) FROM live.get_operations($1, 0, 5)'), '5', 'one that was asked to be shorter is');
SELECT is(pg_temp.of_anna($$WITH RECURSIVE page (number, last) AS (
    SELECT 0, 0::bigint UNION ALL SELECT number + 1, (SELECT max(version) FROM live.get_operations($1, last)) FROM page WHERE last < 40)
  SELECT max(number) || ' pages to ' || max(last) FROM page$$), '3 pages to 40', 'the pages after each other have all of the log');
SELECT is(pg_temp.of_anna('SELECT count(*) || '' '' || sum(size) FROM live.get_history($1)'), '40 10000080', 'the history has no operations, so nothing cuts it');

SELECT is(pg_temp.of_anna(call || ' - ''operations'''), start, call || ' is cut') FROM (VALUES
  ('SELECT live.submit_operations($1, 3, ''[1]'', ''other'')', '{"head": 40, "status": "stale"}')) AS c (call, start);
SELECT is(pg_temp.of_anna(format('SELECT count(*) || '' '' || min((o ->> ''version'')::int) || '' '' || max((o ->> ''version'')::int) FROM jsonb_array_elements(%s -> ''operations'') o', call)), versions, call || ' has a page')
FROM (VALUES ('live.submit_operations($1, 3, ''[1]'', ''other'')', '17 4 20'), ('live.get_session($1)', '17 1 17'), ('live.join_session(session_id => $1)', '17 1 17')) AS c (call, versions);
SELECT is(pg_temp.of_anna('SELECT live.get_session($1) ->> ''head'''), '40', 'and the head tells that there are more');
SELECT matches(pg_temp.of_anna('SELECT live.submit_operations($1, 40, ''[1]'', ''other'')'), 'accepted', 'a client that has read on submits upon the head');

-- An operation that is larger than a page is one of its own.
INSERT INTO live.operation (session_id, version, user_id, client_id, operation) SELECT pg_temp.id_of('large'), n, 'anna', 'tab', to_jsonb(repeat('x', 5000000)) FROM generate_series(42, 43) AS n;
SELECT is(pg_temp.of_anna('SELECT string_agg(version::text, '' '') FROM live.get_operations($1, 41)'), '42', 'an operation that is larger than a page comes alone');
-- Small operations with long names of clients count too.
INSERT INTO live.operation (session_id, version, user_id, client_id, operation) SELECT pg_temp.id_of('large'), n, repeat('é', 255), repeat('é', 255), '1' FROM generate_series(44, 10043) AS n;
SELECT cmp_ok(pg_temp.of_anna('SELECT sum(octet_length(user_id) + octet_length(client_id)) FROM live.get_operations($1, 43, 10000)')::bigint, '<', 5000000::bigint, 'who submitted counts too');

SELECT finish();
ROLLBACK;
