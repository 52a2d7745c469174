# Some transactions are prepared, and committed later by a session that never emits: theirs are delivered like all others.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_prepared', 'pg_live.batch_events' => 100_000, max_prepared_transactions => 100);
storm_ok($node, transactions => 2_000, faults => ['missing signals'], arguments => ['--prepare']);
done_testing();
