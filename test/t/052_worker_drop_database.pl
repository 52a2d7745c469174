# The worker is no obstacle to DROP DATABASE, and serves the next database of that name.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('worker_drop_database', 'pg_live.databases' => 'brief');
$node->start;
for my $life (1 .. 3)
{
	$node->safe_psql('postgres', 'CREATE DATABASE brief');
	$node->safe_psql('brief', 'CREATE EXTENSION pg_live');
	$node->safe_psql('brief', "SELECT live.emit('activity', 'life $life', '{}')");
	poll_ok($node, "SELECT live.status() @> '{\"mode\": \"worker\", \"worker_running\": true}'", "life $life: the worker runs", 'brief');
	poll_ok($node, 'SELECT live_private.newest_batch() > 0', "life $life: and has published", 'brief');
	is($node->safe_psql('brief', 'SELECT event FROM live.fetch_events(0)'), "life $life", "life $life: its own events only");
	my ($status, $output, $errors) = $node->psql('postgres', 'DROP DATABASE brief');
	is($errors, '', "life $life: the database can be dropped");
}
is(worker_pid($node, 'brief'), '', 'no worker is left');
ok(!$node->log_contains('reinitializing|was terminated by signal|PANIC'), 'nothing has crashed');
done_testing();
