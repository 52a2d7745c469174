# The worker announces what ended, in time and once: connections of a node that died, of one that stopped in order, and
# of those who did not come back after the server was restarted. The clock of presence is moved, so that no test waits; leases
# and grace are long beside what a machine may stall between two steps.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $users = 1000;
my $node = start_with_extension('presence', 'pg_live.grace_period' => '10min', 'pg_live.idle_after' => '24h');

sub clock
{
	my ($seconds) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_live.clock_offset = $seconds");
	$node->reload;
	return;
}

# Events of presence: how many, of how many users, with that status.
sub announced
{
	my ($status) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT count(*), count(DISTINCT payload ->> 'user_id') FROM live.event
		WHERE topic = 'presence' AND payload ->> 'status' = '$status'});
}

sub connect_users
{
	my ($bridge, $first, $last) = @_;
	$node->safe_psql('postgres', qq{
		SELECT live_private.register_node('$bridge', '1 hour');
		SELECT live_private.connect_users('$bridge', array_agg(gen_random_uuid()), array_agg('user ' || i)) FROM generate_series($first, $last) AS i});
	return;
}

my $first_bridge = '10000000-0000-4000-8000-000000000001';
my $second_bridge = '10000000-0000-4000-8000-000000000002';
connect_users($first_bridge, 1, $users);
connect_users($second_bridge, 1, 1);
is(announced('online'), "$users|$users", 'each user is announced online once, also with two connections');

# The lease is 3600 seconds. Before its end no user is offline; after it the worker announces all of them.
is($node->safe_psql('postgres', "SET pg_live.clock_offset = 3000; SELECT live.expire_presence()"), '0', 'nobody is offline before the end of the lease');
is($node->safe_psql('postgres', "SET pg_live.clock_offset = 3000; SELECT live_private.renew_node('$second_bridge', '1 hour')"), 't', 'one bridge renews');
clock(3700);
poll_ok($node, qq{SELECT count(*) = $users - 1 FROM live.event WHERE topic = 'presence' AND payload ->> 'status' = 'offline'},
	'the worker announces the users of the other by itself');
is(announced('offline'), ($users - 1) . '|' . ($users - 1), 'each once, and not the user who is connected elsewhere');
is($node->safe_psql('postgres', "SELECT live_private.renew_node('$first_bridge')"), 'f', 'a node that has ended stays ended');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live.connection'), '1', 'ended connections are deleted');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.node'), '1', 'ended nodes too');

# A bridge that stops in order: its users come back through another in the grace period.
$node->safe_psql('postgres', "SELECT live_private.renew_node('$second_bridge', '1 hour')");
connect_users($second_bridge, 2, 10);
my $online_before = announced('online');
$node->safe_psql('postgres', "SELECT live_private.retire_node('$second_bridge')");
my $third_bridge = '10000000-0000-4000-8000-000000000003';
connect_users($third_bridge, 1, 5);
clock(3700 + 700);
poll_ok($node, "SELECT count(*) = $users + 4 FROM live.event WHERE topic = 'presence' AND payload ->> 'status' = 'offline'",
	'after the grace period those are announced who did not');
is(announced('online'), $online_before, 'and those who did were never away');

# A clean restart keeps the connections; the lease starts again.
$node->restart;
is($node->safe_psql('postgres', "SELECT live_private.renew_node('$third_bridge', '1 hour')"), 't', 'a bridge goes on after a restart');
is($node->safe_psql('postgres', "SELECT count(*) FROM live_private.true_presence WHERE status = 'online'"), '5', 'and so do its users');

# A crash takes the connections away: reading tells at once, announcing waits for those who come back.
my $offline_before = announced('offline');
my $before_crash = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
$node->stop('immediate');
$node->start;
poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'the worker is back after the crash');
is($node->safe_psql('postgres', "SELECT count(*) FROM live_private.true_presence WHERE status <> 'offline'"), '0', 'nobody is shown online');
is($node->safe_psql('postgres', "SELECT live_private.renew_node('$third_bridge')"), 'f', 'bridges are told to register again');
my $fourth_bridge = '10000000-0000-4000-8000-000000000004';
connect_users($fourth_bridge, 1, 3);
is(announced('offline'), $offline_before, 'nobody was announced offline yet');
is(announced('online'), $online_before, 'and nobody who came back is announced online');
poll_ok($node, 'SELECT EXISTS (SELECT FROM live_private.presence_epoch)', 'the worker has noticed');
clock(4400 + 700);
poll_ok($node, "SELECT count(*) = $users + 6 FROM live.event WHERE topic = 'presence' AND payload ->> 'status' = 'offline'",
	'those who did not come back are announced');
is($node->safe_psql('postgres', q{SELECT string_agg(user_id, ', ' ORDER BY user_id) FROM live.user_presence WHERE status <> 'offline'}),
	'user 1, user 2, user 3', 'the others are online');
is($node->safe_psql('postgres', "SELECT last_seen_at < timestamptz '$before_crash' + interval '4400 seconds' FROM live.user_presence WHERE user_id = 'user 4'"),
	't', 'last_seen_at is a lower bound');
# Transactions of the app that hold users, connections and locations delay no other session: the worker waits for none.
my $app = $node->background_psql('postgres', on_error_stop => 1);
$node->safe_psql('postgres', q{
	SET request.jwt.claim.sub = 'holder';
	SELECT live.heartbeat('00000000-0000-4000-8000-00000000aaaa', ttl => '1 second'), live.set_typing('held', true);
	SET request.jwt.claim.sub = 'other';
	SELECT live.heartbeat(gen_random_uuid(), ttl => '1 second'), live.set_typing('held', true)});
$app->query_safe(q{BEGIN; SET LOCAL request.jwt.claim.sub = 'holder';
	SELECT live.update_presence('busy'), live.set_typing('held', false)});
poll_ok($node, q{SELECT EXISTS (SELECT FROM live.event WHERE topic = 'presence' AND payload ->> 'user_id' = 'other' AND payload ->> 'status' = 'offline')},
	'others are announced while a transaction holds a user and a location');
my $marker = $node->safe_psql('postgres', "SELECT live.emit('look', 'there', '{}')");
poll_ok($node, "SELECT EXISTS (SELECT FROM live_private.batch b, live.event e WHERE e.id = $marker AND e.xid = ANY (b.xids))", 'events are published meanwhile');
$app->query_safe('COMMIT');
$app->quit;
poll_ok($node, q{SELECT status = 'offline' FROM live.user_presence WHERE user_id = 'holder'}, 'the user who was held follows');
poll_ok($node, q{SELECT NOT EXISTS (SELECT FROM live.typing WHERE location = 'held')}, 'and the location');

# The clock is set back: what it had set ahead ends as long after now as it would have.
$node->safe_psql('postgres', q{
	SET pg_live.clock_offset = 20000;
	SET request.jwt.claim.sub = 'clock';
	SELECT live.heartbeat(gen_random_uuid(), ttl => '1 hour')});
clock(20000);
poll_ok($node, 'SELECT max(expires_at) > clock_timestamp() + interval \'6 hours\' FROM live.connection WHERE user_id = \'clock\'', 'a deadline ahead');
$node->safe_psql('postgres', "SELECT live.emit('look', 'here', '{}')");
poll_ok($node, q{SELECT EXISTS (SELECT FROM live_private.batch b, live.event e WHERE e.topic = 'look' AND e.xid = ANY (b.xids))}, 'the worker has seen the clock');
clock(0);
poll_ok($node, q{SELECT expires_at < clock_timestamp() + interval '2 hours' FROM live.connection WHERE user_id = 'clock'}, 'follows the clock back');
done_testing();
