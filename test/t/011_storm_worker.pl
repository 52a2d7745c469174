# The worker ends again and again, at any point of its work: nothing is lost, repeated or reordered.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_worker', 'pg_live.batch_events' => 100_000);
my %numbers = storm_ok(
	$node,
	transactions => 2_000,
	faults => ['missing signals'],
	arguments => [ '--terminate-worker', '--strikes', 4 ]);
cmp_ok($numbers{strikes}, '>=', 4, 'the worker was terminated several times');
done_testing();
