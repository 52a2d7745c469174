-- Gathered edits: several of a bridge in one transaction, each as its user.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit_each(edits jsonb, skip_locked boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT string_agg(coalesce(e.code, e.answer ->> 'status'), ' ' ORDER BY e.place)
          FROM live_private.submit_each(array(SELECT (e ->> 'session_id')::uuid FROM jsonb_array_elements(edits) AS e),
                                        array(SELECT coalesce(e ->> 'text', e::text) FROM jsonb_array_elements(edits) AS e), skip_locked) WITH ORDINALITY AS e (answer, code, message, hint, place));
END $$;
CREATE FUNCTION pg_temp.edit(user_id text, role text, operations jsonb, client_id text DEFAULT 'tab') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('session_id', pg_temp.id_of('gathered'), 'claims', jsonb_build_object('sub', user_id)::text, 'role', role, 'base_version', 0, 'operations', operations, 'client_id', client_id) $$;
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('gathered')$$) \g /dev/null
SELECT is(pg_temp.submit_each(jsonb_build_array(
    pg_temp.edit('anna', 'authenticated', '[[[0,"a"]]]'), pg_temp.edit('stranger', 'authenticated', '[[[0,"s"]]]', 's'), pg_temp.edit('anna', 'authenticated', '[[3]]', 'b'), pg_temp.edit('anna', 'authenticated', '[[[0,"c"]]]', 'c'))),
  'accepted P0002 22023 accepted', 'each edit has its answer, and one that fails fails alone');
SELECT is(live_private.document_text(pg_temp.id_of('gathered')), 'ac', 'the accepted ones are in the document');
CREATE ROLE nobody_special;
SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'nobody_special', '[[[0,"x"]]]', 'n'), pg_temp.edit('anna', 'no such role', '[[[0,"x"]]]', 'n'))), '42501 42704', 'a role without the right to submit submits nothing');
SELECT is(current_setting('request.jwt.claims', true), '', 'the claims are not left behind');
SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'authenticated', '[[[0,"x"]]]', 'n') || '{"base_version": "x"}', pg_temp.edit('anna', 'authenticated', '[[[0,"x"]]]', 'n') || '{"base_version": 0.5}',
    pg_temp.edit('anna', 'authenticated', '[[[0,"x"]]]', 'n') || '{"base_version": {}}', pg_temp.edit('anna', 'authenticated', '[[[0,"h"]]]', 'h'))), '22P02 22P02 22P02 accepted', 'one whose version is none fails alone, too');

SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'authenticated', NULL) || '{"text": "{\"operations\": [\"\\u0000\"]}"}', pg_temp.edit('anna', 'authenticated', NULL) || '{"text": "[1e999999]"}', pg_temp.edit('anna', 'authenticated', NULL) || '{"text": "{"}',
    pg_temp.edit('anna', 'authenticated', '[[[0,"i"]]]', 'i'))), '22P05 22003 22P02 accepted', 'one that jsonb cannot hold fails alone, too');

SELECT pg_temp.as_user('anna', $$SELECT live.create_session('second')$$) \g /dev/null
SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'authenticated', '[[[0,"d"]]]', 'd'), pg_temp.edit('anna', 'authenticated', '[[[0,"e"]]]', 'e') || jsonb_build_object('session_id', pg_temp.id_of('second')),
    pg_temp.edit('anna', 'authenticated', '[[[0,"f"]]]', 'f') || '{"session_id": "00000000-0000-4000-8000-000000000001"}'), true),
  'accepted accepted 55P03', 'a call takes edits of several sessions, and leaves out those of sessions it did not get');
SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'authenticated', '[[[0,"g"]]]', 'g') - 'session_id')), '22004', 'an edit without a session is refused');

SELECT * FROM finish();
ROLLBACK;
