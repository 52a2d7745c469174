-- Who the request comes from: live.user_id() and its kin, for claims of every form, and when they are evaluated.
-- Nothing here may raise on claims; the loop over arbitrary bytes is in test/pgtap/claims.sql.

-- A setting that was made before the library was loaded counts. (Each \connect is a session without the library,
-- unless the server preloads it.)
\connect
SET request.jwt.claims = '{"sub": "anna", "role": "authenticated"}';
SELECT live.user_id(), live.jwt_role();
\connect
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
SELECT live.user_id();
COMMIT;
SELECT live.user_id();
\connect
SET request.jwt.claim.sub = 'ben';
SELECT live.user_id();

-- Other settings with the prefix stay the app's own.
SET request.method = 'GET';
SELECT current_setting('request.method');

-- No claims.
\connect
SELECT live.user_id(), live.user_uuid(), live.jwt(), live.jwt_role(), live.claim('sub');

-- Every form of claims, and what each helper makes of it. \pset null makes NULL and '' differ.
\pset null NULL
CREATE FUNCTION pg_temp.seen(claims text,
  OUT user_id text, OUT user_uuid uuid, OUT jwt_role text, OUT claim_sub text, OUT jwt jsonb)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', claims, true);
  user_id := live.user_id();
  user_uuid := live.user_uuid();
  jwt_role := live.jwt_role();
  claim_sub := live.claim('sub');
  jwt := live.jwt();
END
$$;

SELECT form, seen.*
FROM (VALUES
  (1, 'empty', ''),
  (2, 'white space', '  '),
  (3, 'user and role', '{"sub": "anna", "role": "authenticated"}'),
  (4, 'white space around', E' \n\t{"sub":"anna"}\r\n '),
  (5, 'UUID', '{"sub": "0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f10"}'),
  (6, 'UUID in capitals', '{"sub": "0B5CF4EA-2B1E-4A24-8D4F-9D9C3A6A1F10"}'),
  (7, 'UUID in braces', '{"sub": "{0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f10}"}'),
  (8, 'UUID without dashes', '{"sub": "0b5cf4ea2b1e4a248d4f9d9c3a6a1f10"}'),
  (9, 'almost a UUID', '{"sub": "0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f1g"}'),
  (10, 'foreign id', '{"sub": "auth0|64a/ü"}'),
  (11, 'not JSON', 'not json'),
  (12, 'text after the object', '{"sub": "anna"} x'),
  (13, 'cut off', '{"sub": "anna"'),
  (14, 'trailing comma', '{"sub": "anna",}'),
  (15, 'single quotes', $${'sub': 'anna'}$$),
  (16, 'array', '["anna"]'),
  (17, 'string', '"anna"'),
  (18, 'null', 'null'),
  (19, 'empty object', '{}'),
  (20, 'null sub', '{"sub": null}'),
  (21, 'empty sub', '{"sub": ""}'),
  (22, 'sub of one space', '{"sub": " "}'),
  (23, 'numeric sub', '{"sub": 42}'),
  (24, 'boolean sub', '{"sub": true}'),
  (25, 'sub is an object', '{"sub": {"a":1}}'),
  (26, 'sub inside an object', '{"user": {"sub": "anna"}}'),
  (27, 'key in capitals', '{"SUB": "anna"}'),
  (28, 'twice, the last wins', '{"sub": "anna", "sub": "ben"}'),
  (29, 'twice, the last is null', '{"sub": "anna", "sub": null}'),
  (30, 'twice by escapes', '{"sub": "anna", "\u0073ub": "ben"}'),
  (31, 'escaped key', '{"\u0073\u0075\u0062": "anna"}'),
  (32, 'escapes', '{"sub": "Ren\u00e9e\/\"\\"}'),
  (33, 'surrogate pair', '{"sub": "\ud83d\ude00"}'),
  (34, 'lone surrogate', '{"sub": "\ud83d"}'),
  (35, 'surrogates in the wrong order', '{"sub": "\ude00\ud83d"}'),
  (36, 'NUL', '{"sub": "anna\u0000"}'),
  (37, 'NUL in another claim', '{"sub": "anna", "x": "\u0000"}'),
  (38, 'escaped line end', '{"sub": "anna\n"}'),
  (39, 'escaped DEL', '{"sub": "anna\u007f"}'),
  (40, 'raw line end in a string', E'{"sub": "anna\n"}'),
  (41, 'role is a number', '{"sub": "anna", "role": 1}'),
  (42, 'empty role', '{"sub": "anna", "role": ""}')
) AS forms (number, form, claims)
CROSS JOIN LATERAL pg_temp.seen(forms.claims) AS seen
ORDER BY number;

