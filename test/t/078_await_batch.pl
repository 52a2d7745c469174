# A session waits in live_private.await_batch() for what the worker publishes next. It delays no other session while it waits, and hears of
# a batch only when every session can see it.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('await_batch');
$node->safe_psql('postgres', 'CREATE DATABASE unlisted');
$node->safe_psql('unlisted', 'CREATE EXTENSION pg_live');
$node->safe_psql('postgres', q{SELECT live.emit('activity', 'before', '{}')});
poll_ok($node, q{SELECT EXISTS (SELECT FROM live.fetch_events(0) WHERE event = 'before')}, 'the worker has published');
my $known = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');

sub outcome
{
	my ($database, $statements) = @_;
	my ($status, $output, $errors) = $node->psql($database, "\\set VERBOSITY verbose\n$statements");
	return $errors =~ /ERROR:  (\w{5})/ ? $1 : $output;
}

is(outcome('postgres', 'CALL live_private.await_batch(0, 10000)'), $known, 'a batch that is known already is returned at once');
is(outcome('postgres', "CALL live_private.await_batch($known, 1)"), $known, 'nothing new came in time');
is(outcome('unlisted', 'CALL live_private.await_batch(0, 10000)'), '', 'without a worker there is nothing to wait for');
is(outcome('postgres', "CALL live_private.await_batch(NULL, 0)"), '22004', 'a batch must be given');
is(outcome('postgres', "CALL live_private.await_batch($known, NULL)"), '22004', 'a patience must be given');
is(outcome('postgres', "CALL live_private.await_batch($known, -1)"), '22023', 'patience is not negative');
is(outcome('postgres', "BEGIN; CALL live_private.await_batch(0, 0)"), '25001', 'it does not end a transaction of its caller');
is(outcome('postgres', q{CREATE FUNCTION pg_temp.waits() RETURNS void LANGUAGE plpgsql AS 'DECLARE b bigint; BEGIN CALL live_private.await_batch(0, 0, b); END'; SELECT pg_temp.waits()}),
	'25001', 'nor can a function');

my $waiting = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $waiting->query_safe('SELECT pg_backend_pid()');
$waiting->query_until(qr/begins/, "\\echo begins\nCALL live_private.await_batch($known, 10000);\n\\echo ended\n");
poll_ok($node, "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $pid", 'a session waits');
is($node->safe_psql('postgres', "SELECT backend_xid IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $pid"), 't',
	'without a transaction id and a snapshot');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $pid AND locktype <> 'virtualxid'"), '0', 'and without a lock');
$node->safe_psql('postgres', q{SELECT live.emit('activity', 'awaited', '{}')});
my $output = $waiting->query_until(qr/ended/, '');
my ($batch) = $output =~ /(\d+)/;
cmp_ok($batch, '>', $known, 'it is woken by the next batch');
is($node->safe_psql('postgres', "SELECT event FROM live.fetch_events($known)"), 'awaited', 'which can be fetched then');

# This session is behind from now on: the parts of a large transaction wait for it, each a moment.
$node->safe_psql('postgres', q{SELECT count(live.emit('activity', 'many', '{}')) FROM generate_series(1, 5500)});
poll_ok($node, "SELECT count(*) = 5500 FROM live.fetch_events($batch) WHERE event = 'many'", 'a session that is behind holds up no part for ever');
cmp_ok($node->safe_psql('postgres', "SELECT count(DISTINCT batch) FROM live.fetch_events($batch) WHERE event = 'many'"), '>=', 6, 'in parts');
$batch = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');

$waiting->query_until(qr/begins/, "\\echo begins\nCALL live_private.await_batch($batch, 10000);\n");
poll_ok($node, "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $pid", 'a session waits again');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"), '0', 'a wait can be ended');
$waiting->{run}->finish;

$node->stop;
done_testing;
