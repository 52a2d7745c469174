-- Tables that log by themselves: which changes of which rows, as whom, with what; never by nobody; the owner's decision.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE ROLE app_owner;
CREATE SCHEMA app AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA app TO authenticated;
GRANT USAGE ON SCHEMA live TO app_owner;
GRANT EXECUTE ON FUNCTION live.track_activity, live.track_row TO app_owner;
SET LOCAL ROLE app_owner;
CREATE TYPE app.size AS (width integer, height integer);
CREATE TABLE app."Odd ""Table" ("Key Column" text PRIMARY KEY, "the Title" text, notes text, size app.size, twice text GENERATED ALWAYS AS ("the Title" || "the Title") STORED);
CREATE TABLE app.plain (id bigint PRIMARY KEY, n integer);
CREATE TABLE app.parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (0) TO (100);
GRANT ALL ON ALL TABLES IN SCHEMA app TO authenticated, anon;
SELECT lives_ok($$SELECT live.track_activity('app."Odd ""Table"', 'thing', 'Key Column', 'followers', 'made', 'changed', 'thrown away', '{"the Title"}', '{"the Title",size,twice}')$$, 'an owner has a table tracked');
SELECT lives_ok($$SELECT live.track_activity('app.plain')$$, 'with defaults');
SELECT lives_ok($$SELECT live.track_activity('app.parts')$$, 'a partitioned one');
RESET ROLE;

CREATE TEMP TABLE start AS SELECT coalesce(max(id), 0) AS id FROM live.activity_stream;
-- What was logged since the last call.
CREATE FUNCTION pg_temp.logged() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  logged text;
BEGIN
  SELECT string_agg(concat_ws(' ', a.user_id, a.activity_type, a.entity_type, a.entity_id, a.visibility, a.metadata), '; ' ORDER BY a.id) INTO logged
  FROM live.activity_stream a WHERE a.id > (SELECT id FROM start);
  UPDATE start SET id = (SELECT coalesce(max(a.id), 0) FROM live.activity_stream a);
  RETURN logged;