-- Length counts characters, and up to 255 of them.
SELECT count, length(seen.user_id), octet_length(seen.user_id)
FROM (VALUES (1, 'a'), (255, 'a'), (256, 'a'), (255, 'é'), (256, 'é'), (255, '😀'), (256, '😀'), (60000, 'a'))
     AS sizes (count, character)
CROSS JOIN LATERAL pg_temp.seen(json_build_object('sub', repeat(character, count))::text) AS seen;

-- Escapes count as the characters they stand for.
SELECT length((pg_temp.seen('{"sub": "' || repeat('\u00e9', 255) || '"}')).user_id),
       (pg_temp.seen('{"sub": "' || repeat('\u00e9', 256) || '"}')).user_id;

-- Deep and huge claims are no claims; they cost neither the stack nor an error.
SELECT (pg_temp.seen(repeat('[', 100000))).user_id;
SELECT (pg_temp.seen('{"sub": "anna", "x": ' || repeat('[', 100000) || repeat(']', 100000) || '}')).user_id;
SELECT (pg_temp.seen('{"sub": "anna", "x": ' || repeat('[', 60) || repeat(']', 60) || '}')).user_id;
SELECT (pg_temp.seen('{"sub": "anna", "x": "' || repeat('x', 1000000) || '"}')).user_id;
SELECT (pg_temp.seen('{"sub": "anna", "x": "' || repeat('x', 60000) || '"}')).user_id;

-- Claims that are no strings come as the text they were given in, like ->>; null and absent are NULL.
SET request.jwt.claims = '{"sub": "anna", "text": "a\nb", "number": 1.10, "big": 12345678901234567890123, "bool": false,
  "null": null, "object": {"a": [1, 2]}, "array": [1, "x"], "": "nameless", "twice": 1, "twice": 2, "caf\u00e9": "key"}';
SELECT name, live.claim(name)
FROM unnest('{text,number,big,bool,null,object,array,"",twice,café,absent,Text}'::text[]) AS name;
SELECT live.claim(NULL);
SELECT live.jwt() ->> 'big' AS big, live.jwt() ->> 'number' AS number, live.jwt() ->> 'twice' AS twice;

-- The older settings, one a claim, count where there are no claims as JSON, not even invalid ones: what a pooled session
-- has left there is nobody's.
SET request.jwt.claim.sub = 'ben';
SET request.jwt.claim.role = 'service_role';
SET request.jwt.claim.email = 'ben@example.org';
SELECT claims, live.user_id(), live.jwt_role(), live.claim('sub'), live.claim('email')
FROM (VALUES ('{"sub": "anna", "role": "authenticated"}'), ('{"role": "anon"}'), ('{}'), ('not json'), (' ')) AS forms (claims)
CROSS JOIN LATERAL set_config('request.jwt.claims', claims, false) AS value WHERE value IS NOT NULL;
SET request.jwt.claims = '';
SELECT live.user_id(), live.jwt_role(), live.claim('sub');
SELECT live.claim('email'), live.claim('role'), live.claim('e mail'), live.claim('');
SET request.jwt.claim.sub = '';
SET request.jwt.claim.role = '';
SELECT live.user_id(), live.jwt_role();
SET request.jwt.claim.sub = E'ben\x01';
SELECT live.user_id();
SELECT set_config('request.jwt.claim.sub', repeat('x', 256), false) IS NOT NULL AS set, live.user_id();
RESET request.jwt.claim.sub;
SELECT live.user_id();

