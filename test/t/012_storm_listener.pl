# The listener loses its connection again and again: it asks for what came after its position, and misses nothing.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_listener', 'pg_live.batch_events' => 100_000);
my %numbers = storm_ok(
	$node,
	transactions => 2_000,
	faults => ['missing signals'],
	arguments => [ '--cut-listener', '--strikes', 4 ]);
cmp_ok($numbers{'connections of the listener'}, '>=', 4, 'the listener was cut off several times');
done_testing();
