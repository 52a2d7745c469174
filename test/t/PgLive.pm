# What the TAP tests share: clusters that preload the extension, the storm, and looking at the worker.
package PgLive;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_cluster start_with_extension storm_ok worker_pid asleep_since poll_ok position_of
  next_notification);

# A cluster that is not started. Settings: name => value, after the defaults of the tests; undef takes one away.
sub new_cluster
{
	my ($name, %settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 1);
	%settings = (
		shared_preload_libraries => 'pg_live',
		autovacuum => 'off',
		max_connections => 60,
		%settings);
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'")
	  for grep { defined $settings{$_} } sort keys %settings;
	return $node;
}

# The same, started, with the extension in the database postgres; where it is preloaded, with its worker at work.
sub start_with_extension
{
	my ($name, %settings) = @_;
	my $node = new_cluster($name, %settings);
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_live');
	poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'the worker runs')
	  if !exists $settings{shared_preload_libraries};
	return $node;
}

# Passes once the query returns true.
sub poll_ok
{
	my ($node, $query, $name, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until($database // 'postgres', $query), $name);
}

# The process of a database's worker, or of its refresher.
sub worker_pid
{
	my ($node, $database, $kind) = @_;
	$database //= 'postgres';
	$kind //= 'worker';
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_live $kind' AND datname = '$database'");
}

# Waits until both have done nothing, and no session has written anything, for half a second; since when they sleep.
# It looks within one statement, since a transaction of its own might wake them.
sub asleep_since
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{
		DO $$
		DECLARE
			before text;
			now text;
		BEGIN
			FOR look IN 1 .. 60 LOOP
				before := now;
				SELECT concat_ws(' ', pg_current_wal_insert_lsn(), max(a.state_change)) INTO now
				FROM pg_stat_activity a WHERE a.backend_type LIKE 'pg_live %' AND a.datname = 'postgres' AND a.state = 'idle';
				EXIT WHEN before = now;
				PERFORM pg_sleep(0.5), pg_stat_clear_snapshot();
			END LOOP;
			PERFORM set_config('test.asleep', CASE WHEN before = now THEN now ELSE '' END, false);
		END $$;
		SELECT current_setting('test.asleep')});
}

# Waits until a session that listens was notified, and returns the payload.
sub next_notification
{
	my ($session) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $output = $session->query('SELECT FROM pg_sleep(0.1)');
		return $1 // '' if $output =~ /^Asynchronous notification "pg_live" (?:with payload "(.*)" )?received/m;
	}
	return 'none came';
}

# Where a durable event stands, as `<batch>-<event id>`; empty while it is in no batch.
sub position_of
{
	my ($node, $event) = @_;
	return $node->safe_psql('postgres',
		"SELECT batch || '-' || id FROM live.fetch_events(0, NULL, 1000000) WHERE event = '$event'");
}

# The faults that a storm counts; each must be 0.
my @faults = (
	'missing durable events',
	'repeated events',
	'events not committed',
	'altered events',
	'events delivered backwards',
	'torn transactions',
	'overtaken transactions');

# Runs a storm against the cluster and checks that every promise of delivery was kept. With STORM_TRANSACTIONS in the
# environment every storm has so many transactions. Options: transactions, faults (more of them), arguments (of the
# storm program). Returns the storm's numbers.
sub storm_ok
{
	my ($node, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $transactions = $ENV{STORM_TRANSACTIONS} // $options{transactions};
	my ($output, $errors);
	my @command = (
		"$ENV{TESTDIR}/storm",
		'--address', $node->connstr('postgres'),
		'--transactions', $transactions,
		@{ $options{arguments} // [] });
	my $finished = IPC::Run::run(\@command, '>', \$output, '2>', \$errors);
	ok($finished, 'the storm ran to its end') or diag($errors);
	my %numbers = $output =~ /^(.+): ([\d.]+)$/mg;
	note($output);
	is($numbers{$_}, 0, "no $_") for @faults, @{ $options{faults} // [] };
	cmp_ok($numbers{'committed transactions'} // 0, '>=', $transactions / 2, 'most transactions were committed');
	cmp_ok($numbers{'transactions rolled back'} // 0, '>=', $transactions / 4, 'many were rolled back');
	return %numbers;
}

1;
