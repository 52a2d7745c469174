-- Claims as a property: whatever bytes the setting holds, the helpers do not raise and agree with PostgreSQL's own JSON.
\unset ECHO
BEGIN;
SELECT no_plan();

-- What the helpers must say, derived with jsonb; nothing of it if the text is no JSON object. (An exponent of five
-- digits outside of a string is refused, even of zeros.)
CREATE FUNCTION pg_temp.claims_by_jsonb(setting text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE WHEN jsonb_typeof(setting::jsonb) = 'object' AND regexp_replace(setting, '"([^"\\]|\\.)*"', '', 'g') !~ '[eE][+-]?[0-9]{5}' THEN setting::jsonb END;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.identifier(claim jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT claim #>> '{}'
  WHERE jsonb_typeof(claim) = 'string' AND length(claim #>> '{}') BETWEEN 1 AND 255 AND (claim #>> '{}') !~ E'[\\x01-\\x1f\\x7f]'
$$;

-- Damages a text: up to three times a character goes, comes, or is doubled.
CREATE FUNCTION pg_temp.damaged(text text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pieces constant text[] := ARRAY['"', '\', '{', '}', '[', ']', ':', ',', ' ', E'\n', E'\t', E'\x01', E'\x7f', '0', '-', '.', 'e', '+', 'a', 'u',
    '\u', '\u00e9', '\u0000', '\ud83d', '\ude00', '\ud83d\ude00', 'é', '😀', 'null', 'true', '"sub"', '"sub":"x"', '1e5', '1e999999', '-0'];
  place integer;
BEGIN
  FOR change IN 1 .. floor(random() * 4) LOOP
    place := floor(random() * (length(text) + 1));
    text := left(text, place)
      || CASE floor(random() * 3) WHEN 0 THEN '' ELSE pieces[1 + floor(random() * array_length(pieces, 1))] END
      || substr(text, place + 1 + floor(random() * 2)::integer);
  END LOOP;
  RETURN text;
END
$$;

-- The damaged settings on which a helper raised or disagreed.
CREATE FUNCTION pg_temp.disagreements(attempts integer) RETURNS TABLE (setting text, difference text) LANGUAGE plpgsql AS $$
DECLARE
  claims jsonb;
  forms constant text[] := ARRAY[
    '{"sub": "anna", "role": "authenticated", "exp": 1700000000}', '{"sub":"0b5cf4ea-2b1e-4a24-8d4f-9d9c3a6a1f10"}',
    '{"role":"anon","sub":"","x":{"sub":"inner"},"y":["sub",1.50,-1e-7,true,null]}', '{"sub": "\u0061\n\"\\\/\ud83d\ude00é"}',
    '{"a": {"b": [[], {}, [1, {"c": "d"}]]}, "sub": 1}', '{}', '[]', '"sub"', 'null', '7', ''];
BEGIN
  FOR attempt IN 1 .. attempts LOOP
    setting := pg_temp.damaged(forms[1 + attempt % array_length(forms, 1)]);
    claims := pg_temp.claims_by_jsonb(setting);
    PERFORM set_config('request.jwt.claims', setting, true);
    BEGIN
      difference := concat_ws(', ',
        CASE WHEN live.user_id() IS DISTINCT FROM pg_temp.identifier(claims -> 'sub') THEN 'user_id' END,
        CASE WHEN live.jwt_role() IS DISTINCT FROM pg_temp.identifier(claims -> 'role') THEN 'jwt_role' END,
        CASE WHEN live.jwt() IS DISTINCT FROM claims THEN 'jwt' END,
        CASE WHEN live.claim('sub') IS DISTINCT FROM claims ->> 'sub' AND jsonb_typeof(claims -> 'sub') <> 'number'
               AND jsonb_typeof(claims -> 'sub') NOT IN ('object', 'array') THEN 'claim' END,
        CASE WHEN live.user_uuid()::text IS DISTINCT FROM
                  CASE WHEN lower(live.user_id()) ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN lower(live.user_id()) END
             THEN 'user_uuid' END);
    EXCEPTION WHEN OTHERS THEN
      difference := SQLERRM;
    END;
    IF difference <> '' THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
SELECT setseed(0.42);
SELECT is_empty('SELECT * FROM pg_temp.disagreements(20000) LIMIT 10', 'on 20,000 damaged settings nothing raises, and the helpers agree with jsonb');
-- The damage must not be so heavy that only the refusals are compared.
SELECT setseed(0.42);
SELECT cmp_ok((SELECT count(*) FROM generate_series(1, 1000) WHERE pg_temp.claims_by_jsonb(pg_temp.damaged('{"sub": "anna", "role": "anon"}')) IS NOT NULL),
              '>', 100::bigint, 'many of the damaged settings are claims still');

-- The older settings hold text, not JSON: any text of 1 to 255 characters without control characters is the user.
CREATE FUNCTION pg_temp.user_of(sub text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claim.sub', sub, true);
  RETURN live.user_id();
END
$$;
SELECT set_config('request.jwt.claims', '', true) = '' AS no_claims \gset
SELECT is_empty($$
  SELECT to_hex(code) FROM generate_series(1, 65535) AS code
  WHERE code NOT BETWEEN 55296 AND 57343
    AND pg_temp.user_of('a' || chr(code)) IS DISTINCT FROM CASE WHEN code >= 32 AND code <> 127 THEN 'a' || chr(code) END
$$, 'every character but the control characters may be in a user id');
SELECT is(pg_temp.user_of('"anna"'), '"anna"', 'the older setting is not read as JSON');
SELECT is(pg_temp.user_of(''), NULL, 'an empty older setting is none');

-- Deep nesting, alone and inside valid claims, at every power of two.
CREATE FUNCTION pg_temp.user_in(setting text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', setting, true);
  RETURN coalesce(live.user_id(), live.jwt() ->> 'sub', live.claim('sub'));
END
$$;
SELECT is(pg_temp.user_in(repeat(bracket, 1 << power)), NULL, format('%s times %s', 1 << power, bracket))
FROM generate_series(0, 19) AS power, unnest('{[,"{\"a\":"}'::text[]) AS bracket;
SELECT is(pg_temp.user_in('{"sub": "anna", "deep": ' || repeat('[', 1 << power) || repeat(']', 1 << power) || '}'),
          CASE WHEN power < 6 THEN 'anna' END, format('claims with %s levels', 1 << power))
FROM generate_series(0, 16) AS power;
SELECT is(pg_temp.user_in('{' || repeat('"sub": "ben", ', 3000) || '"sub": "anna"}'), 'anna', 'of 3,000 members of one name the last counts');
SELECT is(pg_temp.user_in('{"sub": "anna", "x": "' || repeat('é', 500000) || '"}'), NULL, 'claims of 1 MB are none');

-- Refused identifiers leave nothing behind in the session's memory.
CREATE FUNCTION pg_temp.session_memory() RETURNS bigint LANGUAGE sql AS $$ SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext' $$;
SELECT pg_temp.user_in(json_build_object('sub', repeat('x', 60000))::text) IS NULL AS refused, pg_temp.session_memory() AS before \gset
SELECT count(pg_temp.user_in(json_build_object('sub', repeat('x', 60000 - number), 'role', repeat('y', 4000))::text)) = 0 AS refused FROM generate_series(1, 200) AS number \gset
SELECT cmp_ok(pg_temp.session_memory() - :before, '<', 1000000::bigint, 'refused user ids are not kept');

-- A function on each row of a large scan returns the user of that row's moment.
SELECT is(count(DISTINCT seen), 1000::bigint, 'a thousand users in one statement')
FROM (SELECT pg_temp.user_in(json_build_object('sub', 'user ' || number)::text) AS seen FROM generate_series(1, 1000) AS number) AS users;

SELECT finish();
ROLLBACK;
