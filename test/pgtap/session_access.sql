-- Who may do what in a session: every table and function of collaboration, for each kind of user. 'ok': without an error;
-- a number: so many rows; else the code of the error. Each attempt is undone.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room ORDER BY created_at DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.outcome(user_id text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  BEGIN
    answer := pg_temp.as_user(user_id, statement);
    RAISE EXCEPTION 'undone' USING ERRCODE = 'P9999';
  EXCEPTION WHEN SQLSTATE 'P9999' THEN
    RETURN CASE WHEN answer ~ '^[0-9A-Z]{5}$' OR answer ~ '^\d+$' THEN answer ELSE 'ok' END;
  END;
END $$;

SELECT pg_temp.as_user('owner', $$SELECT live.create_session('room', initial_document => 'text', is_public => true)$$), pg_temp.as_user('other', $$SELECT live.create_session('elsewhere')$$) \g /dev/null
SELECT pg_temp.as_user(who, $$SELECT live.join_session('room')$$) FROM unnest('{editor,viewer,removed}'::text[]) AS who \g /dev/null
SELECT pg_temp.as_user('owner', format('SELECT live.set_role(%L, ''viewer'', ''viewer'')', pg_temp.id_of('room'))),
       pg_temp.as_user('owner', format('SELECT live.remove_participant(%L, ''removed'')', pg_temp.id_of('room'))),
       pg_temp.as_user('editor', format('SELECT live.submit_operations(%L, 0, ''[[4,[0,"!"]]]'', ''tab'')', pg_temp.id_of('room'))) \g /dev/null
UPDATE live.collaboration_sessions SET is_public = false WHERE room_name = 'room';

-- What is granted to nobody is the same for all; RLS decides about the rest.
CREATE TEMP TABLE attempt (statement text, owner text, editor text, viewer text, outsider text, removed text, other text, anonymous text);
INSERT INTO attempt VALUES
  ('SELECT count(*) FROM live.collaboration_sessions WHERE id = $1', '1', '1', '1', '0', '0', '0', '0'),
  ('SELECT count(*) FROM live.session_participants WHERE session_id = $1', '3', '3', '3', '0', '0', '0', '0'),
  ('SELECT count(*) FROM live.operation WHERE session_id = $1', '1', '1', '1', '0', '0', '0', '0'),
  ('SELECT count(*) FROM live.session_snapshot WHERE session_id = $1', '1', '1', '1', '0', '0', '0', '0'),
  ('UPDATE live.collaboration_sessions SET is_read_only = true WHERE id = $1', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('DELETE FROM live.operation WHERE session_id = $1', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('INSERT INTO live.operation VALUES ($1, 2, ''owner'', ''tab'', ''[]'')', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('INSERT INTO live.session_participants VALUES ($1, ''outsider'', ''owner'')', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('UPDATE live.session_participants SET role = ''owner'' WHERE session_id = $1', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('UPDATE live.session_snapshot SET document = ''x'' WHERE session_id = $1', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT count(*) FROM live_private.document_piece', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT count(*) FROM live_private.submission', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT count(*) FROM live_private.session_connection', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT count(*) FROM live.get_sessions(mine => false) WHERE session_id = $1', '1', '1', '1', '0', '0', '0', '42501'),
  ('SELECT count(*) FROM live.get_operations($1)', '1', '1', '1', '0', '0', '0', '0'),
  ('SELECT count(*) FROM live.get_history($1)', '1', '1', '1', '0', '0', '0', '0'),
  ('SELECT live.get_session($1)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.get_document($1)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', 'P0002'),
  ('SELECT live.get_document($1, 0)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', 'P0002'),
  ('SELECT count(*) > 0 FROM live.get_blame($1)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', 'P0002'),
  ('SELECT live.join_session(session_id => $1)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.join_session(''room'')', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live_private.joined_session(NULL, $1, false, NULL)', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.submit_operations($1, 1, ''[[5,[0,"?"]]]'', ''other tab'')', 'ok', 'ok', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.submit_operations($1, 1, ''[[5,[0,"?"]]]'', ''tab'')', '42501', 'ok', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.restore_document($1, 0)', 'ok', 'ok', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.save_snapshot($1, 1, ''\x00'')', '0A000', '0A000', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.move_cursor($1, ''{}'')', 'ok', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.leave_session($1)', '55000', 'ok', 'ok', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.set_role($1, ''viewer'', ''owner'')', 'ok', '42501', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.remove_participant($1, ''viewer'')', 'ok', '42501', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.set_read_only($1, true)', 'ok', '42501', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT live.end_session($1)', 'ok', '42501', '42501', 'P0002', 'P0002', 'P0002', '42501'),
  ('SELECT count(*) FROM live.replay(''session:'' || $1)', '0', '0', '0', '42501', '42501', '42501', '42501'),
  ('SELECT can_receive::integer FROM live.topic_access(''session:'' || $1)', '1', '1', '1', '0', '0', '0', '0'),
  ('SELECT can_send::integer FROM live.topic_access(''session:'' || $1)', '0', '0', '0', '0', '0', '0', '0'),
  ('SELECT live.send(''session:'' || $1, ''collab:edit'', ''{}'')', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live.check_session($1)', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.move_cursors($1, ''[]'')', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.enter_sessions(ARRAY[$1], ARRAY[$1])', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.exit_sessions(ARRAY[$1], ARRAY[$1])', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.submit_each(''{}'', ''{}'', true)', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.session_state($1, ''owner'')', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.document_text($1)', '42501', '42501', '42501', '42501', '42501', '42501', '42501'),
  ('SELECT live_private.document_at($1, 1)', '42501', '42501', '42501', '42501', '42501', '42501', '42501');
SELECT is(pg_temp.outcome(nullif(each.who, 'anonymous'), replace(a.statement, '$1', quote_literal(pg_temp.id_of('room')) || '::uuid')), each.expected, each.who || ': ' || a.statement)
FROM attempt a, LATERAL (VALUES ('owner', a.owner), ('editor', a.editor), ('viewer', a.viewer), ('outsider', a.outsider), ('removed', a.removed), ('other', a.other), ('anonymous', a.anonymous)) AS each (who, expected);

-- Every function and every table of collaboration is tried above.
SELECT is_empty($$
  SELECT p.proname FROM pg_proc p
  WHERE p.pronamespace = 'live'::regnamespace AND pg_get_function_arguments(p.oid) ~ '^session_id uuid' AND p.proname NOT IN ('is_participant', 'session_json')
    AND NOT EXISTS (SELECT FROM attempt a WHERE a.statement ~ ('live\.' || p.proname || '\('))$$, 'no function is left out');
SELECT is_empty($$
  SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'session_id'
  WHERE c.relnamespace = 'live'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname NOT LIKE 'activity%'
    AND NOT EXISTS (SELECT FROM attempt t WHERE t.statement ~ ('FROM live\.' || c.relname))$$, 'and no table');

SELECT * FROM finish();
ROLLBACK;
