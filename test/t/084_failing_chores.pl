# What the worker does besides publishing may fail: it says so, less and less often, and does all the rest.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('failing_chores', 'pg_live.event_retention' => '2s', 'pg_live.signal_retention' => '1s');
my $worker = worker_pid($node);

# Makes a function, whose name is qualified, fail, or lets it be as it was.
sub rename_function
{
	my ($from, $to) = @_;
	my ($arguments) = $node->safe_psql('postgres', "SELECT '$from'::regproc::regprocedure") =~ /(\(.*\))/;
	$node->safe_psql('postgres', "ALTER FUNCTION $from$arguments RENAME TO $to");
	return;
}

sub publishes_ok
{
	my ($event) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $xid = $node->safe_psql('postgres', "BEGIN; SELECT FROM live.emit('activity', '$event', '{}'); SELECT pg_current_xact_id(); COMMIT") =~ s/\s//gr;
	return poll_ok($node, "SELECT pg_visible_in_snapshot('$xid', b.snapshot) FROM live_private.batch b ORDER BY b.id DESC LIMIT 1", "$event is published");
}

# Users whose connections end soon, one transaction each.
sub appear
{
	my (@users) = @_;
	$node->safe_psql('postgres', join "\n", map { "SET request.jwt.claim.sub = '$_'; SELECT live.heartbeat(gen_random_uuid(), ttl => '1 second');" } @users);
	return;
}

sub is_offline { return "SELECT status = 'offline' FROM live.user_presence WHERE user_id = '$_[0]'" }

# Presence fails.
rename_function('live_private.expire_some_presence', 'broken');
my $from = -s $node->logfile;
my $began = time;
appear('anna');
ok($node->wait_for_log(qr/WARNING:  announcing presence failed: function live_private\.expire_some_presence/, $from), 'presence fails, and the log says why');
publishes_ok('beside presence');
poll_ok($node, 'SELECT count(*) = 0 FROM live.event', 'events expire');
appear(map { "user $_" } 1 .. 100);
my $warnings = () = substr(slurp_file($node->logfile), $from) =~ /announcing presence failed/g;
cmp_ok(2**$warnings - 2, '<=', time - $began + 1, 'it is tried less and less often, whatever else happens');
rename_function('live_private.broken', 'expire_some_presence');
poll_ok($node, is_offline('anna'), 'mended, it goes on where it was');

# Expiry fails.
rename_function('live.drop_expired_events', 'broken');
$from = -s $node->logfile;
publishes_ok('beside expiry');
ok($node->wait_for_log(qr/WARNING:  dropping expired events failed: function live\.drop_expired_events/, $from), 'expiry fails, and the log says why');
publishes_ok('after expiry failed');
appear('bob');
poll_ok($node, is_offline('bob'), 'users are announced');
rename_function('live.broken', 'drop_expired_events');
poll_ok($node, 'SELECT count(*) = 0 FROM live.event', 'mended, events expire again');

is(worker_pid($node), $worker, 'all the time the worker is the same process');
done_testing();
