# Expired events go in bulk, without a stalled writer, and the files go with them; workers that have nothing to do write
# nothing.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('retention', 'pg_live.batch_events' => 100_000, 'pg_live.event_retention' => '2s', 'pg_live.signal_retention' => '1s',
	'pg_live.refresh_interval' => '100ms');
my $emit_many = q{
	SELECT count(live.emit('activity', 'many', '{"text": "something to fill a page"}', n % 2 = 0))
	FROM generate_series(1, 20000) n};
my $bytes = q{
	SELECT sum(pg_relation_size(c.oid)) FROM pg_class c
	WHERE c.relkind = 'r' AND c.oid::regclass::text ~ '^live_private.(event|signal)_\d$'};

$node->safe_psql('postgres', $emit_many);
poll_ok($node, 'SELECT count(*) > 0 FROM live_private.batch', 'the events are published');
poll_ok($node, "SELECT ($bytes) = 0", 'they expire, and the files with them');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.batch'), '1', 'of the batches the newest is left, where the next begins');

# A session that reads the table of events and stays open keeps its rows, and delays no other session.
my $reader = $node->background_psql('postgres', on_error_stop => 1);
$node->safe_psql('postgres', $emit_many);
$reader->query_safe('BEGIN; SELECT count(*) FROM live.event');
poll_ok($node, "SELECT min(created_at) < now() - interval '3 seconds' FROM live.event", 'events outlive their time while a session reads');
is($node->safe_psql('postgres', "SET lock_timeout = '10s'; $emit_many"), '20000', 'writers are not held up');
$reader->query_safe('COMMIT');
$reader->quit;
poll_ok($node, "SELECT ($bytes) = 0", 'they go once the reader has ended');

# Without a worker, so that the test looks on: the batches tell that the rows have expired, few of them are read.
$node->safe_psql('postgres', 'CREATE DATABASE unlisted');
$node->safe_psql('unlisted', 'CREATE EXTENSION pg_live');
sub rows_read_by
{
	my ($statement) = @_;
	return $node->safe_psql('unlisted', qq{
		BEGIN;
		$statement;
		SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables WHERE relid::regclass::text ~ '^live_private.(event|signal)_\\d\$';
		COMMIT});
}
sub drop_in_unlisted { return rows_read_by('SELECT live.drop_expired_events()') }
$node->safe_psql('unlisted', $emit_many);
cmp_ok(rows_read_by('DO $$ BEGIN PERFORM live.status(); END $$'), '<=', 2000, 'the status reads a bounded number of rows that are not published');
$node->safe_psql('unlisted', 'SELECT live.publish()');
poll_ok($node, "SELECT max(id) < extract(epoch FROM now() - interval '2 seconds') * 1000000 FROM live_private.batch", 'the batch expires', 'unlisted');
my ($left, $rows_read) = split /\n/, drop_in_unlisted();
cmp_ok($rows_read, '<', 100, 'rows that have expired are not read');
is($node->safe_psql('unlisted', $bytes), '0', 'to be dropped');
is(drop_in_unlisted(), "f\n0", 'then none is left');

# What is written between the look at a slot and its lock is not dropped. Here the lock is waited for.
$node->safe_psql('unlisted', "ALTER FUNCTION live.drop_expired_events() SET lock_timeout = '5min'");
my $store = q{INSERT INTO live.event (id, xid, topic, event, payload, created_at, slot)
	SELECT nextval('live_private.event_id'), pg_current_xact_id(), 'activity', '%s', '1', now() + interval '%s', 0};
$node->safe_psql('unlisted', sprintf($store, 'old', '-1 day'));
$node->safe_psql('unlisted', 'SELECT live.publish()');
my $writer = $node->background_psql('unlisted', on_error_stop => 1);
my $dropper = $node->background_psql('unlisted', on_error_stop => 1);
$writer->query_safe('BEGIN; ' . sprintf($store, 'fresh', '1 day'));
$dropper->query_until(qr/looks/, "\\echo looks\nSELECT live.drop_expired_events();\n");
poll_ok($node, q{SELECT exists (SELECT FROM pg_locks WHERE relation = 'live_private.event_0'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)},
	'an expired slot waits for its lock', 'unlisted');
$writer->query_safe('COMMIT');
$writer->quit;
$dropper->quit;
is($node->safe_psql('unlisted', 'SELECT event FROM live.event ORDER BY id'), "old\nfresh", 'what its holder has written stays');

# Idle: nothing is stored, so the worker waits for a ring and for nothing else.
my $worker = worker_pid($node);
my $idle_for = "SELECT clock_timestamp() - state_change > interval '%s' FROM pg_stat_activity WHERE pid = $worker";
poll_ok($node, sprintf($idle_for, '1 second'), 'the worker comes to rest');
# The server itself writes one record some seconds after the last change, so the first rest may have one.
my $records = 'SELECT wal_records FROM pg_stat_wal';
my ($written, $after);
for my $rest (1 .. 5) {
	$written = $node->safe_psql('postgres', $records);
	$node->poll_query_until('postgres', sprintf($idle_for, 1 + 4 * $rest . ' seconds'));
	$after = $node->safe_psql('postgres', $records);
	last if $after == $written;
}
is($after, $written, 'not one WAL record is written while it rests for longer than any retention');
done_testing();
