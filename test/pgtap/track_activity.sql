-- Tables that log by themselves: which changes of which rows, as whom, with what; never without a user; the owner's decision.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE ROLE app_owner;
CREATE SCHEMA app AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA app TO authenticated;
GRANT USAGE ON SCHEMA live, live_private TO app_owner;
GRANT EXECUTE ON FUNCTION live.track_activity, live_private.track_row TO app_owner;
SET LOCAL ROLE app_owner;
CREATE TYPE app.size AS (width integer, height integer);
CREATE TABLE app."Odd ""Table" ("Key Column" text PRIMARY KEY, "the Title" text, notes text, size app.size, twice text GENERATED ALWAYS AS ("the Title" || "the Title") STORED);
CREATE TABLE app.plain (id bigint PRIMARY KEY, n integer);
CREATE VIEW app.seen AS SELECT * FROM app.plain;
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
SELECT is(pg_temp.logged(), NULL, 'a change without a user is not logged');
SELECT is((SELECT count(*) FROM live.event WHERE event = 'activity:new' AND (payload ->> 'id')::bigint IN (SELECT id FROM live.activity_stream WHERE entity_type = 'plain')),
          (SELECT count(*) FROM live.activity_stream WHERE entity_type = 'plain'), 'what is logged is told');

-- An update that changes nothing is none, whatever an app's operators say and however many columns it names.
SET LOCAL ROLE app_owner;
CREATE TABLE app.page (id bigint PRIMARY KEY, a text, b integer, j json);
SELECT live.track_activity('app.page', metadata_columns => '{a}') \g /dev/null
CREATE TABLE app.named (id bigint PRIMARY KEY, a text, b integer);
SELECT live.track_activity('app.named', update_columns => '{a}') \g /dev/null
CREATE FUNCTION app.never(json, json) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'an operator of the app ran'; END $$;
CREATE OPERATOR app.= (LEFTARG = json, RIGHTARG = json, FUNCTION = app.never);
CREATE OPERATOR app.<> (LEFTARG = json, RIGHTARG = json, FUNCTION = app.never);
INSERT INTO app.page VALUES (1, 'x', 1, '{"a": 1}'), (2, NULL, 1, '{"a": 1}'), (3, 'z', 1, NULL);
INSERT INTO app.named VALUES (1, 'x', 1), (2, NULL, 1);
GRANT ALL ON app.page, app.named TO authenticated;
RESET ROLE;
SELECT is(pg_temp.after('anna', statement), logged, statement) FROM (VALUES
  (1, 'UPDATE app.page SET a = a, b = b, j = j', 'nothing'),
  (2, $$UPDATE app.page SET a = 'x'$$, 'anna updated page 2 public {"a": "x"}; anna updated page 3 public {"a": "x"}'),
  (3, $$UPDATE app.page SET j = '{"a":1}' WHERE id = 1$$, 'anna updated page 1 public {"a": "x"}'),
  (4, $$UPDATE app.page SET b = CASE id WHEN 2 THEN 5 ELSE b END$$, 'anna updated page 2 public {"a": "x"}'),
  (5, $$UPDATE app.named SET a = a, b = 2$$, 'nothing'),
  (6, $$UPDATE app.named SET a = 'x', b = 3$$, 'anna updated named 2 public {}'),
  (7, $$INSERT INTO app.named VALUES (1, 'x', 9), (3, 'n', 9) ON CONFLICT (id) DO UPDATE SET a = excluded.a$$, 'anna created named 3 public {}'),
  (8, $$MERGE INTO app.named n USING (VALUES (1), (2), (9)) AS s (id) ON s.id = n.id WHEN MATCHED AND n.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET a = 'm' WHEN NOT MATCHED THEN INSERT VALUES (9, 'm', 1)$$,
      'anna deleted named 1 public {}; anna updated named 2 public {}; anna created named 9 public {}')
) AS change (number, statement, logged) ORDER BY number;

