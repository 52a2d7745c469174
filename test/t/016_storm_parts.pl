# Transactions of more events than a batch has are delivered in parts, between which others are: nothing is lost, repeated, or
# out of order on its topic, whichever process publishes, and across a crash.
use strict;
use warnings FATAL => 'all';

use PgLive;
use Test::More;

my $node = start_with_extension('storm_parts', 'pg_live.batch_events' => 4);
my %numbers = storm_ok($node, transactions => 400, faults => ['missing signals'], arguments => [ '--parts', '--terminate-worker', '--strikes', 2 ]);
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.held_transaction WHERE is_large'), '>', 20, 'many transactions came in parts');
is($node->safe_psql('postgres', 'SELECT max(events) FROM live_private.batch'), '4', 'no batch has more events than it may have');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.held_topic'), '0', 'nothing is held any more');

my $crashing = start_with_extension('storm_parts_crash', 'pg_live.batch_events' => 4, restart_after_crash => 'on');
storm_ok($crashing, transactions => 400, arguments => [ '--parts', '--kill-writer', '--strikes', 1 ]);

my $publishing = start_with_extension('storm_parts_publish', 'pg_live.batch_events' => 4, shared_preload_libraries => undef);
storm_ok($publishing, transactions => 400, faults => ['missing signals'], arguments => [ '--parts', '--publish' ]);
done_testing();
