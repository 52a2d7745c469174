# One backend is killed amid the storm, so the whole server recovers from its log: durable events are all delivered,
# none of them twice. Signals may be lost, but not repeated.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_crash', 'pg_live.batch_events' => 100_000, restart_after_crash => 'on');
my %numbers = storm_ok($node, transactions => 2_000, arguments => [ '--kill-writer', '--strikes', 1 ]);
is($numbers{strikes}, 1, 'a backend was killed');
ok($node->log_contains('all server processes terminated; reinitializing'), 'the server recovered from a crash');
done_testing();
