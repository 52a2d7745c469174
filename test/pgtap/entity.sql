-- Registered entity types: an activity is about a row that its actor may see; what does not exist and what may not be seen
-- are one error; keys of any type; relations that change or go.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE TEMP TABLE start AS SELECT coalesce(max(id), 0) AS id FROM live.event;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO authenticated;
CREATE TABLE app.book (id bigint PRIMARY KEY, owner text);
CREATE TABLE app."Odd ""Table" ("Key Column" uuid PRIMARY KEY);
CREATE TABLE app.tag (name text PRIMARY KEY);
CREATE TABLE app.code (code varchar(4) PRIMARY KEY, letters char(3), price numeric(6, 2), flags bit(3));
CREATE TABLE app.secret (id integer PRIMARY KEY);
CREATE VIEW app.shelf AS SELECT id FROM app.book WHERE id < 3;
ALTER TABLE app.book ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.book USING (owner = live.user_id());
GRANT SELECT ON app.book, app."Odd ""Table", app.tag, app.code, app.shelf TO authenticated;
INSERT INTO app.book VALUES (1, 'anna'), (2, 'bob'), (3, 'anna');
INSERT INTO app."Odd ""Table" VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO app.tag VALUES ('a b/ü%'), ('7');
INSERT INTO app.code VALUES ('abcd', 'abc', 1.25, B'101');
INSERT INTO app.secret VALUES (1);
SELECT live.register_entity_type('book', 'app.book', 'id'), live.register_entity_type('odd', 'app."Odd ""Table"', 'Key Column'), live.register_entity_type('tag', 'app.tag', 'name'),
       live.register_entity_type('code', 'app.code', 'code'), live.register_entity_type('letters', 'app.code', 'letters'), live.register_entity_type('price', 'app.code', 'price'),
       live.register_entity_type('flags', 'app.code', 'flags'), live.register_entity_type('secret', 'app.secret', 'id'), live.register_entity_type('shelf', 'app.shelf', 'id') \g /dev/null

-- The whole error, and what was logged if there is none.
CREATE FUNCTION pg_temp.log(entity_type text, entity_id text, actor text DEFAULT 'anna') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  PERFORM set_config('role', 'authenticated', true), set_config('request.jwt.claims', jsonb_build_object('sub', actor)::text, true);
  PERFORM live.log_activity('read', entity_type, entity_id);
  PERFORM set_config('role', 'none', true);
  RETURN 'logged';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  PERFORM set_config('role', 'none', true);
  RETURN concat_ws(', ', SQLSTATE, SQLERRM, nullif(detail, ''));
END
$$;
\set no_entity '23503, entity does not exist, It may also be one that you may not see.'
SELECT is(pg_temp.log(entity_type, entity_id), 'logged', format('%s %s', entity_type, entity_id)) FROM (VALUES
  ('book', '1'), ('book', '3'), ('odd', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('tag', 'a b/ü%'), ('tag', '7'), ('code', 'abcd'), ('letters', 'abc'), ('price', '1.25'),
  ('flags', '101'), ('shelf', '2'), ('not registered', 'anything')) AS good (entity_type, entity_id);
SELECT is(pg_temp.log(entity_type, entity_id), :'no_entity', format('%s %s: %s', entity_type, left(entity_id, 30), name)) FROM (VALUES
  ('book', '2', 'not visible'), ('book', '4', 'not there'), ('book', 'x', 'no number'), ('book', '1.5', 'no number'), ('book', '99999999999999999999', 'no bigint'),
  ('book', '1; DROP TABLE app.book', 'no number'), ('book', repeat('1', 10000), 'no bigint'), ('odd', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'not there'), ('odd', 'x', 'no uuid'),
  ('tag', '8', 'not there'), ('tag', E'7''', 'not there'), ('code', 'abcde', 'longer than the column'), ('letters', 'abcd', 'longer than the column'),
  ('price', '1.254', 'finer than the column'), ('flags', '1011', 'longer than the column'), ('secret', '1', 'in a table that the actor may not read'),
  ('book', '01', 'another way to write 1'), ('book', ' 1', 'another way to write 1'), ('odd', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'another way to write it'), ('price', '1.250', 'another way to write it'), ('shelf', '3', 'not in the view')
) AS bad (entity_type, entity_id, name);
SELECT is(pg_temp.log('book', '2', 'bob'), 'logged', 'whose row it is may');
SELECT is((SELECT string_agg(entity_type || ' ' || entity_id, ', ' ORDER BY id) FROM live.activity_stream WHERE entity_type IN ('book', 'secret')), 'book 1, book 3, book 2', 'nothing else was stored');
SELECT bag_eq($$SELECT payload -> 'entity_id' FROM live.event, start WHERE event = 'activity:new' AND event.id > start.id$$, 'SELECT to_jsonb(entity_id) FROM live.activity_stream', 'or told');
SELECT is(pg_temp.as_user(NULL, $$SELECT live.log_activity('read', 'tag', '7')$$), '23503', 'the anonymous have no rights here');

-- Equal to a collation is not the same id.
CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE app.handle (handle text COLLATE app.loose PRIMARY KEY);
INSERT INTO app.handle VALUES ('Eve');
GRANT SELECT ON app.handle TO authenticated;
SELECT live.register_entity_type('handle', 'app.handle', 'handle') \g /dev/null
SELECT is(pg_temp.log('handle', 'Eve'), 'logged', 'a key of a collation that takes letters for equal');
SELECT is(pg_temp.log('handle', 'eve'), :'no_entity', 'names one row by one id');

-- The relation changes, or goes.
SELECT is(pg_temp.as_user('anna', 'SET LOCAL row_security = off; SELECT live_private.require_entity(''book'', ''2'')'), '23503', 'row security cannot be turned off');
SET LOCAL row_security = on;
ALTER TABLE app.tag RENAME TO label;
SELECT is(pg_temp.log('tag', '7'), '55000, entity type "tag" is registered for a relation or column that is not there', 'a relation that was renamed');
SELECT live.register_entity_type('tag', 'app.label', 'name') \g /dev/null
SELECT is(pg_temp.log('tag', '7'), 'logged', 'and registered again');
ALTER TABLE app.label RENAME name TO title;
SELECT is(pg_temp.log('tag', '7'), '55000, entity type "tag" is registered for a relation or column that is not there', 'a column that was renamed');
DROP TABLE app.secret;
SELECT is(pg_temp.log('secret', '1'), '55000, entity type "secret" is registered for a relation or column that is not there', 'a relation that was dropped');
SELECT is(pg_temp.log('book', '1'), 'logged', 'others go on');

SELECT throws_ok('SELECT live.register_entity_type(' || arguments || ')', state::char(5), NULL, format('register_entity_type(%s)', left(arguments, 60))) FROM (VALUES
  ('NULL, ''app.book'', ''id''', '22004'), ('''x'', NULL, ''id''', '22004'), ('''x'', ''app.book'', NULL', '22004'), ('''x'', ''app.book'', ''none''', '42703'),
  ('''x'', ''app.book'', ''ctid''', '42703'), ('''x'', ''app.none'', ''id''', '42P01'), ('''x'', 0, ''id''', '42703'), ('''x'', ''app.book_pkey'', ''id''', '42703'),
  ('repeat(''x'', 256), ''app.book'', ''id''', '22023'), (''''', ''app.book'', ''id''', '22023')) AS bad (arguments, state);
SELECT is(pg_temp.as_user('anna', $$SELECT live.register_entity_type('x', 'app.book', 'id')$$), '42501', 'registering is for admins');

SELECT finish();
ROLLBACK;