-- Settings come and go with transactions, savepoints and functions, and so does the user.
SET request.jwt.claims = '{"sub": "anna"}';
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "ben"}';
SELECT live.user_id();
SAVEPOINT one;
SET LOCAL request.jwt.claims = '{"sub": "carl"}';
SELECT live.user_id();
ROLLBACK TO one;
SELECT live.user_id();
SET request.jwt.claims = '{"sub": "dora"}';
SELECT live.user_id();
ROLLBACK;
SELECT live.user_id();

CREATE FUNCTION pg_temp.as_ben() RETURNS text
LANGUAGE sql SET request.jwt.claims = '{"sub": "ben"}' AS 'SELECT live.user_id()';
SELECT live.user_id(), pg_temp.as_ben(), live.user_id();

-- Within one statement: a value that was computed before the change keeps the old user.
SELECT live.user_id() AS before, set_config('request.jwt.claims', '{"sub": "ben"}', false) AS change, live.user_id() AS after;
SELECT before.user_id AS before, live.user_id() AS after
FROM (SELECT live.user_id() OFFSET 0) AS before
CROSS JOIN LATERAL (SELECT set_config('request.jwt.claims', '{"sub": "carl' || coalesce(before.user_id, '') || '"}', false) OFFSET 0) AS change;

-- Settings of a role and of a database, as some gateways are set up.
SELECT current_user AS superuser \gset
CREATE ROLE regress_live_claims LOGIN SUPERUSER;
ALTER ROLE regress_live_claims SET request.jwt.claims = '{"sub": "of the role"}';
\connect - regress_live_claims
SELECT live.user_id();
SET request.jwt.claims = '{"sub": "of the session"}';
SELECT live.user_id();
RESET request.jwt.claims;
SELECT live.user_id();
\connect - :superuser
DROP ROLE regress_live_claims;

-- Policies use it as they would use a constant.
CREATE TABLE note (id integer, owner text);
INSERT INTO note SELECT number, 'user-' || number % 10 FROM generate_series(1, 1000) AS number;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = live.user_id());
CREATE ROLE regress_live_reader;
GRANT SELECT ON note TO regress_live_reader;
SELECT live.grant_client('regress_live_reader');
SET ROLE regress_live_reader;
SELECT count(*) FROM note;
SET request.jwt.claims = '{"sub": "user-3"}';
SELECT count(*), min(owner), max(owner) FROM note;
RESET ROLE;

-- Parallel workers see the same user.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE note SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT count(*) FROM note WHERE owner = live.user_id();
SELECT count(*) FROM note WHERE owner = live.user_id();
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "user-4", "role": "authenticated"}';
SELECT DISTINCT live.user_id(), live.jwt_role(), live.claim('role'), live.jwt() FROM note;
ROLLBACK;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA live, live_private FROM regress_live_reader;
REVOKE USAGE ON SCHEMA live, live_private FROM regress_live_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA live, live_private FROM regress_live_reader;
DROP TABLE note;
DROP ROLE regress_live_reader;

-- Settings in the start-up packet are not checked for the encoding: broken ones are no user, and no error either.
\set broken `printf 'a\360'`
\set connection 'dbname=' :DBNAME ' options=''-c request.jwt.claim.sub=' :broken ' -c request.jwt.claim.role=' :broken ''''
\connect -reuse-previous=on :connection
SELECT octet_length(current_setting('request.jwt.claim.sub')) AS bytes, live.user_id(), live.jwt_role();
\set connection 'dbname=' :DBNAME ' options=''-c request.jwt.claims={"sub":"a' :broken '"}'''
\connect -reuse-previous=on :connection
SELECT octet_length(current_setting('request.jwt.claims')) AS bytes, live.user_id(), live.jwt(), live.claim('sub');
