# Without preload the transactions ring themselves and the listener publishes: the promises are the same.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_no_preload', 'pg_live.batch_events' => 100_000, shared_preload_libraries => undef);
is($node->safe_psql('postgres', "SELECT live.status() ->> 'mode'"), 'in-transaction', 'no worker runs');
storm_ok($node, transactions => 2_000, faults => ['missing signals'], arguments => ['--publish']);
done_testing();
