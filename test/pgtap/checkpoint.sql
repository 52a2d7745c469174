-- Snapshots that the database stores: a document that cannot be stored holds up no other.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

SELECT pg_temp.as_user('anna', format($$SELECT live.create_session('board %s', 'json', '{"a": 1}')$$, n)) FROM generate_series(1, 3) n \g /dev/null
SELECT live_private.store_checkpoints(100) \g /dev/null
UPDATE live.collaboration_sessions SET head = 1;
SELECT live_private.request_checkpoint(s) FROM live.collaboration_sessions s \g /dev/null
-- The first in their order cannot be stored.
CREATE TEMP TABLE broken AS SELECT id FROM live.collaboration_sessions ORDER BY id LIMIT 1;
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF new.session_id IN (TABLE broken) THEN RAISE 'too large' USING ERRCODE = '54000'; END IF; RETURN new; END $$;
CREATE TRIGGER fail BEFORE INSERT ON live.session_snapshot FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SELECT is(live_private.store_checkpoints(1), 1, 'the first one is tried');
SELECT is((SELECT count(*) FROM live_private.checkpoint_request), 3::bigint, 'and fails');
SELECT is(live_private.store_checkpoints(1) + live_private.store_checkpoints(1), 2, 'then the others are stored');
SELECT is((SELECT count(*) FROM live.session_snapshot s WHERE s.version = 1 AND s.session_id NOT IN (TABLE broken)), 2::bigint, 'with their documents');
SELECT is(live_private.store_checkpoints(100), 0, 'and nothing is due, so the refresher rests');
SELECT results_eq('SELECT session_id FROM live_private.checkpoint_request', 'TABLE broken', 'though the first is still to be stored');
DROP TRIGGER fail ON live.session_snapshot;
UPDATE live_private.checkpoint_request SET due_at = due_at - '1 hour'::interval;
SELECT is(live_private.store_checkpoints(100), 1, 'after an hour it is tried again');
SELECT is((SELECT document FROM live.session_snapshot JOIN broken ON session_id = id WHERE version = 1), '{"a": 1}', 'and stored if it can be');
SELECT is_empty('TABLE live_private.checkpoint_request', 'nothing is left');

SELECT finish();
ROLLBACK;
