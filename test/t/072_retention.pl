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
	WHERE c.relkind = 'r' AND c.oid::regclass::text ~ '^live.(event|signal)_\d$'};

$node->safe_psql('postgres', $emit_many);
poll_ok($node, 'SELECT count(*) > 0 FROM live.batch', 'the events are published');
poll_ok($node, "SELECT ($bytes) = 0", 'they expire, and the files with them');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live.batch'), '1', 'of the batches the newest is left, where the next begins');

# A session that reads the table of events and stays open keeps its rows, and holds up nobody.
my $reader = $node->background_psql('postgres', on_error_stop => 1);
$node->safe_psql('postgres', $emit_many);
$reader->query_safe('BEGIN; SELECT count(*) FROM live.event');
poll_ok($node, "SELECT min(created_at) < now() - interval '3 seconds' FROM live.event", 'events outlive their time while somebody reads');
is($node->safe_psql('postgres', "SET lock_timeout = '10s'; $emit_many"), '20000', 'writers are not held up');
$reader->query_safe('COMMIT');
$reader->quit;
poll_ok($node, "SELECT ($bytes) = 0", 'they go once the reader has ended');

# Idle: nothing is stored, so the worker waits for a ring and for nothing else.
my $worker = worker_pid($node);
my $idle_for = "SELECT clock_timestamp() - state_change > interval '%s' FROM pg_stat_activity WHERE pid = $worker";
poll_ok($node, sprintf($idle_for, '1 second'), 'the worker comes to rest');
my $written = $node->safe_psql('postgres', 'SELECT wal_records FROM pg_stat_wal');
poll_ok($node, sprintf($idle_for, '4 seconds'), 'it rests for longer than any retention');
is($node->safe_psql('postgres', 'SELECT wal_records FROM pg_stat_wal'), $written, 'and not one WAL record is written');
done_testing();
