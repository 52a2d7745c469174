# A worker that was ended comes back and publishes what waited for it; it follows the configuration, and it is no
# obstacle to a shutdown.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('worker_restart', 'pg_live.signal_retention' => '4s');
my $worker = worker_pid($node);
my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe('LISTEN pg_live');

$session->query_safe("SELECT pg_terminate_backend($worker)");
poll_ok($node, "SELECT NOT exists (SELECT FROM pg_stat_activity WHERE pid = $worker)", 'the worker ends when it is told to');
$node->safe_psql('postgres', "SELECT live.emit('activity', 'waited', '{}')");
is($node->safe_psql('postgres', "SELECT live.status() ->> 'mode'"), 'worker', 'another one is expected');
my $payload = next_notification($session);
is($session->query_safe("SELECT event FROM live.fetch_events($payload - 1)"), 'waited', 'it publishes what waited');
isnt(worker_pid($node), $worker, 'and is another process');

# A batch that was stored without a notification is announced by the next worker.
$worker = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
is(next_notification($session), $payload, 'a worker begins by announcing the newest batch');

my $events = 'SELECT count(*) FROM live.event';
is($node->safe_psql('postgres', $events), '1', 'events are kept');
$node->append_conf('postgresql.conf', "pg_live.event_retention = '1s'");
$node->reload;
poll_ok($node, "SELECT ($events) = 0", 'and dropped after a shorter time when the configuration says so');
is(worker_pid($node) ne '', 1, 'the worker has followed it without an end');
$session->quit;

$node->stop('fast');
is($node->{_pid}, undef, 'the server stops');
done_testing();
