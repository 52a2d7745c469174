-- Documents of sessions at earlier versions.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.document(room text, version bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS
$$ SELECT live_private.document_at(id, version) FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit(room text, base_version bigint, operations jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_temp.as_user('anna', format('SELECT live.submit_operations(%L, %s, %L, %L)', (SELECT id FROM live.collaboration_sessions WHERE room_name = room), base_version, operations, 'tab'));
END $$;
-- Each writes 200,000 characters in place of those before, so the log is larger than the parts of 4 MB in which it is read.
SELECT pg_temp.as_user('anna', format('SELECT live.create_session(%L, %L)', policy, policy)) FROM unnest('{text,json}'::text[]) AS policy \g /dev/null
SELECT pg_temp.submit('text', n, jsonb_build_array(jsonb_build_array(jsonb_build_array(CASE n WHEN 0 THEN 0 ELSE 200000 END, repeat(chr(97 + n % 26), 200000)))))
FROM generate_series(0, 29) n \g /dev/null
SELECT pg_temp.submit('json', n, jsonb_build_array(jsonb_build_object('path', jsonb_build_array('a' || n % 2), 'value', repeat(chr(97 + n % 26), 200000))))
FROM generate_series(0, 29) n \g /dev/null
SELECT ok(sum(o.size) > 4 << 20 AND NOT EXISTS (SELECT FROM live.session_snapshot n WHERE n.session_id = s.id AND n.version > 0), s.policy || ': the log is larger than one part, and no snapshot is in it')
FROM live.collaboration_sessions s JOIN live.operation o ON o.session_id = s.id GROUP BY s.id;
SELECT ok(pg_temp.document('text', n) = repeat(chr(97 + (n - 1) % 26), 200000), format('the text at version %s is what was written last before it', n)) FROM unnest('{20,21,30}'::int[]) AS n;
SELECT ok(pg_temp.document('json', 30)::jsonb = jsonb_build_object('a0', repeat(chr(97 + 28 % 26), 200000), 'a1', repeat(chr(97 + 29 % 26), 200000)), 'a json document has what was set last in either part');
SELECT is(pg_temp.document('text', 0), '', 'a text begins empty');
SELECT is(pg_temp.document('json', 0), '{}', 'and a json document as an empty object');
SELECT is((SELECT live.check_session(id) ->> 'clean' FROM live.collaboration_sessions WHERE room_name = 'text'), 'true', 'checking the session agrees');

SELECT finish();
ROLLBACK;
