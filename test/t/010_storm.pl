# Everything that commits is delivered, once, in commit-safe order, however many write at a time.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm', 'pg_live.batch_events' => 100_000);
storm_ok($node, transactions => 10_000, faults => ['missing signals']);
done_testing();