END
$$;
CREATE FUNCTION pg_temp.run(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
CREATE FUNCTION pg_temp.after(actor text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  error text := pg_temp.as_user(actor, format('SELECT pg_temp.run(%L)', statement));
BEGIN
  RETURN coalesce(pg_temp.logged(), nullif(error, ''), 'nothing');
END
$$;
SELECT is(pg_temp.after(actor, statement), logged, name) FROM (VALUES
  (1, 'anna', $$INSERT INTO app."Odd ""Table" VALUES ('a b/ü%', 'T', 'secret', ROW(1, 2))$$, 'anna made thing a b/ü% followers {"size": {"width": 1, "height": 2}, "twice": "TT", "the Title": "T"}', 'an insert'),
  (2, 'anna', $$UPDATE app."Odd ""Table" SET notes = 'n'$$, 'nothing', 'an update of another column'),
  (3, 'bob', $$UPDATE app."Odd ""Table" SET "the Title" = NULL, size = NULL$$, 'bob changed thing a b/ü% followers {"size": null, "twice": null, "the Title": null}', 'an update of a column'),
  (4, 'anna', $$DELETE FROM app."Odd ""Table"$$, 'anna thrown away thing a b/ü% followers {"size": null, "twice": null, "the Title": null}', 'a delete'),
  (5, 'anna', 'INSERT INTO app.plain SELECT n, n FROM generate_series(1, 3) n', 'anna created plain 1 public {}; anna created plain 2 public {}; anna created plain 3 public {}', 'each row'),
  (6, 'anna', 'UPDATE app.plain SET n = 5 WHERE id = 2', 'anna updated plain 2 public {}', 'by default any column'),
  (7, 'anna', 'UPDATE app.plain SET id = 7 WHERE id = 2', 'anna updated plain 7 public {}', 'a key that changes'),
  (8, 'anna', 'INSERT INTO app.parts VALUES (1)', 'anna created parts 1 public {}', 'a partition'),
  (10, 'anna', 'DELETE FROM app.plain WHERE id = 99', 'nothing', 'no row'),
  (11, 'anna', 'INSERT INTO app.plain VALUES (1, 1)', '23505', 'what fails'),
  (12, 'anna', 'DO $do$ BEGIN INSERT INTO app.plain VALUES (20, 1); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $do$', 'nothing', 'what is rolled back')
) AS change (number, actor, statement, logged, name) ORDER BY number;
INSERT INTO app.plain VALUES (30, 1);
UPDATE app.plain SET n = 2;
DELETE FROM app.plain;
SELECT is(pg_temp.logged(), NULL, 'what nobody does is not logged');
SELECT is((SELECT count(*) FROM live.event WHERE event = 'activity:new' AND (payload ->> 'id')::bigint IN (SELECT id FROM live.activity_stream WHERE entity_type = 'plain')),
          (SELECT count(*) FROM live.activity_stream WHERE entity_type = 'plain'), 'what is logged is told');

-- Tracking again replaces; types that are NULL are not logged; all three NULL ends it.
SET LOCAL ROLE app_owner;
SELECT live.track_activity('app.plain', update_type => NULL, insert_type => 'added', metadata_columns => '{n}') \g /dev/null
RESET ROLE;
SELECT is(pg_temp.after('anna', 'INSERT INTO app.plain VALUES (1, 2)'), 'anna added plain 1 public {"n": 2}', 'again with other options');
SELECT is(pg_temp.after('anna', 'UPDATE app.plain SET n = 3'), 'nothing', 'a type that is NULL is not logged');
SELECT is(pg_temp.after('anna', 'DELETE FROM app.plain'), 'anna deleted plain 1 public {"n": 3}', 'the others are');
SET LOCAL ROLE app_owner;
SELECT live.track_activity('app.plain', insert_type => NULL, update_type => NULL, delete_type => NULL) \g /dev/null
RESET ROLE;
SELECT is(pg_temp.after('anna', 'INSERT INTO app.plain VALUES (1, 2)'), 'nothing', 'no types at all end it');
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'app.plain'::regclass$$, 'without a trace');

-- Errors, none of which leaves a trigger.
SET LOCAL ROLE app_owner;
SELECT throws_ok('SELECT live.track_activity(' || arguments || ')', state::char(5), NULL, format('track_activity(%s)', left(arguments, 80))) FROM (VALUES
  ('NULL', '22004'), ('''app.plain'', key_column => NULL', '22004'), ('''app.plain'', visibility => NULL', '22004'), ('''app.plain'', metadata_columns => NULL', '22004'),
  ('''app.plain'', visibility => ''session''', '22023'), ('''app.plain'', visibility => ''users''', '22023'), ('''app.plain'', key_column => ''none''', '42703'),
  ('''app.plain'', update_columns => ''{none}''', '42703'), ('''app.plain'', update_columns => ''{NULL}''', '42703'), ('''app.plain'', metadata_columns => ''{none}''', '42703'),
  ('''app.plain'', insert_type => ''''', '22023'), ('''app.plain'', insert_type => repeat(''x'', 256)', '22023'), ('''app.plain'', entity_type => ''''', '22023'),
  ('''app.plain'', entity_type => E''a\x01''', '22023'), ('''app.none''', '42P01'), ('''live.event''', '42501'), ('''pg_class''', '42501')) AS bad (arguments, state);
RESET ROLE;
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'app.plain'::regclass$$, 'none of them tracks');
CREATE ROLE other_owner;
GRANT USAGE ON SCHEMA live, app TO other_owner;
GRANT EXECUTE ON FUNCTION live.track_activity, live.track_row TO other_owner;
GRANT ALL ON app.plain TO other_owner;
SET LOCAL ROLE other_owner;
SELECT throws_ok($$SELECT live.track_activity('app.plain')$$, '42501', NULL, 'another''s table');
RESET ROLE;
SELECT is(pg_temp.as_user('anna', $$SELECT live.track_activity('app.plain')$$), '42501', 'clients track nothing');

SELECT finish();
ROLLBACK;
