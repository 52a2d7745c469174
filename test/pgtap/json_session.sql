-- Sessions with the policy json: what an operation does to the document, the last one in the log wins a path, and what a
-- document must not have.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit(who text, room text, operations text, base text DEFAULT '0', client text DEFAULT NULL, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user(who, format('SELECT live.submit_operations(%L, %s, %L, %L, %L)', pg_temp.id_of(room), base, operations, coalesce(client, who || '''s tab'), key)) $$;
CREATE FUNCTION pg_temp.document(room text, version text DEFAULT 'NULL') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user('anna', format('SELECT live.get_document(%L, %s)', pg_temp.id_of(room), version)) $$;
CREATE FUNCTION pg_temp.is_clean(room text) RETURNS boolean LANGUAGE sql AS $$ SELECT (live.check_session(pg_temp.id_of(room)) ->> 'clean')::boolean $$;
-- The document that an operation makes of another one, in a session of its own.
CREATE FUNCTION pg_temp.made(document text, operations text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  room text := 'made ' || gen_random_uuid();
BEGIN
  PERFORM pg_temp.as_user('anna', format('SELECT live.create_session(%L, ''json'', %L)', room, document));
  IF pg_temp.submit('anna', room, operations) !~ 'accepted' OR NOT pg_temp.is_clean(room) THEN
    RETURN pg_temp.submit('anna', room, operations) || (live.check_session(pg_temp.id_of(room)))::text;
  END IF;
  RETURN pg_temp.document(room);
END
$$;

-- The rules.
SELECT is(pg_temp.made(document, operations), expected, format('%s, %s', left(document, 60), left(operations, 60))) FROM (VALUES
  ('{}', '[{"path":["a"],"value":1}]', '{"a": 1}'), ('{"a":1}', '[{"path":["a"],"value":2}]', '{"a": 2}'), ('{"a":1}', '[{"path":["b"],"value":null}]', '{"a": 1, "b": null}'),
  ('{}', '[{"path":["a","b","c"],"value":1}]', '{"a": {"b": {"c": 1}}}'), ('{"a":1}', '[{"path":["a","b"],"value":2}]', '{"a": {"b": 2}}'), ('{"a":[1,{"b":1}]}', '[{"path":["a","1","b"],"value":2}]', '{"a": {"1": {"b": 2}}}'),
  ('{"a":{"b":1,"c":2},"d":3}', '[{"path":["a"],"value":{"e":{"f":4},"c":2}}]', '{"a": {"c": 2, "e": {"f": 4}}, "d": 3}'), ('{"a":{"b":1}}', '[{"path":["a"],"value":{}}]', '{"a": {}}'), ('{"a":{}}', '[{"path":["a","b"],"value":{}}]', '{"a": {"b": {}}}'),
  ('{"a":{"b":1,"c":2}}', '[{"path":["a","b"]}]', '{"a": {"c": 2}}'), ('{"a":{"b":1}}', '[{"path":["a","b"]}]', '{"a": {}}'), ('{"a":{"b":{"c":{"d":1}}}}', '[{"path":["a","b"]}]', '{"a": {}}'), ('{"a":1}', '[{"path":["a"]}]', '{}'),
  ('{"a":1}', '[{"path":["b"]}]', '{"a": 1}'), ('{"a":1}', '[{"path":["a","b"]}]', '{"a": 1}'), ('{"a":[1]}', '[{"path":["a","0"]}]', '{"a": [1]}'), ('{"a":{}}', '[{"path":["a","b"]}]', '{"a": {}}'), ('{}', '[{"path":["a","b"]}]', '{}'),
  ('{"a":1,"b":{"c":2}}', '[{"path":[],"value":{"x":[{"y":1}]}}]', '{"x": [{"y": 1}]}'), ('{"a":1}', '[{"path":[],"value":{}}]', '{}'), ('{"a":1}', '[{"path":[]}]', '{}'),
  ('{"a":{"b":1},"ab":{"b":2},"a b":3,"B":4}', '[{"path":["a"]}]', '{"B": 4, "ab": {"b": 2}, "a b": 3}'), ('{"a":{"b":1},"ab":2}', '[{"path":["a"],"value":0}]', '{"a": 0, "ab": 2}'), ('{"ü":{"👍":1}, "\uffff":2}', '[{"path":["ü","👍"],"value":"\"\\"}]', '{"ü": {"👍": "\"\\"}, "￿": 2}'),
  ('{"a":1}', '[{"path":["a"],"value":{"b":1}},{"path":["a","b"]},{"path":["a","c"],"value":2},{"path":["a"],"value":[]}]', '{"a": []}'), ('{"a":1}', '[{"value":1.50,"path":["a"]}]', '{"a": 1.50}')
) AS rule (document, operations, expected);

-- The last one in the log wins, whichever version it was made upon.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('board', 'json', '{"title":"Board","cards":{"1":{"x":0,"y":0}}}', true)$$), pg_temp.as_user('ben', $$SELECT live.join_session('board')$$) \g /dev/null
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":"A"},{"path":["cards","1","x"],"value":1}]', key => '1'), '{"head": 2, "status": "accepted", "last_version": 2, "first_version": 1}', 'operations are accepted');
SELECT is(pg_temp.submit('ben', 'board', '[{"path":["title"],"value":"B"},{"path":["cards","1","y"],"value":2}]'), '{"head": 4, "status": "accepted", "last_version": 4, "first_version": 3}', 'and so are those of another client upon the same version');
SELECT is(pg_temp.document('board'), '{"cards": {"1": {"x": 1, "y": 2}}, "title": "B"}', 'the last one wins a path, others stay');
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":"A"},{"path":["cards","1","x"],"value":1}]', key => '1'), '{"head": 4, "status": "duplicate", "last_version": 2, "first_version": 1}', 'a submission that is repeated after a lost answer');
SELECT is(pg_temp.document('board') ~ '"B"', true, 'does not win again');
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":"C"}]', key => '10'), '{"head": 5, "status": "accepted", "last_version": 5, "first_version": 5}', 'keys that are numbers ascend by value');
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":"A"},{"path":["cards","1","x"],"value":1}]', key => '1'), '22023', 'a late copy of the one before is refused');
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":"C"}]', key => 'k'), '{"head": 6, "status": "accepted", "last_version": 6, "first_version": 6}', 'other keys have no order');
SELECT is(pg_temp.document('board'), '{"cards": {"1": {"x": 1, "y": 2}}, "title": "C"}', 'the document has none of the copies');
SELECT is(pg_temp.document('board', version::text), expected, 'the document at version ' || version) FROM (VALUES
  (0, '{"cards": {"1": {"x": 0, "y": 0}}, "title": "Board"}'), (1, '{"cards": {"1": {"x": 0, "y": 0}}, "title": "A"}'), (2, '{"cards": {"1": {"x": 1, "y": 0}}, "title": "A"}'), (4, '{"cards": {"1": {"x": 1, "y": 2}}, "title": "B"}')) AS v (version, expected);
SELECT is(pg_temp.document('board', version), '22023', 'there is no version ' || version) FROM unnest('{7,-1}'::text[]) AS version;
SELECT is(pg_temp.submit('anna', 'board', '[{"path":["title"],"value":1}]', base => base), '22023', 'nor can one be the base: ' || base) FROM unnest('{7,-1}'::text[]) AS base;
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('board') -> 'document' -> 'title'$$), '"C"', 'who joins gets the document');
SELECT is((SELECT payload -> 'operation' FROM live.event WHERE topic = 'session:' || pg_temp.id_of('board') AND event = 'collab:edit' ORDER BY id LIMIT 1), '{"path": ["title"], "value": "A"}', 'the event has the operation');
SELECT ok(pg_temp.is_clean('board'), 'log and document agree');

-- Back to a version.
SELECT is(pg_temp.as_user('ben', format('SELECT live.restore_document(%L, 2)', pg_temp.id_of('board'))), '{"head": 7, "status": "accepted", "last_version": 7, "first_version": 7}', 'a version is restored by an operation');
SELECT is(pg_temp.document('board'), pg_temp.document('board', '2'), 'the document is what it was');
SELECT is(pg_temp.as_user('ben', format('SELECT live.restore_document(%L, 2)', pg_temp.id_of('board'))), '{"head": 7, "status": "duplicate"}', 'nothing is to be done twice');
SELECT is(pg_temp.as_user('ben', format('SELECT live.restore_document(%L, 6) ->> ''head''', pg_temp.id_of('board'))), '8', 'and forth again');

-- SQL reads the document, each user that of the own sessions.
SELECT is(pg_temp.as_user('ben', $$SELECT live.session_json(id) #>> '{cards,1,y}' FROM live.collaboration_sessions WHERE room_name = 'board'$$), '2', 'a participant queries it');
SELECT is(pg_temp.as_user('ben', $$SELECT string_agg(value::text, ' ' ORDER BY path) FROM live_private.json_leaf$$), '1 2 "C"', 'reads its rows');
SELECT is(pg_temp.as_user(who, $$SELECT count(*) FROM live_private.json_leaf$$), '0', coalesce(who, 'the anonymous') || ' reads none') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.as_user(who, $$SELECT count(*) FROM live_private.json_document$$), '0', coalesce(who, 'the anonymous') || ' reads no size') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.as_user('dora', $$SELECT live.session_json(id) IS NULL FROM live.collaboration_sessions WHERE room_name = 'board'$$), 'true', 'nor the document of a session that she can find');
SELECT is(pg_temp.as_user('dora', format('SELECT live.get_document(%L)', pg_temp.id_of('board'))), 'P0002', 'by no function');
SELECT is(pg_temp.as_user('ben', statement), '42501', statement) FROM unnest(array['DELETE FROM live_private.json_leaf', $$UPDATE live_private.json_leaf SET value = '1'$$, 'UPDATE live_private.json_document SET size = 0',
  $$SELECT live_private.change_json(gen_random_uuid(), '[]')$$, $$SELECT live_private.delete_json(gen_random_uuid(), '{}')$$, $$SELECT live_private.set_json(gen_random_uuid(), '{}', '{}')$$]) AS statement;
SELECT is(live.session_json(pg_temp.id_of('board')) ->> 'title', 'C', 'an administrator queries all');

-- What is no operation changes nothing, nor do others in the same submission.
SELECT is(pg_temp.submit('anna', 'board', format('[{"path":["title"],"value":"lost"},%s]', bad)), state, format('%s is %s', left(bad, 60), state)) FROM (VALUES
  ('5', '22023'), ('null', '22023'), ('[]', '22023'), ('["path","value"]', '22023'), ('{}', '22023'), ('{"value":1}', '22023'), ('{"path":null,"value":1}', '22023'), ('{"path":"a","value":1}', '22023'), ('{"path":{"a":1}}', '22023'), ('{"path":[1],"value":1}', '22023'),
  ('{"path":[["a"]],"value":1}', '22023'), ('{"path":["a",null],"value":1}', '22023'), ('{"path":["a"],"value":1,"other":1}', '22023'), ('{"path":["a"],"Value":1}', '22023'), ('{"path":[],"value":1}', '22023'), ('{"path":[],"value":[]}', '22023'), ('{"path":[],"value":null}', '22023'),
  ('{"path":[""],"value":1}', '22023'), ('{"path":["a\u0001"],"value":1}', '22023'), ('{"path":["a\u007f"]}', '22023'), ('{"path":["a"],"value":{"":1}}', '22023'), ('{"path":["a"],"value":[{"\n":1}]}', '22023'), (format('{"path":["%s"],"value":1}', repeat('ü', 256)), '22023'),
  ('{"path":["__proto__","x"],"value":1}', '22023'), ('{"path":["a","constructor"],"value":1}', '22023'), ('{"path":["prototype"]}', '22023'), ('{"path":["a"],"value":{"__proto__":1}}', '22023'), ('{"path":["a"],"value":[1,[{"b":{"__proto__":{}}}]]}', '22023'),
  ('{"path":["a"],"value":{"\u005f_proto__":1}}', '22023'), (format('{"path":[%s],"value":1}', (SELECT string_agg('"p"', ',') FROM generate_series(1, 33))), '54000'), (format('{"path":[%s],"value":1}', (SELECT string_agg('"p"', ',') FROM generate_series(1, 1000))), '54000'),
  (format('{"path":[%s]}', (SELECT string_agg('"p"', ',') FROM generate_series(1, 1000))), '54000'), (format('{"path":["a"],"value":%s1%s}', repeat('[', 32), repeat(']', 32)), '54000'), (format('{"path":["a"],"value":%s1%s}', repeat('{"a":', 32), repeat('}', 32)), '54000'),
  (format('{"path":["a"],"value":%s1%s}', repeat('[', 1000), repeat(']', 1000)), '54000'), (format('{"path":[%s],"value":1}', (SELECT string_agg(format('"%s"', repeat('ü', 250)), ',') FROM generate_series(1, 5))), '54000'),
  (format('{"path":["a"],"value":"%s"}', repeat('x', 300 * 1024)), '54000'), (format('{"path":["a"],"value":"%s"}', repeat('x', 10 * 1024 * 1024)), '54000')) AS b (bad, state);
SELECT is(pg_temp.document('board'), '{"cards": {"1": {"x": 1, "y": 2}}, "title": "C"}', 'the document is as it was');
SELECT is(pg_temp.made('{}', format('[{"path":[%s],"value":1}]', (SELECT string_agg('"p"', ',') FROM generate_series(1, 32)))), repeat('{"p": ', 32) || '1' || repeat('}', 32), 'a document has 32 levels');
SELECT is(pg_temp.made('{}', format('[{"path":[%s],"value":1}]', (SELECT string_agg(format('"%s"', repeat(letter, 250)), ',') FROM unnest('{a,b,c,d,e,f,g,h}'::text[]) AS letter))) ~ '^{"a{250}": {"b', true, 'and paths of 2000 bytes');
SELECT is(pg_temp.made('{}', format('[{"path":["%1$s"],"value":{"%1$s":1}},{"path":["%1$s","%1$s"]}]', repeat('👍', 249))), format('{"%s": {}}', repeat('👍', 249)), 'and names of 255 characters');
SELECT is(pg_temp.as_user('anna', format('SELECT live.create_session(''bad'', ''json'', %L)', bad)), state, format('initial document %s: %s', left(bad, 40), state)) FROM (VALUES
  ('', '22P02'), ('{', '22P02'), ('[]', '22023'), ('1', '22023'), ('null', '22023'), ('{"__proto__":1}', '22023'), ('{"":1}', '22023'), ('{"a":"\u0000"}', '22P05'), (repeat('{"a":', 40) || '1' || repeat('}', 40), '54000')) AS b (bad, state);
SELECT is(pg_temp.as_user('anna', $$SELECT live.create_session('steps', 'cas', '{}')$$), '22023', 'other sessions have no initial document');

SET LOCAL pg_live.max_document_size = '1kB';
SELECT is(pg_temp.submit('anna', 'board', format('[{"path":["a"],"value":"%s"},{"path":["a"]}]', repeat('x', 2000)), client => 'large'), '{"head": 10, "status": "accepted", "last_version": 10, "first_version": 9}', 'a document may be too large in between');
SELECT is(pg_temp.submit('anna', 'board', format('[{"path":["a"],"value":"%s"}]', repeat('x', 1000))), '54000', 'but not afterwards');
SELECT is(pg_temp.as_user('anna', format('SELECT live.create_session(''bad'', ''json'', ''{"a":"%s"}'')', repeat('x', 1024))), '54000', 'nor at first');
UPDATE live_private.json_document SET size = size + 2000 WHERE session_id = pg_temp.id_of('board');
SELECT matches(pg_temp.submit('anna', 'board', '[{"path":["cards"]}]'), 'accepted', 'one that is too large may become smaller');
UPDATE live_private.json_document SET size = size - 2000 WHERE session_id = pg_temp.id_of('board');
RESET pg_live.max_document_size;
SELECT ok(pg_temp.is_clean('board'), 'log and document agree');

-- A long document: an edit writes its own row.
SELECT is(pg_temp.as_user('anna', format('SELECT (live.create_session(''long'', ''json'', %L)).head',
  (SELECT jsonb_object_agg('card ' || n, jsonb_build_object('title', 'Card ' || n, 'x', n)) FROM generate_series(1, 2000) AS n))), '0', 'a long document');
SELECT is((SELECT size FROM live_private.json_document WHERE session_id = pg_temp.id_of('long')), (SELECT sum(live_private.json_size(path, value)) FROM live_private.json_leaf WHERE session_id = pg_temp.id_of('long')), 'its size is counted');
CREATE TEMP TABLE before AS SELECT path, value, ctid::text AS place FROM live_private.json_leaf WHERE session_id = pg_temp.id_of('long');
SELECT matches(pg_temp.submit('anna', 'long', '[{"path":["card 7","x"],"value":0}]'), 'accepted', 'is changed at one place');
SELECT is((SELECT string_agg(array_to_string(l.path, '/'), ', ') FROM live_private.json_leaf l LEFT JOIN before b ON b.path = l.path AND b.place = l.ctid::text WHERE l.session_id = pg_temp.id_of('long') AND b.path IS NULL), 'card 7/x', 'and one row with it');
SELECT matches(pg_temp.submit('anna', 'long', '[{"path":["card 8"]},{"path":["card 9","title"],"value":"other"},{"path":["card 9"],"value":{"title":"other","y":1}}]'), 'accepted', 'and others');
SELECT is((SELECT size FROM live_private.json_document WHERE session_id = pg_temp.id_of('long')), (SELECT sum(live_private.json_size(path, value)) FROM live_private.json_leaf WHERE session_id = pg_temp.id_of('long')), 'the size is right after it');
SELECT ok(pg_temp.is_clean('long'), 'log and document agree');
SELECT lives_ok($$UPDATE live_private.json_leaf SET value = '0' WHERE path = '{title}'$$, 'a row is changed by hand');
SELECT ok(NOT pg_temp.is_clean('board'), 'and the check finds it');

-- Random operations: the stored document is what the log makes of an empty one, at each version.
SELECT setseed(0.5) \g /dev/null
CREATE FUNCTION pg_temp.random_value(depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE WHEN depth = 0 OR random() < 0.4 THEN (ARRAY['1', 'null', '"x"', '[]', '[{"a": 1}]', '{}', 'true'])[1 + floor(random() * 7)]::jsonb
    ELSE (SELECT coalesce(jsonb_object_agg(name, pg_temp.random_value(depth - 1)), '{}') FROM unnest('{a,b,ab,"a b"}'::text[]) AS name WHERE random() < 0.5) END;
END
$$;
CREATE FUNCTION pg_temp.random_operation() RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('path', path) || CASE WHEN random() < 0.3 THEN '{}' ELSE jsonb_build_object('value', CASE WHEN path = '{}' THEN '{"a": {"b": 1}}' ELSE pg_temp.random_value(2) END) END
  FROM (SELECT coalesce(array_agg((ARRAY['a', 'b', 'ab', 'a b'])[1 + floor(random() * 4)]), '{}') AS path FROM generate_series(1, floor(random() * 5)::integer + (random() < 0.9)::integer)) AS p
$$;
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('random', 'json')$$) \g /dev/null
SELECT bag_eq($$SELECT pg_temp.submit('anna', 'random', (SELECT jsonb_agg(pg_temp.random_operation()) FROM generate_series(1, 10 + 0 * round))::text) ~ 'accepted' FROM generate_series(1, 30) AS round$$, $$SELECT true FROM generate_series(1, 30)$$, '300 random operations');
SELECT ok(pg_temp.is_clean('random'), 'lead to the stored document');
SELECT is((SELECT size FROM live_private.json_document WHERE session_id = pg_temp.id_of('random')), (SELECT coalesce(sum(live_private.json_size(path, value)), 0) FROM live_private.json_leaf WHERE session_id = pg_temp.id_of('random')), 'and to its size');
SELECT is_empty($$SELECT l.path FROM live_private.json_leaf l JOIN live_private.json_leaf u ON u.session_id = l.session_id AND u.path[:cardinality(l.path)] = l.path AND u.path <> l.path$$, 'no row is below another one');

-- Numbers that are equal and not alike: the size counts what is stored.
SELECT is(pg_temp.made('{}', jsonb_build_array(jsonb_build_object('path', ARRAY['a'], 'value', ('1.' || repeat('0', 900))::numeric), jsonb_build_object('path', ARRAY['a'], 'value', 1))::text), '{"a": 1}', 'the last number wins, with its digits');
SELECT is_empty($$SELECT FROM live_private.json_document d JOIN live.collaboration_sessions s ON s.id = d.session_id WHERE s.room_name LIKE 'made %' AND d.size <> (SELECT coalesce(sum(live_private.json_size(l.path, l.value)), 0) FROM live_private.json_leaf l WHERE l.session_id = d.session_id)$$, 'the size of a document is that of what is stored');

-- The document is built of its leaves: objects that begin alike, empty ones, and values of each kind.
CREATE TEMP TABLE tree AS SELECT * FROM unnest(ARRAY[
  '{}', '{"a": 1}', '{"a": {}}', '{"a": {"b": {"c": {"d": null}}}, "ab": {"b": {"c": 1}}, "b": {"b": {"c": {}}}}', '{"a": {"x": 1}, "a b": 2, "a.b": {"x": 1.50, "xy": true}, "B": "é👍"}',
  '{"list": [1, {"a": []}, {}], "none": null, "n": {"m": [[]], "o": {"p": -1e-7}}, "z": "\"\\"}']::text[]) WITH ORDINALITY AS d (document, n);
SELECT pg_temp.as_user('anna', format($$SELECT live.create_session('tree %s', 'json', %L)$$, n, document)) FROM tree \g /dev/null
SELECT is(live.session_json(s.id)::text, d.document::jsonb::text, 'the document of ' || s.room_name)
FROM tree d JOIN live.collaboration_sessions s ON s.room_name = 'tree ' || d.n;

SELECT finish();
ROLLBACK;
