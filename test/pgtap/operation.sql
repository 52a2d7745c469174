-- The log of a session: operations brought behind those of others, versions without gaps, repetitions, and the document
-- at every version.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit(who text, room text, base text, operations text, client text DEFAULT NULL, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user(who, format('SELECT live.submit_operations(%L, %s, %L, %L, %L)', pg_temp.id_of(room), base, operations, coalesce(client, who || '''s tab'), key)) $$;
CREATE FUNCTION pg_temp.document(room text, version text DEFAULT 'NULL') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user('anna', format('SELECT live.get_document(%L, %s)', pg_temp.id_of(room), version)) $$;
CREATE FUNCTION pg_temp.is_clean(room text) RETURNS boolean LANGUAGE sql AS $$ SELECT (live.check_session(pg_temp.id_of(room)) ->> 'clean')::boolean $$;

SELECT pg_temp.as_user('anna', $$SELECT live.create_session('note', initial_document => E'one\r\ntwo\rthree', is_public => true)$$) \g /dev/null
SELECT pg_temp.as_user('ben', $$SELECT live.join_session('note')$$) \g /dev/null
SELECT is(pg_temp.document('note'), E'one\ntwo\nthree', 'the initial document has the line breaks that editors count');
SELECT is(pg_temp.submit('anna', 'note', '0', '[[[0,"A"],13],[1,[0,"B"],13]]', key => 'k1'), '{"head": 2, "status": "accepted", "last_version": 2, "first_version": 1}', 'operations are accepted, each upon the one before');
SELECT is(pg_temp.document('note'), E'ABone\ntwo\nthree', 'the document has them');
SELECT is(pg_temp.submit('ben', 'note', '0', '[[[0,"x"],13],[14,[0,"","👍"]]]'), '{"head": 4, "status": "accepted", "last_version": 4, "first_version": 3}', 'those upon an older version are brought behind');
SELECT is(pg_temp.document('note'), E'ABxone\ntwo\nthree\n👍', 'what was there first stays first');
SELECT is(pg_temp.as_user('ben', format('SELECT string_agg(version || '' '' || user_id || '' '' || operation, '', '' ORDER BY version) FROM live.get_operations(%L, 2)', pg_temp.id_of('note'))),
  '3 ben [2, [0, "x"], 13], 4 ben [16, [0, "", "👍"]]', 'the log has them as they were applied');
SELECT is((SELECT string_agg(concat_ws(' ', payload ->> 'version', payload ->> 'user_id', payload ->> 'client_id', payload ->> 'operation'), ', ' ORDER BY id) FROM live.event
           WHERE topic = 'session:' || pg_temp.id_of('note') AND event = 'collab:edit' AND (payload ->> 'version')::int > 2),
  '3 ben ben''s tab [2, [0, "x"], 13], 4 ben ben''s tab [16, [0, "", "👍"]]', 'and so have the events');
SELECT is(pg_temp.document('note', version::text), expected, 'the document at version ' || version)
FROM (VALUES (0, E'one\ntwo\nthree'), (1, E'Aone\ntwo\nthree'), (2, E'ABone\ntwo\nthree'), (3, E'ABxone\ntwo\nthree'), (4, E'ABxone\ntwo\nthree\n👍')) AS v (version, expected);

-- Repetitions: after a lost answer, by key, and by what the log has of the client.
SELECT is(pg_temp.submit('anna', 'note', '0', '[[[0,"A"],13],[1,[0,"B"],13]]', key => 'k1'), '{"head": 4, "status": "duplicate", "last_version": 2, "first_version": 1}', 'the same key again changes nothing');
SELECT is(pg_temp.submit('anna', 'note', '0', '[[[0,"A"],13],[1,[0,"B"],13],[2,[0,"C"],13]]', key => 'k2'), '{"head": 5, "status": "accepted", "last_version": 5, "first_version": 5}', 'with another key, only what the log does not have is appended');
SELECT is(pg_temp.submit('anna', 'note', '0', '[[[0,"A"],13],[1,[0,"B"],13]]'), '{"head": 5, "status": "duplicate"}', 'and nothing where it has all');
SELECT is(pg_temp.document('note'), E'ABxCone\ntwo\nthree\n👍', 'the document has each once, behind what was there');
SELECT is(pg_temp.submit('ben', 'note', '5', '[[20]]', 'anna''s tab'), '42501', 'the id of another user''s client is refused');

-- What fits no version changes nothing.
SELECT is(pg_temp.submit('anna', 'note', base, operations), state, format('submit upon %s: %s is %s', base, left(operations, 50), state)) FROM (VALUES
  ('6', '[[20]]', '22023'), ('-1', '[[20]]', '22023'), ('NULL', '[[20]]', '22004'), ('5', NULL, '22004'), ('5', '[]', '22023'), ('5', '{}', '22023'), ('5', '[5]', '22023'), ('5', '[[19]]', '22023'), ('5', '[[21]]', '22023'),
  ('5', '[["x"]]', '22023'), ('5', '[[-1]]', '22023'), ('5', '[[1.5]]', '22023'), ('5', '[[19,[0,"x"],1]]', '22023'), ('5', '[[19,[1]]]', '22023'), ('5', '[[20,[0,"a\nb"]]]', '22023'), ('5', '[[20,[0,"a\rb"]]]', '22023'),
  ('5', '[[20,[0,"a"]],[20]]', '22023'), ('5', '[[99999999999]]', '22023')) AS bad (base, operations, state);
SELECT is(pg_temp.submit('anna', 'note', '5', (SELECT jsonb_agg('[20]'::jsonb)::text FROM generate_series(1, 1001))), '54000', 'more than 1000 operations at once');
SELECT is(pg_temp.submit('anna', 'note', '5', jsonb_build_array(jsonb_build_array(20, jsonb_build_array(0, repeat('x', 300000))))::text), '54000', 'more than a client may send at once');
SELECT is(pg_temp.submit('anna', 'note', '5', '[[1e131071, 1e131071, 1e131071]]'), '54000', 'or what would be that large as text');
SELECT is(pg_temp.submit('anna', 'note', '5', '[[20]]', client), state, format('client_id %s', left(client, 20))) FROM (VALUES ('', '22023'), (E'a\x01', '22023'), (repeat('x', 256), '22023')) AS bad (client, state);
SELECT is(pg_temp.submit('anna', 'note', '5', '[[20]]', key => bad), '22023', format('key %s', left(bad, 20))) FROM unnest(array['', E'a\x01', repeat('x', 256)]) AS bad;
SELECT is(pg_temp.as_user('anna', format('SELECT live.submit_operations(NULL, 0, ''[[1]]'', ''c'')')), '22004', 'no session');
SELECT ok(pg_temp.is_clean('note'), 'log and document agree');
SELECT is((SELECT head FROM live.collaboration_sessions WHERE room_name = 'note'), 5::bigint, 'the head is where it was');
SELECT is(pg_temp.document('note', version), '22023', 'there is no version ' || version) FROM unnest('{6,-1}'::text[]) AS version;

-- Who may.
SELECT pg_temp.as_user('vera', $$SELECT live.join_session('note')$$) \g /dev/null
SELECT pg_temp.as_user('anna', format('SELECT live.set_role(%L, ''vera'', ''viewer'')', pg_temp.id_of('note'))) \g /dev/null
SELECT is(pg_temp.submit('vera', 'note', '5', '[[20]]'), '42501', 'a viewer submits nothing');
SELECT is(pg_temp.as_user('vera', format('SELECT live.get_document(%L) IS NOT NULL', pg_temp.id_of('note'))), 'true', 'a viewer reads');
SELECT is(pg_temp.as_user(who, format('SELECT live.submit_operations(%L, 5, ''[[20]]'', ''c'')', pg_temp.id_of('note'))), '42501', coalesce(who, 'the anonymous') || ' submits nothing') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.as_user(who, format('SELECT live.get_document(%L)', pg_temp.id_of('note'))), 'P0002', coalesce(who, 'the anonymous') || ' reads no document') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.as_user(who, format('SELECT count(*) FROM live.get_operations(%L)', pg_temp.id_of('note'))), '0', coalesce(who, 'the anonymous') || ' reads no operations') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.as_user('dora', format('SELECT count(*) FROM %s', relation)), '0', 'nor any row of ' || relation) FROM unnest('{live.operation,live.session_snapshot}'::text[]) AS relation;
SELECT is(pg_temp.as_user('ben', format('SELECT * FROM %s', relation)), '42501', 'clients do not read ' || relation) FROM unnest('{live_private.document_piece,live_private.submission,live_private.checkpoint_request}'::text[]) AS relation;
SELECT is(pg_temp.as_user('ben', format('SELECT live.check_session(%L)', pg_temp.id_of('note'))), '42501', 'checking is for admins');
SELECT is(pg_temp.as_user('ben', format('SELECT * FROM live.get_operations(%L, max_operations => %s)', pg_temp.id_of('note'), bad)), '22023', 'max_operations of ' || bad) FROM unnest('{0,10001,"NULL"}'::text[]) AS bad;
SELECT pg_temp.as_user('anna', format('SELECT live.set_read_only(%L, true)', pg_temp.id_of('note'))) \g /dev/null
SELECT is(pg_temp.submit('anna', 'note', '5', '[[20]]'), '55000', 'a session that is read only takes nothing');
SELECT is(pg_temp.submit('anna', 'note', '0', '[[[0,"A"],13],[1,[0,"B"],13],[2,[0,"C"],13]]', key => 'k2'), '{"head": 5, "status": "duplicate", "last_version": 5, "first_version": 5}', 'but a repetition is told what became of it');
SELECT throws_ok($$SELECT live.check_session(gen_random_uuid())$$, 'P0002', NULL, 'no such session to check');

-- A fault is found.
SELECT lives_ok($$UPDATE live_private.document_piece SET text = 'Z' || substr(text, 2)$$, 'a piece is changed by hand');
SELECT ok(NOT pg_temp.is_clean('note'), 'and the check finds it');

-- Long documents: few rows change, and the text is what it should be.
SELECT pg_temp.as_user('anna', format($$SELECT live.create_session('long', initial_document => %L)$$, (SELECT string_agg('line ' || n, E'\n') FROM generate_series(1, 20000) AS n))) \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM live_private.document_piece WHERE session_id = pg_temp.id_of('long')), '>', 100::bigint, 'a long document is in pieces');
SELECT is((SELECT max(octet_length(text)) <= 1800 AND min(length) > 0 FROM live_private.document_piece), true, 'of bounded size');
CREATE TEMP TABLE before AS SELECT place, text FROM live_private.document_piece WHERE session_id = pg_temp.id_of('long');
SELECT matches(pg_temp.submit('anna', 'long', '0', format('[[100000,[5,"changed"],%s]]', length(pg_temp.document('long')) - 100005)), 'accepted', 'an edit in the middle');
SELECT is((SELECT count(*) FROM before b JOIN live_private.document_piece p USING (place) WHERE p.session_id = pg_temp.id_of('long') AND p.text <> b.text), 1::bigint, 'changes one piece');
SELECT is(substr(pg_temp.document('long'), 100001, 7), 'changed', 'at its place');
SELECT ok(pg_temp.is_clean('long'), 'log and document agree');

-- Large documents: the limit is in bytes, at the beginning and for each submission.
SELECT is(pg_temp.as_user('anna', 'SET LOCAL pg_live.max_document_size = ''1GB'''), '42501', 'a client cannot raise the limit');
SELECT throws_ok(format('SET LOCAL pg_live.max_document_size = %L', bad), '22023', NULL, 'max_document_size of ' || bad) FROM unnest('{0,-1,x,129MB}'::text[]) AS bad;
SET LOCAL pg_live.max_document_size = '2kB';
SELECT is(pg_temp.as_user('anna', $$SELECT live.create_session('large', initial_document => repeat('é', 1025))$$), '54000', 'an initial document of 2050 bytes');
SELECT is(pg_temp.as_user('anna', $$SELECT head FROM live.create_session('large', initial_document => repeat('é', 1023))$$), '0', 'one of 2046 bytes is taken');
SELECT matches(pg_temp.submit('anna', 'large', '0', '[[1023,[0,"é"]]]'), 'accepted', 'the document grows to the limit');
SELECT is(pg_temp.submit('anna', 'large', '1', '[[1024,[0,"x"]]]'), '54000', 'and not beyond');
SELECT matches(pg_temp.submit('anna', 'large', '1', '[[1024,[0,"x"]],[[1,"y"],1024]]'), 'accepted', 'what counts is the document after the submission');
SET LOCAL pg_live.max_document_size = '1kB';
SELECT is(pg_temp.submit('anna', 'large', '3', '[[1025,[0,"x"]]]'), '54000', 'above a limit that was lowered, the document does not grow');
SELECT matches(pg_temp.submit('anna', 'large', '3', '[[[1],1024]]'), 'accepted', 'but becomes smaller');
SELECT ok(pg_temp.is_clean('large'), 'log and document agree');
RESET pg_live.max_document_size;
SELECT is(pg_temp.as_user('anna', 'SET LOCAL pg_live.checkpoint_operations = 5'), '42501', 'a client does not set when snapshots are stored');
SELECT throws_ok(format('SET LOCAL pg_live.checkpoint_operations = %L', bad), '22023', NULL, 'checkpoint_operations of ' || bad) FROM unnest('{0,-1,x,1000000001}'::text[]) AS bad;

-- cas: upon the head alone.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('steps', 'cas')$$) \g /dev/null
SELECT matches(pg_temp.submit('anna', 'steps', '0', '[{"step":1},"any JSON"]'), 'accepted', 'an operation upon the head is accepted');
SELECT is(pg_temp.submit('anna', 'steps', '1', '[3]', 'other tab')::jsonb - 'operations', '{"status": "stale", "head": 2}', 'one upon another version is not');
SELECT is(pg_temp.submit('anna', 'steps', '1', '[3]', 'other tab')::jsonb #- '{operations,0,user_id}' -> 'operations', '[{"version": 2, "client_id": "anna''s tab", "operation": "any JSON"}]', 'and told what is missing');
SELECT is(pg_temp.document('steps'), '0A000', 'the database does not know the document');
SELECT ok(pg_temp.is_clean('steps'), 'the log is clean');

-- A base far behind is refused before its operations are read.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('far')$$) \g /dev/null
INSERT INTO live.operation (session_id, version, user_id, client_id, operation) SELECT pg_temp.id_of('far'), n, 'anna', 'tab', '[]' FROM generate_series(1, 10001) n;
UPDATE live.collaboration_sessions SET head = 10001 WHERE room_name = 'far';
SELECT is(pg_temp.as_user('anna', format('SELECT live.submit_operations(%L, 0, ''[[[0,"x"]]]'', ''other'')', pg_temp.id_of('far'))), '54000', 'a base more than 10000 operations behind is refused');
SELECT is(pg_temp.as_user('anna', format('SELECT live.submit_operations(%L, 1, ''[[[0,"x"]]]'', ''other'') ->> ''head''', pg_temp.id_of('far'))), '10002', 'one that is less behind is not');

-- Between the operations that are kept and a later snapshot of a client, each version is.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('kept steps', 'cas')$$) \g /dev/null
SELECT pg_temp.as_user('anna', format('SELECT live.submit_operations(%L, 0, ''[1,2,3,4]'', ''tab'')', pg_temp.id_of('kept steps'))), pg_temp.as_user('anna', format('SELECT live.save_snapshot(%L, 4, ''\x00'')', pg_temp.id_of('kept steps'))) \g /dev/null
DELETE FROM live.operation WHERE session_id = pg_temp.id_of('kept steps') AND version <= 2;
SELECT is(pg_temp.as_user('anna', format('SELECT live.submit_operations(%L, %s, ''[5]'', ''other'') ->> ''status''', pg_temp.id_of('kept steps'), base)), answer, format('a submission upon version %s', base)) FROM (VALUES (1, '55000'), (2, 'stale'), (3, 'stale'), (4, 'accepted')) AS b (base, answer);

SELECT finish();
ROLLBACK;
