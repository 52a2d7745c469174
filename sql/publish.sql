-- Publishing: what live.publish() turns into batches, and where it refuses to run. A worker may have stored a batch
-- before us, so the tests ask what was published, not by whom.
\set SHOW_CONTEXT never
\pset null NULL

-- Nothing new: the newest batch stays, and is what publish() returns (NULL when there never was one).
SELECT coalesce(live.publish(), 0) AS start \gset
SELECT coalesce(live.publish(), 0) = :start AS same, live_private.newest_batch() = :start AS newest;

-- What committed is in a newer batch, whose id is the clock's microseconds.
SELECT live.emit('publish', 'first', '1') AS id \gset
SELECT live.publish() AS batch \gset
SELECT :batch > :start AS newer, live_private.newest_batch() = :batch AS newest,
       to_timestamp(:batch / 1000000.0) BETWEEN now() - interval '1 minute' AND clock_timestamp() AS by_the_clock;
SELECT b.xids = array(SELECT e.xid FROM live.event e WHERE e.id = :id) AS only_that_transaction FROM live_private.batch b WHERE b.id = :batch;
SELECT live.publish() = :batch AS nothing_new;

-- A transaction that emitted nothing makes no batch.
CREATE TABLE other (number integer);
INSERT INTO other VALUES (1);
SELECT live.publish() = :batch AS nothing_new;
DROP TABLE other;

-- Rolled back: no event, no batch.
BEGIN;
SELECT live.emit('publish', 'undone', '2') IS NOT NULL AS emitted;
ROLLBACK;
SELECT live.publish() = :batch AS nothing_new;
BEGIN;
SAVEPOINT one;
SELECT live.emit('publish', 'undone', '3') IS NOT NULL AS emitted;
ROLLBACK TO one;
COMMIT;
SELECT live.publish() = :batch AS nothing_new;

-- Signals make batches too.
SELECT live.emit('publish', 'signal', '4', false) IS NOT NULL AS emitted;
SELECT live.publish() > :batch AS newer;

-- Each is published once, in order.
SELECT event, payload, durable FROM live.fetch_events(:start) WHERE topic = 'publish';
SELECT count(*) AS batches, count(DISTINCT xid) AS transactions, count(*) = count(DISTINCT xid) AS each_once
FROM live_private.batch b, unnest(b.xids) AS xid WHERE b.id > :start;

-- Inside a transaction that has written, it would see itself as ended.
BEGIN;
SELECT live.emit('publish', 'too early', '5') IS NOT NULL AS emitted;
SELECT live.publish();
ROLLBACK;
BEGIN;
SAVEPOINT one;
CREATE TABLE other (number integer);
ROLLBACK TO one;
SELECT live.publish();
ROLLBACK;

-- A lost batch would repeat its durable events: its commit is flushed, whatever the session is set to.
SET synchronous_commit = off;
BEGIN;
SELECT live.publish() IS NOT NULL AS published;
SHOW synchronous_commit;
ROLLBACK;
RESET synchronous_commit;

-- An old snapshot would publish the past again.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT live.publish();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT live.publish();
ROLLBACK;
BEGIN READ ONLY;
SELECT live.publish();
ROLLBACK;

-- In a transaction that only read, it may run; its own commit counts.
BEGIN;
SELECT count(*) FROM live_private.batch WHERE id < 0;
SELECT live.publish() = live_private.newest_batch() AS published;
ROLLBACK;

-- The ids go on rising when the clock is behind the newest batch.
SELECT live.publish() AS before \gset
INSERT INTO live_private.batch SELECT id + 3600000000, snapshot, '{}' FROM live_private.batch WHERE id = :before;
SELECT live.emit('publish', 'behind', '6') IS NOT NULL AS emitted;
SELECT live.publish() > :before + 3600000000 AS still_rising;
SELECT event, batch > :before + 3600000000 AS later FROM live.fetch_events(:before) WHERE topic = 'publish';

-- A snapshot from the future (another cluster's) does not end publishing for ever: a new batch starts anew.
SELECT live.publish() AS before \gset
UPDATE live_private.batch SET snapshot = '4000000000:4000000000:' WHERE id = :before;
SELECT live.publish() > :before AS started_anew;
SELECT live.emit('publish', 'after the restart', '7') IS NOT NULL AS emitted;
SELECT live.publish() > :before AS published;
SELECT event FROM live.fetch_events(:before) WHERE topic = 'publish';
SELECT count(*) AS from_the_future FROM live_private.batch
WHERE id > :before AND pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot());

-- Retention may have taken every batch.
SELECT live.publish() IS NOT NULL AS published;
DELETE FROM live_private.batch;
SELECT live_private.newest_batch();
SELECT live.emit('publish', 'again', '8') IS NOT NULL AS emitted;
SELECT live.publish() > 0 AS published;
