# A transaction that emitted much and stays open costs the publisher nothing: no pass touches its rows. What it emitted
# is delivered when it commits.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 100_000;
my $transactions = 1_000;
my $per_transaction = $rows / $transactions;

# The test publishes itself, without preload: every pass can be counted, since each asks once whether anything is held.
my $node = start_with_extension('open_transaction', 'pg_live.batch_events' => 100_000, shared_preload_libraries => undef);

# Rows and index entries that all sessions have read from the tables of events.
my $counters = q{
	SELECT coalesce(sum(pg_stat_get_tuples_returned(c.oid)), 0) + coalesce(sum(pg_stat_get_tuples_fetched(c.oid)), 0)
	FROM pg_class c WHERE c.oid::regclass::text ~ '^live_private.(event|signal)_\d' AND c.relkind IN ('r', 'i')};
my $passes_ever = q{SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'held_series_open_idx'};

sub counted
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query);
}

my $open = $node->background_psql('postgres', on_error_stop => 1);
$open->query_safe("BEGIN; SELECT count(live.emit('activity', 'late', '{}')) FROM generate_series(1, $rows)");

my $before = counted($counters);
my $passes_before = counted($passes_ever);
my $script = '';
for (1 .. $transactions)
{
	$script .= "SELECT count(live.emit('activity', 'passing', '{}')) FROM generate_series(1, $per_transaction);\n";
	$script .= "SELECT live.publish();\n";
}
# Its statistics must be there before it ends: the next session may be faster than the end of this one.
$node->safe_psql('postgres', "$script SELECT pg_stat_force_next_flush()");
my $passes = counted($passes_ever) - $passes_before;
is($passes, $transactions, 'each pass was counted');

# A pass reads the rows of its own batch: an entry of the index and the row, in some tables.
my $read = counted($counters) - $before;
cmp_ok($read, '>=', $rows, 'reading is counted');
cmp_ok($read, '<', 4 * $rows, 'no more is read than what the batches hold');

is($node->safe_psql('postgres', "SELECT count(*) FROM live.fetch_events(0, NULL, 1000000)"),
	$rows, 'all events but those of the open transaction were delivered');
my $newest = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');
$open->query_safe('COMMIT');
$open->quit;
$node->safe_psql('postgres', 'SELECT live.publish()');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT batch) FROM live.fetch_events($newest, NULL, 1000000) WHERE event = 'late'"),
	"$rows|1", 'its events are the next batch when it commits');
done_testing();
