-- The history of sessions: who wrote what, who wrote which part, and the way back to an earlier version.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.id_of(room text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM live.collaboration_sessions WHERE room_name = room $$;
CREATE FUNCTION pg_temp.call(who text, statement text, room text DEFAULT 'note') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.as_user(who, replace(statement, '$1', quote_literal(pg_temp.id_of(room)))) $$;
CREATE FUNCTION pg_temp.submit(who text, base text, operations text, room text DEFAULT 'note') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.call(who, format('SELECT live.submit_operations($1, %s, %L, %L)', base, operations, who || '''s tab'), room) $$;
CREATE FUNCTION pg_temp.blame(who text, version text DEFAULT 'NULL', room text DEFAULT 'note') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.call(who, format('SELECT string_agg(concat_ws('' '', from_position || ''-'' || to_position, version, user_id, quote_literal(text)), '', '') FROM live.get_blame($1, %s)', version), room) $$;
CREATE FUNCTION pg_temp.restore(who text, version text, room text DEFAULT 'note') RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.call(who, format('SELECT live.restore_document($1, %s)', version), room) $$;

SELECT pg_temp.as_user('anna', $$SELECT live.create_session('note', initial_document => 'one two', is_public => true)$$) \g /dev/null
SELECT pg_temp.as_user(who, $$SELECT live.join_session('note')$$) FROM unnest('{ben,vera}'::text[]) AS who \g /dev/null
SELECT pg_temp.call('anna', $$SELECT live.set_role($1, 'vera', 'viewer')$$) \g /dev/null
SELECT pg_temp.submit('ben', '0', '[[4,[0,"👍👍"],3],[4,[2,"x"],5]]') \g /dev/null
SELECT pg_temp.submit('anna', '2', '[[[0,"A"],10]]') \g /dev/null

-- Who wrote what.
SELECT is(pg_temp.call('vera', $$SELECT string_agg(concat_ws(' ', version, user_id, size, created_at = now()), ', ') FROM live.get_history($1)$$),
  '1 ben 23 t, 2 ben 16 t, 3 anna 14 t', 'the history has user, time and size of each operation');
SELECT is(pg_temp.call('vera', $$SELECT sum(size) = sum(octet_length(operation::text)) FROM live.get_history($1) JOIN live.get_operations($1) USING (version)$$), 'true', 'the size is that of the operation as text');
SELECT is(pg_temp.call('vera', $$SELECT string_agg(version::text, ' ') FROM live.get_history($1, 1, 1)$$), '2', 'it is read in parts');
SELECT is(pg_temp.call(who, 'SELECT count(*) FROM live.get_history($1)'), '0', coalesce(who, 'the anonymous') || ' reads no history') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.call('anna', format('SELECT count(*) FROM live.get_history($1, 0, %s)', bad)), '22023', 'max_operations of ' || bad) FROM unnest('{0,10001,"NULL"}'::text[]) AS bad;

-- Who wrote which part.
SELECT is(pg_temp.blame('vera'), $$0-1 3 anna 'A', 1-5 0 anna 'one ', 5-6 2 ben 'x', 6-8 1 ben '👍', 8-11 0 anna 'two'$$, 'the parts, in UTF-16 units, cover the document');
SELECT is(pg_temp.blame('vera', '0'), $$0-7 0 anna 'one two'$$, 'the initial document is of who created the session');
SELECT is(pg_temp.blame('vera', '1'), $$0-4 0 anna 'one ', 4-8 1 ben '👍👍', 8-11 0 anna 'two'$$, 'and so it was at a version');
SELECT is(pg_temp.call('vera', $$SELECT string_agg(text, '') = live.get_document($1) FROM live.get_blame($1)$$), 'true', 'their texts are the document');
SELECT is(pg_temp.blame(who), 'P0002', coalesce(who, 'the anonymous') || ' sees no parts') FROM (VALUES ('dora'), (NULL)) AS w (who);
SELECT is(pg_temp.blame('vera', bad), '22023', 'there is no version ' || bad) FROM unnest('{-1,4}'::text[]) AS bad;

-- The way back.
SELECT is(pg_temp.restore(who, '0'), state, format('%s restores: %s', coalesce(who, 'the anonymous'), state)) FROM (VALUES ('vera', '42501'), ('dora', '42501'), (NULL, '42501')) AS w (who, state);
SELECT is(pg_temp.restore('ben', bad), state, format('restore version %s: %s', bad, state)) FROM (VALUES ('-1', '22023'), ('4', '22023'), ('NULL', '22004')) AS b (bad, state);
SELECT is(pg_temp.call('ben', 'SELECT live.restore_document(NULL, 0)'), '22004', 'no session');
SELECT is(pg_temp.restore('ben', '3'), '{"head": 3, "status": "duplicate"}', 'what is the same is not written again');
SELECT is(pg_temp.restore('ben', '1'), '{"head": 4, "status": "accepted", "last_version": 4, "first_version": 4}', 'an editor restores a version');
SELECT is(pg_temp.call('ben', 'SELECT live.get_document($1)'), 'one 👍👍two', 'as a new one');
SELECT is(pg_temp.call('ben', 'SELECT operation FROM live.get_operations($1, 3)'), '[[6, "one 👍"], 5]', 'which keeps what both have in common and divides no character');
SELECT is(pg_temp.call('ben', 'SELECT count(DISTINCT client_id) || '' '' || bool_and(client_id <> ''ben''''s tab'') FROM live.get_operations($1, 3)'), '1 true', 'and is of no client that could take it for its own');
SELECT is(pg_temp.submit('anna', '3', '[[11,[0,"!"]]]'), '{"head": 5, "status": "accepted", "last_version": 5, "first_version": 5}', 'what was written meanwhile goes behind it');
SELECT is(pg_temp.call('ben', 'SELECT live.get_document($1)'), 'one 👍👍two!', 'and stays');
SELECT is(pg_temp.restore('ben', '0'), '{"head": 6, "status": "accepted", "last_version": 6, "first_version": 6}', 'the initial document is restored');
SELECT is(pg_temp.call('ben', 'SELECT live.get_document($1)'), 'one two', 'whole');
SELECT is((SELECT count(*) FROM live.event WHERE topic = 'session:' || pg_temp.id_of('note') AND event = 'collab:edit'), 6::bigint, 'and all are told');
SELECT ok((live.check_session(pg_temp.id_of('note')) ->> 'clean')::boolean, 'log and document agree');
SELECT pg_temp.call('anna', 'SELECT live.set_read_only($1, true)') \g /dev/null
SELECT is(pg_temp.restore('anna', '1'), '55000', 'a session that is read only is not restored');

SELECT pg_temp.as_user('anna', $$SELECT live.create_session('steps', 'cas')$$) \g /dev/null
SELECT pg_temp.submit('anna', '0', '[1,2]', 'steps') \g /dev/null
SELECT is(pg_temp.restore('anna', '1', 'steps'), '0A000', 'nor one without a document');
SELECT is(pg_temp.blame('anna', 'NULL', 'steps'), '0A000', 'whose parts are not known');
SELECT is(pg_temp.call('anna', 'SELECT string_agg(version || '' '' || size, '', '') FROM live.get_history($1)', 'steps'), '1 1, 2 1', 'but whose history is');

SELECT finish();
ROLLBACK;
