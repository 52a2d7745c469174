# A statement timeout, a cancel and a termination inside the extension's own functions: an ordinary error, nothing of
# the transaction is delivered, the session goes on or ends, the server never restarts.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('interrupted');
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

# live.emit() waits for this lock, below its C++ code.
my $holder = $node->background_psql('postgres', on_error_stop => 1);
$holder->query_safe('BEGIN; LOCK TABLE live.event IN ACCESS EXCLUSIVE MODE');
my $waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%live.emit%'";

my ($status, $output, $errors) = $node->psql(
	'postgres', q{
	\set VERBOSITY verbose
	SET statement_timeout = '50ms';
	SELECT live.emit('activity', 'timed out', '{}');
	SET statement_timeout = 0;
	SELECT live.user_id() IS NULL}, on_error_stop => 0);
like($errors, qr/ERROR:  57014: canceling statement due to statement timeout/, 'a timeout inside live.emit()');
is($output, 't', 'the session goes on');

my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_until(qr/begins/, "\\echo begins\nSELECT live.emit('activity', 'cancelled', '{}');\n");
poll_ok($node, "SELECT exists ($waiting)", 'another emits');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM ($waiting) s");
is($session->query('SELECT live.user_id() IS NULL'), 't', 'and goes on when it is cancelled');
like($session->{stderr}, qr/canceling statement due to user request/, 'as it was told');

$session->{stderr} = '';
$session->query_until(qr/begins/, "\\echo begins\nSELECT live.emit('activity', 'terminated', '{}');\n");
poll_ok($node, "SELECT exists ($waiting)", 'it emits again');
my $pid = $node->safe_psql('postgres', $waiting);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
poll_ok($node, "SELECT NOT exists (SELECT FROM pg_stat_activity WHERE pid = $pid)", 'and ends when it is terminated');
$session->{run}->kill_kill;

# The worker waits for the same lock. It, too, can be terminated there.
my $worker = worker_pid($node);
$holder->query_safe("ROLLBACK; BEGIN; LOCK TABLE live_private.batch IN ACCESS EXCLUSIVE MODE");
$node->safe_psql('postgres', "SELECT live.emit('activity', 'delivered', '{}')");
poll_ok($node, "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $worker", 'the worker waits');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
poll_ok($node, "SELECT NOT exists (SELECT FROM pg_stat_activity WHERE pid = $worker)", 'it ends when it is terminated');
$holder->query_safe('ROLLBACK');
$holder->quit;

poll_ok($node, 'SELECT live_private.newest_batch() > 0', 'the next worker publishes');
is($node->safe_psql('postgres', 'SELECT event FROM live.fetch_events(0)'), 'delivered', 'what was committed, and nothing else');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is the same');
ok(!$node->log_contains('reinitializing|was terminated by signal|PANIC'), 'and has not crashed');
done_testing();
