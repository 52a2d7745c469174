-- Sessions with the policy append, and snapshots that clients save: opaque updates, updates of Yjs, snapshots that lie.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit(who text, room text, operations text, base text DEFAULT '0', client text DEFAULT NULL, key text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user(who, format('SELECT live.submit_operations(%L, %s, %L, %L, %L)', pg_temp.id_of(room), base, operations, coalesce(client, who || '''s tab'), key)) $$;
CREATE FUNCTION pg_temp.updates(VARIADIC updates bytea[]) RETURNS text LANGUAGE sql AS
$$ SELECT jsonb_agg(jsonb_build_object('update', replace(encode(u, 'base64'), E'\n', '')) ORDER BY n) FROM unnest(updates) WITH ORDINALITY AS t (u, n) $$;
CREATE FUNCTION pg_temp.save(who text, room text, version text, snapshot bytea) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user(who, format('SELECT live.save_snapshot(%L, %s, %L)', pg_temp.id_of(room), version, snapshot)) $$;
CREATE FUNCTION pg_temp.is_clean(room text) RETURNS boolean LANGUAGE sql AS $$ SELECT (live.check_session(pg_temp.id_of(room)) ->> 'clean')::boolean $$;
CREATE FUNCTION pg_temp.ranges(room text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(format('%s%s:%s-%s', CASE WHEN is_deletion THEN '-' ELSE '' END, client, first, "end"), ' ' ORDER BY is_deletion, client, first) FROM live_private.yjs_range WHERE session_id = pg_temp.id_of(room) $$;

-- Opaque updates: any bytes, upon any version.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('opaque', 'append', is_public => true)$$), pg_temp.as_user('ben', $$SELECT live.join_session('opaque')$$) \g /dev/null
SELECT is(pg_temp.submit('anna', 'opaque', pg_temp.updates('\x00ff', '\x0000'), key => 'k'), '{"head": 2, "status": "accepted", "last_version": 2, "first_version": 1}', 'any bytes are accepted');
SELECT is(pg_temp.submit('ben', 'opaque', pg_temp.updates('\x00ff')), '{"head": 3, "status": "accepted", "last_version": 3, "first_version": 3}', 'upon any version');
SELECT is(pg_temp.submit('anna', 'opaque', pg_temp.updates('\x00ff', '\x0000'), key => 'k'), '{"head": 3, "status": "duplicate", "last_version": 2, "first_version": 1}', 'a repetition is known by its key');
SELECT is(pg_temp.submit('anna', 'opaque', pg_temp.updates('\x00'), base), '22023', 'there is no version ' || base) FROM unnest('{4,-1}'::text[]) AS base;
SELECT is(pg_temp.submit('anna', 'opaque', format('[{"update":"AAAA"},%s]', bad)), state, format('%s is %s', left(bad, 60), state)) FROM (VALUES
  ('5', '22023'), ('null', '22023'), ('[]', '22023'), ('"AAAA"', '22023'), ('["update"]', '22023'), ('{}', '22023'), ('{"update":null}', '22023'), ('{"update":5}', '22023'), ('{"update":["AAAA"]}', '22023'), ('{"update":"AAAA","more":1}', '22023'),
  ('{"update":""}', '22023'), ('{"update":"A"}', '22023'), ('{"update":"AAA"}', '22023'), ('{"update":"AA=A"}', '22023'), ('{"update":"===="}', '22023'), ('{"update":"AAA-"}', '22023'), ('{"update":"AA\nA"}', '22023'), ('{"update":"AAAA\n"}', '22023'), ('{"update":"äöüß"}', '22023'),
  (format('{"update":"%s"}', repeat('A', 300 * 1024)), '54000'), (format('{"update":"%s"}', repeat('A', 10 * 1024 * 1024)), '54000')) AS b (bad, state);
SELECT is((SELECT head FROM live.collaboration_sessions WHERE room_name = 'opaque'), 3::bigint, 'and nothing of the submission is appended');
SELECT is(pg_temp.as_user('ben', format('SELECT live.get_document(%L)', pg_temp.id_of('opaque'))), '0A000', 'the database does not know the document');

-- Yjs: what the log has already is left out, in whatever order it comes.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('note', 'append', is_public => true, metadata => '{"format":"yjs"}')$$), pg_temp.as_user('ben', $$SELECT live.join_session('note')$$) \g /dev/null
SELECT is(pg_temp.submit('anna', 'note', pg_temp.updates('\x0101ec070004010174016100', '\x0101ec070184ec07000378797a00')), '{"head": 2, "status": "accepted", "last_version": 2, "first_version": 1}', 'updates are accepted');
SELECT is(pg_temp.ranges('note'), '1004:0-4', 'and their ids noted as one range');
SELECT is(pg_temp.submit('ben', 'note', pg_temp.updates('\x0101ec070004010174016100', '\x0000', '\x010184d293ad030004010174016100', '\x0101ec070184ec07000378797a00')), '{"head": 3, "status": "accepted", "last_version": 3, "first_version": 3}', 'only what is new is appended');
SELECT is(pg_temp.submit('ben', 'note', pg_temp.updates('\x0101ec070004010174016100', '\x0000')), '{"head": 3, "status": "duplicate"}', 'and nothing where nothing is');
SELECT is(pg_temp.submit('anna', 'note', pg_temp.updates('\x0101ec07052801016d026b30017601016175027d017d0200')), '{"head": 4, "status": "accepted", "last_version": 4, "first_version": 4}', 'an update behind a gap is accepted');
SELECT is(pg_temp.ranges('note'), '1004:0-4 1004:5-6 900000004:0-1', 'and noted as such');
SELECT matches(pg_temp.submit('anna', 'note', pg_temp.updates('\x0101ec070444ec0700016100', '\x0001ec07010201', '\x010184d293ad03012801016d026b31017e00', '\x0001ec07010001')), 'accepted', 'what is in the gap closes it');
SELECT is(pg_temp.ranges('note'), '1004:0-6 900000004:0-2 -1004:0-1 -1004:2-3', 'deletions are noted too');
SELECT is(pg_temp.submit('ben', 'note', pg_temp.updates('\x0001ec070200010201'), key => 'again'), '{"head": 8, "status": "duplicate"}', 'a delete set that is sent again with each connection is left out');
SELECT matches(pg_temp.submit('ben', 'note', pg_temp.updates('\x0001ec07010003')), 'accepted', 'one that is not covered is appended');
SELECT is(pg_temp.ranges('note'), '1004:0-6 900000004:0-2 -1004:0-3', 'and joins the ranges it touches');
SELECT is(pg_temp.submit('anna', 'note', format('[{"update":"AQHsBwAEAQF0AWEA"},{"update":"%s"}]', encode(bad, 'base64'))), '22023', 'no update: ' || left(bad::text, 60)) FROM (VALUES
  ('\x00'::bytea), ('\x01'), ('\x0000ff'), ('\xffffffffffffff7f00'), ('\x0101ec070004010174ffffffffffffff0f'), ('\x0101ecffffffffffff0f0401017401610000'), ('\x00010101ffffffffffffff0fffffffffffffff0f'), ('\x0101ec070004010174016100ff')) AS b (bad);
SELECT is((SELECT head FROM live.collaboration_sessions WHERE room_name = 'note'), 9::bigint, 'the head is where it was');
SELECT ok(pg_temp.is_clean('note'), 'log and ids agree');
SELECT is((SELECT string_agg(DISTINCT user_id, ' ') FROM live.operation WHERE session_id = pg_temp.id_of('note')), 'anna ben', 'the log names the users');

-- Snapshots of Yjs are compared with the log up to their version.
CREATE TEMP TABLE snapshot AS SELECT live.yjs_merge(array_agg(decode(operation ->> 'update', 'base64') ORDER BY version)) AS whole,
  live.yjs_merge(array_agg(decode(operation ->> 'update', 'base64') ORDER BY version) FILTER (WHERE version <= 3)) AS third,
  live.yjs_merge(array_agg(decode(operation ->> 'update', 'base64') ORDER BY version) FILTER (WHERE version <> 5)) AS gap,
  live.yjs_merge(array_agg(decode(operation ->> 'update', 'base64') ORDER BY version) FILTER (WHERE version <> 7)) AS short FROM live.operation WHERE session_id = pg_temp.id_of('note');
CREATE FUNCTION pg_temp.lie(room text, version bigint, snapshot bytea) RETURNS text LANGUAGE sql AS $$ SELECT live_private.snapshot_fault(pg_temp.id_of(room), version, snapshot) $$;
SELECT is(pg_temp.lie('note', 9, lie), fault, fault) FROM snapshot, LATERAL (VALUES (gap, 'it has a gap'), (third, 'it lacks structs'), (short, 'it lacks structs'), ('\x0000', 'it lacks structs'),
  ('\x020284d293ad03000401017401612801016d026b31017e04ec070004010174016184ec07000378797a44ec070001612801016d026b30017601016175027d017d0200'::bytea, 'it lacks deletions')) AS l (lie, fault);
SELECT is(pg_temp.save('ben', 'note', version, lie), '22023', 'a snapshot that lies is refused') FROM snapshot, LATERAL (VALUES ('9', gap), ('9', third), ('9', short), ('9', '\x0000'), ('9', '\x'), ('9', '\x0101ec070004010174ffffffffffffff0f'), ('10', whole), ('0', whole), ('-1', whole)) AS l (version, lie);
SELECT is(pg_temp.save('ben', 'note', '3', third), '', 'an honest one is stored') FROM snapshot;
SELECT is(pg_temp.as_user('ben', $$SELECT (j -> 'snapshot_version') || (j -> 'operations' -> 0 -> 'version') || to_jsonb(jsonb_array_length(j -> 'operations')) FROM live.join_session('note') AS j$$), '[3, 4, 6]', 'who joins gets it, and the operations after it');
SELECT is(pg_temp.save('ben', 'note', '9', short), '22023', 'the next one is compared with the snapshot and the operations since') FROM snapshot;
SELECT is(pg_temp.save('anna', 'note', '9', whole), '', 'and stored') FROM snapshot;
SELECT is(decode(pg_temp.as_user('ben', $$SELECT live.join_session('note') ->> 'snapshot'$$), 'base64'), whole, 'it is what was saved') FROM snapshot;
SELECT is(pg_temp.save('ben', 'note', '8', '\x0000'), '', 'an older one changes nothing');
SELECT is((SELECT array_agg(version) FROM live.session_snapshot WHERE session_id = pg_temp.id_of('note')), '{9}', 'only the newest is kept');
SELECT ok(pg_temp.is_clean('note'), 'the log is clean');

-- Others are taken as they are.
SELECT is(pg_temp.save('ben', 'opaque', '2', '\xc0ffee'), '', 'the snapshot of opaque updates is taken as it is');
SELECT is(pg_temp.as_user('ben', $$SELECT live.join_session('opaque') - 'participants' - 'session_id' - 'cursors' - 'position' #- '{operations,0,user_id}' #- '{operations,0,client_id}'$$)::jsonb
  - 'is_public' - 'document', '{"head": 3, "role": "editor", "policy": "append", "snapshot": "wP/u", "room_name": "opaque", "operations": [{"version": 3, "operation": {"update": "AP8="}}], "is_read_only": false, "snapshot_version": 2}', 'and given to who joins');
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('steps', 'cas')$$), pg_temp.submit('anna', 'steps', '[1,2]') \g /dev/null
SELECT is(pg_temp.as_user('anna', $$SELECT jsonb_build_array(j -> 'snapshot', j -> 'snapshot_version', j -> 'operations' -> 1 -> 'operation') FROM live.join_session('steps') AS j$$), '[null, 0, 2]', 'without a snapshot, all operations are given');
SELECT is(pg_temp.save('anna', 'steps', '1', '{"doc":1}'), '', 'so is that of a cas session');
SELECT is(pg_temp.as_user('anna', $$SELECT convert_from(decode(j ->> 'snapshot', 'base64'), 'UTF8') || jsonb_array_length(j -> 'operations') FROM live.join_session('steps') AS j$$), '{"doc":1}1', 'and given with the operations after it');
INSERT INTO live.operation (session_id, version, user_id, client_id, operation) SELECT pg_temp.id_of('steps'), n, 'anna', 'c', '1' FROM generate_series(3, 1500) AS n;
SELECT is(pg_temp.as_user('anna', $$SELECT jsonb_array_length(live.join_session('steps') -> 'operations')$$), '1000', 'at most 1000');

-- Who may, and where.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('text', 'text', 'x', true)$$), pg_temp.as_user('anna', $$SELECT live.create_session('json', 'json')$$), pg_temp.as_user('vera', $$SELECT live.join_session('opaque')$$),
       pg_temp.as_user('anna', format('SELECT live.set_role(%L, ''vera'', ''viewer'')', pg_temp.id_of('opaque'))) \g /dev/null
SELECT is(pg_temp.save(who, room, version, snapshot), state, format('%s saves for %s: %s', coalesce(who, 'the anonymous'), room, state)) FROM (VALUES
  ('anna', 'text', '1', '\x00'::bytea, '0A000'), ('anna', 'json', '1', '\x00', '0A000'), ('vera', 'opaque', '3', '\x00', '42501'), ('dora', 'opaque', '3', '\x00', '42501'), (NULL, 'opaque', '3', '\x00', '42501'), ('dora', 'steps', '2', '\x00', 'P0002'), ('anna', 'opaque', '3', NULL, '22004'),
  ('anna', 'opaque', 'NULL', '\x00', '22004'), ('anna', 'opaque', '4', '\x00', '22023')) AS s (who, room, version, snapshot, state);
SET LOCAL pg_live.max_document_size = '1kB';
SELECT is(pg_temp.save('anna', 'opaque', '3', decode(repeat('00', 1025), 'hex')), '54000', 'a snapshot has a size');
RESET pg_live.max_document_size;
SELECT pg_temp.as_user('anna', format('SELECT live.set_read_only(%L, true)', pg_temp.id_of('opaque'))) \g /dev/null
SELECT is(pg_temp.save('anna', 'opaque', '3', '\x00'), '55000', 'a session that is read only takes none');
SELECT is(pg_temp.as_user('dora', 'SELECT count(*) FROM live.session_snapshot'), '0', 'a stranger reads no snapshot');
SELECT is(pg_temp.as_user('ben', statement), '42501', statement) FROM unnest(array['SELECT * FROM live_private.yjs_range', $$SELECT live_private.note_update(gen_random_uuid(), '\x0000')$$, $$SELECT live_private.session_log_state(s) FROM live.collaboration_sessions s$$]) AS statement;
SELECT throws_ok($$INSERT INTO live.session_snapshot (session_id, version) SELECT pg_temp.id_of('note'), 1$$, '23514', NULL, 'a snapshot has a document or bytes');

-- A fault is found.
SELECT lives_ok($$UPDATE live_private.yjs_range SET "end" = "end" - 1 WHERE is_deletion$$, 'a range is changed by hand');
SELECT ok(NOT pg_temp.is_clean('note'), 'and the check finds it');

-- Many ranges at once, and after that few are read.
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('many', 'append', metadata => '{"format":"yjs"}')$$) \g /dev/null
CREATE FUNCTION pg_temp.number(value integer) RETURNS text LANGUAGE sql AS
$$ SELECT CASE WHEN value < 128 THEN lpad(to_hex(value), 2, '0') ELSE lpad(to_hex(128 + value % 128), 2, '0') || CASE WHEN value < 16384 THEN lpad(to_hex(value / 128), 2, '0') ELSE lpad(to_hex(128 + value / 128 % 128), 2, '0') || lpad(to_hex(value / 16384), 2, '0') END END $$;
SELECT matches(pg_temp.submit('anna', 'many', pg_temp.updates(decode('000107' || pg_temp.number(20000) || (SELECT string_agg(pg_temp.number(2 * n) || '01', '' ORDER BY n) FROM generate_series(1, 20000) AS n), 'hex'))), 'accepted', '20000 deletions that do not touch');
SELECT is((SELECT count(*) FROM live_private.yjs_range WHERE session_id = pg_temp.id_of('many')), 20000::bigint, 'are as many ranges');
SELECT matches(pg_temp.submit('anna', 'many', pg_temp.updates(decode('00010701' || '02' || pg_temp.number(40000), 'hex'))), 'accepted', 'one that covers all');
SELECT is(pg_temp.ranges('many'), '-7:2-40002', 'is one range');

SELECT finish();
ROLLBACK;
