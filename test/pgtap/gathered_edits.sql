-- Gathered edits: several of a bridge in one transaction, each as its user.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.submit_each(edits jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT string_agg(coalesce(e.code, e.answer ->> 'status'), ' ' ORDER BY e.place)
          FROM live_private.submit_each(pg_temp.id_of('gathered'), edits) WITH ORDINALITY AS e (answer, code, message, hint, place));
END $$;
CREATE FUNCTION pg_temp.edit(user_id text, role text, operations jsonb, client_id text DEFAULT 'tab') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('claims', jsonb_build_object('sub', user_id)::text, 'role', role, 'base_version', 0, 'operations', operations, 'client_id', client_id) $$;
SELECT pg_temp.as_user('anna', $$SELECT live.create_session('gathered')$$) \g /dev/null
SELECT is(pg_temp.submit_each(jsonb_build_array(
    pg_temp.edit('anna', 'authenticated', '[[[0,"a"]]]'), pg_temp.edit('stranger', 'authenticated', '[[[0,"s"]]]', 's'), pg_temp.edit('anna', 'authenticated', '[[3]]', 'b'), pg_temp.edit('anna', 'authenticated', '[[[0,"c"]]]', 'c'))),
  'accepted P0002 22023 accepted', 'each edit has its answer, and one that fails fails alone');
SELECT is(live_private.document_text(pg_temp.id_of('gathered')), 'ac', 'the accepted ones are in the document');
CREATE ROLE nobody_special;
SELECT is(pg_temp.submit_each(jsonb_build_array(pg_temp.edit('anna', 'nobody_special', '[[[0,"x"]]]', 'n'), pg_temp.edit('anna', 'no such role', '[[[0,"x"]]]', 'n'))), '42501 42704', 'a role without the right to submit submits nothing');
SELECT is(current_setting('request.jwt.claims', true), '', 'the claims are not left behind');
SELECT throws_ok($$SELECT pg_temp.submit_each('[{"claims": "{}", "role": "anon", "base_version": "x"}]')$$, '22P02', NULL, 'edits that are none fail the call');

SELECT * FROM finish();
ROLLBACK;