-- What does not fit never fails the app's statement: the column, or the row, is left out.
SET LOCAL ROLE app_owner;
CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 3000000);
CREATE TABLE app.raw (id text, raw json, big text, deep jsonb, "constructor" integer, number numeric, list integer[][], span tstzrange, code app.short, bits bit(4), ok integer);
SELECT live.track_activity('app.raw', metadata_columns => '{raw,big,deep,constructor,number,list,span,code,bits,ok}') \g /dev/null
GRANT ALL ON app.raw TO authenticated;
RESET ROLE;
SELECT is(pg_temp.after('anna', statement), logged, left(statement, 100)) FROM (VALUES
  (1, $$INSERT INTO app.raw (id, raw, ok) VALUES ('1', '{"a":"\u0000"}', 1)$$, 'anna created raw 1 public {"ok": 1, "big": null, "bits": null, "code": null, "deep": null, "list": null, "span": null, "number": null}'),
  (2, $$INSERT INTO app.raw (id, ok, raw, list, span, code, bits, number) VALUES ('2', 2, '{"a": [1, "ü\u00fc"]}', '{{1,2},{3,NULL}}', '[2024-01-01 00:00+02,)', 'c', B'1010', 'NaN')$$,
      'anna created raw 2 public {"ok": 2, "big": null, "raw": {"a": [1, "üü"]}, "bits": "1010", "code": "c", "deep": null, "list": [[1, 2], [3, null]], "span": "[\"2023-12-31 22:00:00+00\",)", "number": "NaN"}'),
  (3, $$INSERT INTO app.raw (id, big, ok) VALUES ('3', repeat('x', 2000000), 3)$$, 'anna created raw 3 public {"ok": 3, "raw": null, "bits": null, "code": null, "deep": null, "list": null, "span": null, "number": null}'),
  (4, $$INSERT INTO app.raw (id, deep, number, ok) VALUES ('4', '[[[[[[[[1]]]]]]]]', 1e9999, 4)$$, 'anna created raw 4 public {"ok": 4, "big": null, "raw": null, "bits": null, "code": null, "list": null, "span": null}'),
  (5, $$INSERT INTO app.raw (id, big, code, ok) SELECT '5', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i), (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i), 5$$,
      'anna created raw 5 public {"ok": 5, "big": "' || (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i) || '", "raw": null, "bits": null, "deep": null, "list": null, "span": null, "number": null}'),
  (6, $$INSERT INTO app.raw (id, list) VALUES ('6', array_fill(NULL::integer, ARRAY[100000]))$$, 'anna created raw 6 public {"ok": null, "big": null, "raw": null, "bits": null, "code": null, "deep": null, "span": null, "number": null}'),
  (7, $$INSERT INTO app.raw (id) VALUES (NULL), (''), (E'a\nb'), (repeat('x', 256)), (repeat('x', 3000000))$$, 'nothing')
) AS change (number, statement, logged) ORDER BY number;
SELECT is((SELECT count(*) FROM app.raw), 11::bigint, 'all of it is in the table');
INSERT INTO app.raw (id, raw) VALUES ('8', '{"a":"\u0000"}');
SELECT is(pg_temp.logged(), NULL, 'the values of a change without a user are not read');

-- Columns that were renamed or dropped: the app's statement goes on, and what is missing is not logged.
SELECT is(pg_temp.after('anna', $$UPDATE app.page SET a = 'before' WHERE id = 1$$), 'anna updated page 1 public {"a": "before"}', 'before renaming');
ALTER TABLE app.page RENAME a TO title;
SELECT is(pg_temp.after('anna', $$UPDATE app.page SET title = 'after' WHERE id = 1$$), 'anna updated page 1 public {}', 'a metadata column that was renamed');
ALTER TABLE app.page RENAME id TO key;
SELECT is(pg_temp.after('anna', $$UPDATE app.page SET title = 'again' WHERE key = 1$$), 'nothing', 'a key column that was renamed');
SET LOCAL ROLE app_owner;
SELECT live.track_activity('app.page', key_column => 'key', metadata_columns => '{title}') \g /dev/null
RESET ROLE;
SELECT is(pg_temp.after('anna', $$UPDATE app.page SET title = 'tracked' WHERE key = 1$$), 'anna updated page 1 public {"title": "tracked"}', 'tracked again');

