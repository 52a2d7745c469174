# Whatever fails inside a C++ function becomes an ordinary error of PostgreSQL, with all its parts: objects are
# destroyed, the session goes on (or ends, when it was terminated), and the server never restarts.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('boundary');
my $library = "$ENV{TESTDIR}/boundary_test.so";
$node->safe_psql(
	'postgres', qq{
	CREATE FUNCTION boundary_throw(text) RETURNS void LANGUAGE c AS '$library';
	CREATE FUNCTION boundary_raise() RETURNS void LANGUAGE c AS '$library';
	CREATE FUNCTION boundary_run(text) RETURNS void LANGUAGE c AS '$library';
	CREATE FUNCTION boundary_state() RETURNS text LANGUAGE c AS '$library';
	CREATE FUNCTION boundary_divide() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1 / 0; END';
	});
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

# Runs a statement that fails, in a session that then tells what the failure left behind. The error must match, and
# `destroyed` objects must be gone.
sub fails_with
{
	my ($statement, $error, $destroyed, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $output, $errors) = $node->psql('postgres',
		"\\set VERBOSITY verbose\n$statement;\nSELECT boundary_state();", on_error_stop => 0);
	like($errors, $error, "$name: the error");
	is($output, "clean, 0 alive, $destroyed destroyed", "$name: the session goes on, and nothing is left");
}

fails_with("SELECT boundary_throw('runtime_error')", qr/^.*ERROR:  XX000: the engine failed: 100%s$/m, 1, 'std::runtime_error');
fails_with("SELECT boundary_throw('long')", qr/ERROR:  XX000: x{511}$/m, 1, 'an endless message');
fails_with("SELECT boundary_throw('bad_alloc')", qr/ERROR:  53200: out of memory$/m, 1, 'std::bad_alloc');
fails_with("SELECT boundary_throw('unrelated')", qr/ERROR:  XX000: unknown C\+\+ exception$/m, 1, 'an exception of no standard type');
fails_with("SELECT boundary_throw('sql_error')", qr/ERROR:  22023: the topic is unknown\nHINT:  Name a topic\.$/m, 1, 'an error of ours');
fails_with('SELECT boundary_raise()',
	qr/ERROR:  P7001: raised inside\nDETAIL:  The detail\.\nHINT:  The hint\.\nLOCATION:  .*boundary_test\.cpp/, 1,
	'an error of PostgreSQL');
fails_with("SELECT boundary_run('SELECT boundary_run(''SELECT boundary_raise()'')')",
	qr/ERROR:  P7001: raised inside\nDETAIL:  The detail\.\nHINT:  The hint\./, 3, 'an error three calls deep');
fails_with("SELECT boundary_run('SELECT boundary_throw(''sql_error'')')",
	qr/ERROR:  22023: the topic is unknown\nHINT:  Name a topic\./, 2, 'an exception inside a nested call');
fails_with("SELECT boundary_run('SELECT boundary_divide()')",
	qr/ERROR:  22012: division by zero\nCONTEXT:  SQL expression \"1 \/ 0\"\nPL\/pgSQL function boundary_divide\(\) line 1 at RETURN\nSQL statement/, 1,
	'the context of an error');
fails_with("SET statement_timeout = '50ms'; SELECT boundary_run('SELECT pg_sleep(600)'); RESET statement_timeout",
	qr/ERROR:  57014: canceling statement due to statement timeout/, 1, 'a statement timeout');

# An exception block goes on in the same transaction, a thousand times.
is( $node->safe_psql(
		'postgres', q{
	DO $$
	BEGIN
	  FOR i IN 1..1000 LOOP
	    BEGIN PERFORM boundary_raise(); EXCEPTION WHEN SQLSTATE 'P7001' THEN NULL; END;
	    BEGIN PERFORM boundary_throw('runtime_error'); EXCEPTION WHEN internal_error THEN NULL; END;
	  END LOOP;
	END $$;
	SELECT boundary_state()}),
	'clean, 0 alive, 2000 destroyed', 'errors caught in SQL leave nothing, however many they are');

# A session that sleeps inside the boundary is cancelled, another is terminated.
my $sleeping = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'";
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_until(qr/begins/, "\\echo begins\nSELECT boundary_run('SELECT pg_sleep(600)');\n");
poll_ok($node, "SELECT exists ($sleeping)", 'a session sleeps inside');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM ($sleeping) s");
is($session->query('SELECT boundary_state()'), 'clean, 0 alive, 1 destroyed', 'a cancelled session goes on');
like($session->{stderr}, qr/canceling statement due to user request/, 'and was told of it');

$session->{stderr} = '';
$session->query_until(qr/begins/, "\\echo begins\nSELECT boundary_run('SELECT pg_sleep(600)');\n");
poll_ok($node, "SELECT exists ($sleeping)", 'a session sleeps inside again');
my $pid = $node->safe_psql('postgres', $sleeping);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
poll_ok($node, "SELECT NOT exists (SELECT FROM pg_stat_activity WHERE pid = $pid)", 'a terminated session ends');
$session->{run}->kill_kill;
ok($node->log_contains('FATAL:  terminating connection due to administrator command'), 'with the proper farewell');

is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is the same');
ok(!$node->log_contains('reinitializing|was terminated by signal|PANIC'), 'and has not crashed');
done_testing();
