# After a crash durable events are there, signals are gone, and no position is ever given a second time.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# A batch of signals is not flushed at once: with so slow a WAL writer the crash takes some of them away. One of durable
# events is, whatever the server is set to. With few buffers reading would flush them.
my $node = start_with_extension('crash_recovery', wal_writer_delay => '10s', shared_buffers => '64MB', synchronous_commit => 'off', 'pg_live.signal_retention' => '1h');

sub emit
{
	my ($event, $durable) = @_;
	my $newest = $node->safe_psql('postgres', "SET synchronous_commit = $durable; SELECT live.emit('activity', '$event', '{}', $durable); SELECT live_private.newest_batch()");
	$newest =~ s/.*\n//s;
	return $newest;
}

emit('before', 'true');
poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'before')", 'a durable event is published');
my $durable_position = position_of($node, 'before');
$node->stop('immediate');
$node->start;
poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'before')", 'it is there after a crash');
is(position_of($node, 'before'), $durable_position, 'at its position');


# A crash may take transaction ids back that a snapshot has seen; a shutdown takes nothing back.
my $state_position = $node->safe_psql('postgres', 'SELECT live.position()');
my $replayed = "SELECT count(*) FROM live.replay('activity', '$state_position')";
$node->restart;
is($node->safe_psql('postgres', $replayed), '0', 'the position of a state outlives a restart');
$node->stop('immediate');
$node->start;
poll_ok($node, 'SELECT live_private.current_lifetime() > 0', 'after a crash another lifetime begins');
like(($node->psql('postgres', $replayed))[2], qr/position .* is not of this history/, 'and the position of a state is not part of it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM live.replay('activity', live.position())}), '0', 'but another one is');

my $highest = 0;
my $reused = 0;
for my $crash (1 .. 5)
{
	emit("signal $crash", 'false');
	poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events($highest) WHERE event = 'signal $crash')", "signal $crash is published");
	my $newest = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');
	$reused++ if $newest <= $highest;
	$highest = $newest;
	$node->stop('immediate');
	$node->start;
	poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", "the worker is back after crash $crash");
}
is($reused, 0, 'no batch has the number of one that the crash took away');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live.signal'), '0', 'signals do not survive a crash');
is(position_of($node, 'before'), $durable_position, 'a durable event keeps its position');

emit('after', 'true');
poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events($highest) WHERE event = 'after')", 'the stream goes on after the highest number');
is($node->safe_psql('postgres', "SELECT event FROM live.replay('activity', '$durable_position')"),
	'after', 'and a client resumes from its old position');
done_testing();