-- Partitions: a row that moves is updated; a statement that names a partition counts; each is tracked on its own terms.
SET LOCAL ROLE app_owner;
CREATE TABLE app.region (id bigint, place text, n integer) PARTITION BY LIST (place);
CREATE TABLE app.north PARTITION OF app.region FOR VALUES IN ('n');
CREATE TABLE app.south (place text, filler text, n integer, id bigint);
ALTER TABLE app.south DROP COLUMN filler;
ALTER TABLE app.region ATTACH PARTITION app.south FOR VALUES IN ('s');
SELECT live.track_activity('app.region', metadata_columns => '{n,place}') \g /dev/null
CREATE TABLE app.late (place text, id bigint, n integer);
SELECT lives_ok($$SELECT live.track_activity('app.late', 'lately')$$, 'a table is tracked');
SELECT lives_ok($$ALTER TABLE app.region ATTACH PARTITION app.late FOR VALUES IN ('l')$$, 'and attached to a tracked one');
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN new.n < 0 THEN NULL ELSE new END; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON app.south FOR EACH ROW EXECUTE FUNCTION app.refuse();
GRANT ALL ON app.region, app.north, app.south, app.late TO authenticated;
RESET ROLE;
SELECT is(pg_temp.after('anna', statement), logged, statement) FROM (VALUES
  (1, $$INSERT INTO app.region VALUES (1, 'n', 1), (2, 's', 2), (3, 'l', 3)$$, 'anna created region 1 public {"n": 1, "place": "n"}; anna created region 2 public {"n": 2, "place": "s"}; anna created region 3 public {"n": 3, "place": "l"}'),
  (2, $$UPDATE app.region SET place = 's' WHERE id = 1$$, 'anna updated region 1 public {"n": 1, "place": "s"}'),
  (3, $$UPDATE app.south SET n = 7 WHERE id = 2$$, 'anna updated region 2 public {"n": 7, "place": "s"}'),
  (4, $$UPDATE app.late SET n = 8$$, 'anna updated lately 3 public {}'),
  (5, $$DELETE FROM app.region WHERE id = 3$$, 'anna deleted region 3 public {"n": 8, "place": "l"}'),
  (6, $$INSERT INTO app.north (id, place, n) VALUES (4, 'n', -1), (5, 'n', 5)$$, 'anna created region 4 public {"n": -1, "place": "n"}; anna created region 5 public {"n": 5, "place": "n"}'),
  (7, $$UPDATE app.region SET place = 's' WHERE place = 'n'$$, 'anna updated region 5 public {"n": 5, "place": "s"}')
) AS change (number, statement, logged) ORDER BY number;
SELECT lives_ok($$SELECT live.track_activity('app.south', 'southern')$$, 'a partition of a tracked table is tracked in another way');
SELECT is(pg_temp.after('anna', $$UPDATE app.south SET n = 9 WHERE id = 2$$), 'anna updated southern 2 public {}', 'which holds for statements that name it');
SELECT lives_ok($$SELECT live.track_activity('app.region', insert_type => NULL, update_type => NULL, delete_type => NULL)$$, 'tracking of the whole ends');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgname LIKE 'track_activity%' AND tgrelid IN ('app.region'::regclass, 'app.north'::regclass, 'app.south'::regclass, 'app.late'::regclass)$$, 'for all its partitions');

-- One statement on many rows: all of them, in order, told in the same order.
SELECT pg_temp.as_user('anna', $q$SELECT pg_temp.run($$INSERT INTO app.named SELECT n FROM generate_series(1001, 3500) n$$)$q$) \g /dev/null
SELECT is((SELECT array_agg(a.entity_id::integer ORDER BY a.id) FROM live.activity_stream a, start WHERE a.id > start.id), array(SELECT generate_series(1001, 3500)), 'many rows are logged in their order');
SELECT is((SELECT array_agg((e.payload ->> 'entity_id')::integer ORDER BY e.id) FROM live.event e, start WHERE e.event = 'activity:new' AND (e.payload ->> 'id')::bigint > start.id),
          array(SELECT generate_series(1001, 3500)), 'and told in it');
SELECT pg_temp.logged() \g /dev/null

