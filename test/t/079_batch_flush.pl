# A batch is made known before it is on disk, and handed out when it is: a crash takes no batch away of which a client
# may know. Flushes take their time here, so that there is something to see between the two.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $events = 10;
# Nothing else is logged during the test: neither snapshots for standbys nor the aging of pages.
my $node = new_cluster('batch_flush', fsync => 'on', wal_sync_method => 'fdatasync', wal_level => 'minimal', max_wal_senders => 0,
	wal_writer_delay => '10s', full_page_writes => 'off');
{
	local $ENV{LD_PRELOAD} = "$ENV{TESTDIR}/slow_flush.so";
	local $ENV{FLUSH_MICROSECONDS} = 100_000;
	$node->start;
}
$node->safe_psql('postgres', 'CREATE EXTENSION pg_live');
poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'the worker runs');
$node->safe_psql('postgres', q{
	SELECT live.emit('activity', 'first', '{}')});
poll_ok($node, "SELECT EXISTS (SELECT FROM live.fetch_events(0) WHERE event = 'first')", 'it publishes');

# A reader that looks for the next batch all the time, tells how far the log is on disk when it sees one, and reads it
# by each way.
my $reader = $node->background_psql('postgres', on_error_stop => 1);
$reader->query_safe('CREATE TEMP TABLE seen (way text, stored pg_lsn, flushed_before pg_lsn, flushed_after pg_lsn, found boolean)');
$reader->query_until(qr/begins/, qq{\\echo begins
DO \$\$
DECLARE
	known bigint := live_private.newest_batch();
	newest bigint;
	ways text[] := '{fetch_events,newest_batch,replay}';
	way text;
	flushed pg_lsn;
	stored pg_lsn;
	found boolean;
BEGIN
	FOR event IN 1 .. $events LOOP
		LOOP
			newest := (SELECT b.id FROM live_private.batch b WHERE b.id > known LIMIT 1);
			EXIT WHEN newest IS NOT NULL;
		END LOOP;
		stored := pg_current_wal_insert_lsn();
		flushed := pg_current_wal_flush_lsn();
		way := ways[1 + event % 3];
		found := CASE way
			WHEN 'fetch_events' THEN (SELECT count(*) = 1 FROM live.fetch_events(known))
			WHEN 'newest_batch' THEN live_private.newest_batch() = newest
			ELSE EXISTS (SELECT FROM live.replay('activity', known || '-0'))
		END;
		INSERT INTO seen VALUES (way, stored, flushed, pg_current_wal_flush_lsn(), found);
		known := newest;
	END LOOP;
END \$\$;
\\echo has read
});
$node->safe_psql('postgres', "DO \$\$ BEGIN FOR event IN 1 .. $events LOOP PERFORM live.emit('activity', 'next', '{}'); COMMIT; PERFORM pg_sleep(0.3); END LOOP; END \$\$");
$reader->query_until(qr/has read/, "\n");
is($reader->query_safe('SELECT count(*), count(DISTINCT way), bool_and(found) FROM seen'), "$events|3|t", 'each batch was read');
cmp_ok($reader->query_safe('SELECT count(*) FROM seen WHERE flushed_before < stored'), '>', 0, 'batches are seen before they are on disk');
is($reader->query_safe('SELECT count(*) FROM seen WHERE flushed_after < stored'), '0', 'and handed out when they are');
$reader->quit;

# A worker that is ended between the two flushes what it has shown.
my $known = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');
$node->safe_psql('postgres', q{SELECT live.emit('activity', 'last', '{}')});
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . worker_pid($node) . ', 60000)');
poll_ok($node, "SELECT EXISTS (SELECT FROM live.fetch_events($known) WHERE event = 'last')", 'a batch of a worker that was ended is handed out');
done_testing();
