# The extension comes and goes while the worker runs.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('worker_extension');
$node->start;
poll_ok($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_live worker' AND datname = 'postgres'",
	'the worker runs before the extension exists');
my $worker = worker_pid($node);

# One session goes through all lives of the extension: what it has cached must follow.
my $session = $node->background_psql('postgres', on_error_stop => 1);
for my $life (1 .. 3)
{
	$session->query_safe('CREATE EXTENSION pg_live');
	is($session->query_safe('SELECT live_private.newest_batch()'), '0', "life $life: nothing is left of the one before");
	$session->query_safe("SELECT live.emit('activity', 'life $life', '{}')");
	poll_ok($node, 'SELECT live_private.newest_batch() > 0', "life $life: the worker publishes");
	is($session->query_safe('SELECT event FROM live.fetch_events(0)'), "life $life", "life $life: and nothing else");
	$session->query_safe('DROP EXTENSION pg_live');
}
$session->quit;
is(worker_pid($node), $worker, 'it is the same worker all the time');

# Dropped amid events: the worker may fail once, but the next life works.
for my $life (4 .. 8)
{
	$node->safe_psql('postgres',
		"CREATE EXTENSION pg_live;\n" . "SELECT live.emit('activity', 'amid', '{}');\n" x 50 . "DROP EXTENSION pg_live");
}
$node->safe_psql('postgres', 'CREATE EXTENSION pg_live');
$node->safe_psql('postgres', "SELECT live.emit('activity', 'last', '{}')");
poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'last')", 'the last life works');
ok(!$node->log_contains('reinitializing|was terminated by signal|PANIC'), 'nothing has crashed');
done_testing();
