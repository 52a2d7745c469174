# Each listed database has a worker of its own, one that is created later as well. In a database that is not listed
# transactions ring themselves, and live.status() says so.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# When the lines of the log that match were written, in seconds.
sub times_of
{
	my ($node, $pattern, $from) = @_;
	return map { /^\d+-\d+-\d+ (\d+):(\d+):([\d.]+)/ ? $1 * 3600 + $2 * 60 + $3 : () } grep { /$pattern/ } split /\n/, substr(slurp_file($node->logfile), $from);
}

# Waits until something failed three more times; how long it was between the last two, while `meanwhile` goes on.
sub last_pause
{
	my ($node, $pattern, $meanwhile) = @_;
	my $from = -s $node->logfile;
	my @times;
	until ((@times = times_of($node, $pattern, $from)) >= 3)
	{
		$meanwhile->();
	}
	return ($times[2] - $times[1]) % 86400;
}

my $node = new_cluster('worker_databases', log_line_prefix => '%m [%p] %b ', 'pg_live.databases' => 'one, "Two, three", later');
$node->start;
$node->safe_psql('postgres', qq{CREATE DATABASE "$_"}) for ('one', 'Two, three', 'unlisted');
$node->safe_psql($_, 'CREATE EXTENSION pg_live') for ('one', 'Two, three', 'unlisted');

for my $database ('one', 'Two, three')
{
	poll_ok($node, "SELECT live.status() @> '{\"mode\": \"worker\", \"worker_running\": true}'", "$database: a worker runs", $database);
	$node->safe_psql($database, "SELECT live.emit('activity', 'in $database', '{}')");
	poll_ok($node, 'SELECT live_private.newest_batch() > 0', "$database: it publishes", $database);
	is($node->safe_psql($database, 'SELECT event FROM live.fetch_events(0)'), "in $database", "$database: its own events only");
}

is($node->safe_psql('unlisted', "SELECT live.status() @> '{\"mode\": \"in-transaction\", \"worker_running\": false}'"),
	't', 'unlisted: no worker runs');
my $listener = $node->background_psql('unlisted', on_error_stop => 1);
$listener->query_safe('LISTEN pg_live');
$node->safe_psql('unlisted', "SELECT live.emit('activity', 'unlisted', '{}')");
is(next_notification($listener), '', 'unlisted: the transaction rings by itself');
is($listener->query_safe('SELECT count(*) FROM live.fetch_events(0)'), '0', 'unlisted: nothing is published by itself');
$listener->query_safe('SELECT live.publish()');
is($listener->query_safe('SELECT event FROM live.fetch_events(0)'), 'unlisted', 'unlisted: but by a session that listens');
$listener->quit;

# The worker of a database that does not exist tries less and less often, and at once when the database is made.
ok($node->wait_for_log('database "later" does not exist'),
	'the worker of a missing database says so');
cmp_ok(last_pause($node, 'pg_live worker .*database "later" does not exist', sub { select undef, undef, undef, 0.1 }), '>=', 2, 'and tries less and less often');

# So does one that fails in its work, however much its database does in between; it is back when the cause may be gone.
$node->safe_psql('one', "ALTER INDEX live_private.held_series_open_idx RENAME TO broken; SELECT live.emit('activity', 'unheard', '{}')");
cmp_ok(last_pause($node, 'ERROR:  relation "live_private.held_series_open_idx" does not exist', sub { $node->safe_psql('one', "SELECT live.emit('activity', 'unheard', '{}')") }),
	'>=', 2, 'one: a worker that fails does not come back at each event');
is($node->safe_psql('one', "SELECT live.status() @> '{\"mode\": \"worker\", \"worker_running\": false, \"publisher\": \"none\"}'"), 't', 'one: the status says that nobody publishes');
$node->safe_psql('one', 'ALTER INDEX live_private.broken RENAME TO held_series_open_idx');
$node->reload;
poll_ok($node, "SELECT EXISTS (SELECT FROM live.fetch_events(0) WHERE event = 'unheard')", 'one: when it is mended what waited is published', 'one');

$node->safe_psql('postgres', 'CREATE DATABASE later');
$node->safe_psql('later', 'CREATE EXTENSION pg_live');
$listener = $node->background_psql('later', on_error_stop => 1);
$listener->query_safe('LISTEN pg_live');
$node->safe_psql('later', "SELECT live.emit('activity', 'first', '{}')");
like(next_notification($listener), qr/^\d*$/, 'later: the first event is announced, whether a worker runs yet or not');
$listener->quit;
poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'later: it has a worker now', 'later');
poll_ok($node, 'SELECT live_private.newest_batch() > 0', 'later: which has published', 'later');
done_testing();