-- The trigger function by itself: other triggers than those that live.track_activity() makes are refused.
SET LOCAL ROLE app_owner;
CREATE TABLE app.forged (id integer);
GRANT ALL ON app.forged TO authenticated;
CREATE FUNCTION pg_temp.forge(trigger text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE 'CREATE TRIGGER forged ' || trigger;
  result := pg_temp.as_user('anna', 'INSERT INTO app.forged VALUES (1) RETURNING id');
  PERFORM set_config('role', 'app_owner', true);
  DROP TRIGGER forged ON app.forged;
  RETURN result;
END
$$;
SELECT is(pg_temp.forge('AFTER INSERT ON app.forged REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION live_private.track_row(' || arguments || ')'), state, arguments) FROM (VALUES
  ('', '39P01'), ($$'a', 'b', 'public', 'id'$$, '39P01'), ($$'a', 'b', 'users', 'id', '{}'$$, '22023'), ($$'a', 'b', 'session', 'id', '{}'$$, '22023'), ($$'a', 'b', 'everybody', 'id', '{}'$$, '22P02'),
  ($$'', 'b', 'public', 'id', '{}'$$, '22023'), ($$'a', '', 'public', 'id', '{}'$$, '22023'), ($$'a', 'b', 'public', 'id', '{'$$, '22P02'), ($$'a', 'b', 'public', 'none', '{none,NULL}', '{none}'$$, '1')) AS forged (arguments, state);
SELECT is(pg_temp.forge(timing || $$ EXECUTE FUNCTION live_private.track_row('a', 'b', 'public', 'id', '{}')$$), '39P01', timing) FROM unnest(
  '{BEFORE INSERT ON app.forged FOR EACH ROW,AFTER INSERT ON app.forged FOR EACH ROW,AFTER INSERT ON app.forged FOR EACH STATEMENT,BEFORE INSERT ON app.forged FOR EACH STATEMENT}'::text[]) AS timing;
RESET ROLE;

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

-- Errors, which leave no trigger.
SET LOCAL ROLE app_owner;
SELECT throws_ok('SELECT live.track_activity(' || arguments || ')', state::char(5), NULL, format('track_activity(%s)', left(arguments, 80))) FROM (VALUES
  ('NULL', '22004'), ('''app.plain'', key_column => NULL', '22004'), ('''app.plain'', visibility => NULL', '22004'), ('''app.plain'', metadata_columns => NULL', '22004'),
  ('''app.seen''', '42809'), ('''app.plain'', visibility => ''session''', '22023'), ('''app.plain'', visibility => ''users''', '22023'), ('''app.plain'', key_column => ''none''', '42703'),
  ('''app.plain'', update_columns => ''{none}''', '42703'), ('''app.plain'', update_columns => ''{NULL}''', '42703'), ('''app.plain'', metadata_columns => ''{none}''', '42703'),
  ('''app.plain'', insert_type => ''''', '22023'), ('''app.plain'', insert_type => repeat(''x'', 256)', '22023'), ('''app.plain'', entity_type => ''''', '22023'),
  ('''app.plain'', entity_type => E''a\x01''', '22023'), ('''app.none''', '42P01'), ('''live.event''', '42501'), ('''pg_class''', '42501')) AS bad (arguments, state);
RESET ROLE;
SELECT is_empty($$SELECT FROM pg_trigger WHERE tgrelid = 'app.plain'::regclass$$, 'none of them tracks');
SELECT throws_ok(format('SELECT live.track_activity(%L)', name), '42809', NULL, format('%s is not tracked, not even for a superuser: logging would be logged', name))
FROM (VALUES ('live.event'), ('live.activity_stream')) AS own (name);
SELECT throws_ok($$SELECT live.track_activity('app.plain', metadata_columns => '{{id,none}}')$$, '42703', NULL, 'columns are found in an array of any dimensions');
CREATE ROLE other_owner;
GRANT USAGE ON SCHEMA live, live_private, app TO other_owner;
GRANT EXECUTE ON FUNCTION live.track_activity, live_private.track_row TO other_owner;
GRANT ALL ON app.plain TO other_owner;
SET LOCAL ROLE other_owner;
SELECT throws_ok($$SELECT live.track_activity('app.plain')$$, '42501', NULL, 'another''s table');
RESET ROLE;
SELECT is(pg_temp.as_user('anna', $$SELECT live.track_activity('app.plain')$$), '42501', 'clients track nothing');

-- The id that is logged is the id that names the row, of keys of any type, whatever the sessions are set to.
RESET ROLE;
CREATE DOMAIN app.positive AS bigint CHECK (VALUE > 0);
CREATE TABLE app.key_type AS SELECT row_number() OVER () AS number, k.* FROM (VALUES
  ('timestamptz', '2024-01-02 03:04:05.6+02', '2024-01-02 01:04:05.6+00'), ('timestamp', '2024-01-02 03:04', '2024-01-02 03:04:00'), ('date', '2024-02-01', '2024-02-01'),
  ('interval', '1 year -2 days 03:00', '1 year -2 days +03:00:00'), ('interval', '-1 day -2 hours', '-1 days -02:00:00'), ('bytea', '\x00ff', '\x00ff'), ('double precision', '0.1', '0.1'), ('real', '1e10', '1e+10'),
  ('inet', '10.0.0.1', '10.0.0.1'), ('char(5)', 'ab', 'ab'), ('integer[]', '{1,2}', '{1,2}'), ('timestamptz[]', '{2024-01-02 00:00+00}', '{"2024-01-02 00:00:00+00"}'), ('boolean', 't', 'true'),
  ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('app.positive', '7', '7'), ('tstzrange', '[2024-01-02 00:00+00,)', '["2024-01-02 00:00:00+00",)'),
  ('money', '12.5', '$12.50'), ('regclass', 'app.plain', 'app.plain')) AS k (type, value, id);
GRANT SELECT ON app.key_type TO authenticated;
DO $do$
DECLARE
  k record;
BEGIN
  FOR k IN SELECT * FROM app.key_type LOOP
    EXECUTE format('CREATE TABLE app.key_%1$s (id %2$s)', k.number, k.type);
    PERFORM live.track_activity(format('app.key_%s', k.number)::regclass), live.register_entity_type(format('key_%s', k.number), format('app.key_%s', k.number), 'id');
    EXECUTE format('GRANT ALL ON app.key_%s TO authenticated', k.number);
  END LOOP;
END $do$;
CREATE FUNCTION pg_temp.log_key(key app.key_type) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  logged text;
BEGIN
  PERFORM set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{"sub": "anna"}', true);
  EXECUTE format('INSERT INTO app.key_%s VALUES (%L)', key.number, key.value);
  PERFORM set_config('role', 'none', true);
  logged := pg_temp.logged();
  PERFORM set_config('role', 'authenticated', true), live_private.require_entity('key_' || key.number, key.id), set_config('role', 'none', true);
  RETURN logged;
END
$$;
CREATE FUNCTION pg_temp.session(settings text[]) RETURNS void LANGUAGE sql AS $$ SELECT set_config(split_part(s, '=', 1), split_part(s, '=', 2), true) FROM unnest(settings) AS s $$;
SELECT is(pg_temp.log_key(k), format('anna created key_%s %s public {}', k.number, k.id), format('%s in the defaults', k.type)) FROM app.key_type k;
SELECT pg_temp.session('{DateStyle=German,IntervalStyle=sql_standard,TimeZone=Asia/Kolkata,bytea_output=escape,extra_float_digits=-10}') \g /dev/null
SELECT is(pg_temp.log_key(k), format('anna created key_%s %s public {}', k.number, k.id), format('%s in other settings', k.type)) FROM app.key_type k;
SELECT pg_temp.session('{DateStyle=Postgres\,DMY,IntervalStyle=iso_8601,TimeZone=America/New_York}') \g /dev/null
SELECT is(pg_temp.log_key(k), format('anna created key_%s %s public {}', k.number, k.id), format('%s in settings of yet another kind', k.type)) FROM app.key_type k;
SELECT is(ARRAY[current_setting('DateStyle'), current_setting('TimeZone'), current_setting('bytea_output')], '{"Postgres, DMY",America/New_York,escape}', 'the settings of the session stay');
SELECT is(pg_temp.as_user('anna', format('SELECT live_private.require_entity(%L, %L)', type, id)), '23503', format('%s %s', type, id)) FROM (VALUES
  ('key_15', '-7'), ('key_15', '07'), ('key_10', 'ab '), ('key_9', '10.0.0.1/32'), ('key_1', '2024-01-02T01:04:05.6Z'), ('key_13', 't'), ('key_6', '\000\377')) AS other (type, id);

SELECT finish();
ROLLBACK;
