# The refresher brings the summaries up to date soon after a change, at most once an interval, for a twentieth of the time,
# and never else. It waits for locks without holding up events, a shutdown, or dropping the extension or the database.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('refresh', 'pg_live.databases' => 'postgres, restored', 'pg_live.refresh_interval' => '100ms',
	max_prepared_transactions => 5);
$node->safe_psql('postgres', 'CREATE DATABASE restored');

sub as_user
{
	my ($user, $statement) = @_;
	return $node->safe_psql('postgres', "SET request.jwt.claim.sub = '$user'; $statement");
}

sub summary_is
{
	my ($expected, $name, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_ok($node,
		"SELECT string_agg(concat_ws(' ', status, users), ', ' ORDER BY status) = '$expected' FROM live.presence_summary",
		$name, $database);
}

sub refresh_interval
{
	my ($interval) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_live.refresh_interval = '$interval'");
	$node->reload;
	return;
}

poll_ok($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_live refresher' AND datname = 'postgres'",
	'a refresher runs');
my $refresher = worker_pid($node, 'postgres', 'refresher');
as_user('anna', "SELECT live.heartbeat('00000000-0000-4000-8000-000000000001', ttl => '1 day')");
summary_is('online 1', 'a change is followed by a refresh');

# While nothing changes nothing is written, and what is no change of the summary does not wake the refresher.
my $asleep = asleep_since($node);
isnt($asleep, '', 'workers sleep and no session writes, for several intervals');
my $last_look = "SELECT state_change FROM pg_stat_activity WHERE pid = $refresher";
my $looked = $node->safe_psql('postgres', $last_look);
as_user('anna', "SELECT live.heartbeat('00000000-0000-4000-8000-000000000001', ttl => '1 day'), live.update_presence(custom_status => 'here')");
isnt(asleep_since($node), '', 'again after a heartbeat and a text');
is($node->safe_psql('postgres', $last_look), $looked, 'for which the refresher did not wake');

# A prepared transaction counts when it is committed.
as_user('anna', "BEGIN; SELECT live.update_presence('busy'); PREPARE TRANSACTION 'busy'");
isnt(asleep_since($node), '', 'a prepared transaction lets the workers sleep');
$node->safe_psql('postgres', "COMMIT PREPARED 'busy'");
summary_is('busy 1', 'its commit is followed by a refresh');

# The interval is kept, whatever happens in it; a shorter one counts at once.
refresh_interval('1h');
as_user('bob', "SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day')");
isnt(asleep_since($node), '', 'nothing is refreshed in the interval');
is($node->safe_psql('postgres', 'SELECT sum(users) FROM live.presence_summary'), '1', 'so the summary stays as it was');
refresh_interval('100ms');
summary_is('online 1, busy 1', 'it follows when the interval is over');

# A new process begins with a look, after a crash too: here the interval would keep it from a second one.
refresh_interval('1h');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($refresher)");
poll_ok($node, "SELECT pid <> $refresher FROM pg_stat_activity WHERE backend_type = 'pg_live refresher' AND datname = 'postgres'",
	'a refresher that was ended comes back');
isnt(asleep_since($node), '', 'has looked');
as_user('carl', "SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day')");
isnt(asleep_since($node), '', 'and rests');
is($node->safe_psql('postgres', 'SELECT sum(users) FROM live.presence_summary'), '2', 'in the interval');
$node->stop('immediate');
$node->start;
summary_is('online 2, busy 1', 'the refresher begins with a refresh after a crash');
refresh_interval('100ms');
as_user($_, "SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day')") for ('anna', 'bob', 'carl');

# A refresh that takes long, here since it waits for a lock, holds up neither events nor readers nor a shutdown.
my $hold = "BEGIN; SELECT live_private.lock_summary('live.presence_summary'); PREPARE TRANSACTION 'hold'";
my $refresher_waits = q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'pg_live refresher' AND datname = 'postgres' AND wait_event_type = 'Lock'};
$node->safe_psql('postgres', $hold);
as_user('carl', 'SELECT live.go_offline()');
poll_ok($node, $refresher_waits, 'the refresher waits for a lock');
my $marker = $node->safe_psql('postgres', "SELECT live.emit('look', 'meanwhile', '{}')");
poll_ok($node, "SELECT EXISTS (SELECT FROM live.fetch_events(0) WHERE id = $marker)", 'events are published meanwhile');
is(as_user('anna', 'SELECT sum(users) FROM live.get_presence_summary()'), '3', 'and the summary is read');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'hold'");
summary_is('online 1, busy 1, offline 1', 'it follows');
$node->safe_psql('postgres', $hold);
as_user('bob', 'SELECT live.go_offline()');
poll_ok($node, $refresher_waits, 'the refresher waits once more');
$node->restart;
is($node->safe_psql('postgres', "ROLLBACK PREPARED 'hold'"), '', 'and is no obstacle to a restart');
summary_is('busy 1, offline 2', 'after which it goes on');

# Each task is a transaction of its own: while one waits, what those before it did is seen, and their locks are free.
$node->safe_psql('postgres', $hold =~ s/presence_summary/activity_trends/r);
as_user('anna', "SELECT live.update_presence('auto')");
poll_ok($node, $refresher_waits, 'the refresher waits for the trends of activities');
summary_is('online 1, offline 2', 'and has refreshed the summary of presence');
is($node->safe_psql('postgres', "SET lock_timeout = '20s'; SELECT live_private.lock_summary('live.presence_summary')"), '',
	'whose lock it does not keep');
poll_ok($node, $refresher_waits, 'while it waits');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'hold'");
as_user('anna', "SELECT live.update_presence('busy')");
summary_is('busy 1, offline 2', 'then it goes on');

# A transaction of the app that stays open after it logged, deleted and marked delays no other session.
as_user('anna', q{SELECT live.log_activity('earlier', 'book', '1', visibility => 'users', audience => '{bob}'), live.log_activity('earlier', 'book', '1')});
my $open = $node->background_psql('postgres', on_error_stop => 1);
$open->query_safe(q{
	BEGIN;
	SET request.jwt.claim.sub = 'anna';
	SELECT live.log_activity('open', 'book', '1'), live.log_activity('open', visibility => 'users', audience => '{bob}');
	SELECT live.delete_activity(id) FROM live.activity_stream WHERE activity_type = 'earlier';
	SET request.jwt.claim.sub = 'carl';
	SELECT live.mark_read()});
my $logged = as_user('carl', "SET lock_timeout = '20s'; SELECT (live.log_activity('meanwhile', 'book', '1')).id, (live.log_activity('meanwhile', visibility => 'users', audience => '{bob}')).user_id");
like($logged, qr/^\d+\|carl$/, 'others log about the same, to the same');
poll_ok($node, "SELECT activities = 1 FROM live.activity_trends WHERE activity_type = 'meanwhile'", 'the summary follows');
poll_ok($node, "SELECT NOT EXISTS (SELECT FROM live_private.trend_change) AND EXISTS (SELECT FROM live_private.trend WHERE entity_id = '1')", 'so do trends');
poll_ok($node, "SELECT EXISTS (SELECT FROM live.fetch_events(0) WHERE event = 'activity:new' AND payload ->> 'activity_type' = 'meanwhile')", 'and events');
$open->query_safe('COMMIT');
$open->quit;
poll_ok($node, "SELECT activities = 1 FROM live.activity_trends WHERE activity_type = 'open'", 'what it did follows when it ends');

# A refresh that takes long is followed by a long rest, whatever the interval: twenty times as long, here 0.1 seconds a look.
$node->safe_psql('postgres', q{
	CREATE TABLE look (at timestamptz);
	CREATE FUNCTION look() RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO public.look VALUES (clock_timestamp()); PERFORM pg_sleep(0.1); RETURN true; END $$;
	CREATE TABLE definition AS SELECT pg_get_viewdef('live_private.announced_presence') AS text;
	CREATE OR REPLACE VIEW live_private.announced_presence AS SELECT p.status, coalesce(p.device_type, 'other') AS device_type, count(*) AS users
		FROM live.user_presence p WHERE (SELECT public.look()) GROUP BY 1, 2});
poll_ok($node, q{
	SELECT (live.update_presence(CASE WHEN random() < 0.5 THEN 'busy' ELSE 'auto' END::live.presence_mode)).status IS NOT NULL
		AND (SELECT count(DISTINCT xmin::text) >= 3 FROM look) FROM set_config('request.jwt.claim.sub', 'anna', true)}, 'three slow refreshes while presence goes on changing');
is($node->safe_psql('postgres', q{
	SELECT bool_and(next - last >= 20 * looks * interval '0.1 seconds') FROM (
		SELECT max(at) AS last, count(*) AS looks, lead(min(at)) OVER (ORDER BY min(at)) AS next FROM look GROUP BY xmin::text) AS refresh WHERE next IS NOT NULL}),
	't', 'are twenty times as long apart as one takes');
$node->safe_psql('postgres', q{DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW live_private.announced_presence AS ' || (SELECT text FROM definition); END $$; DROP FUNCTION look; DROP TABLE look, definition});
as_user('anna', "SELECT live.update_presence('busy')");
summary_is('busy 1, offline 2', 'and it goes on at its pace');

for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my ($status, $output, $errors) = $node->psql('postgres', "\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL $level; SELECT live.refresh_summaries()");
	like($errors, qr/ERROR:  25001: /, "$level: a refresh by hand is refused");
}

# A restore makes no event, but is seen: every user is in the summary, offline. The refresher was there before.
poll_ok($node, q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'pg_live refresher' AND datname = 'restored' AND state = 'idle'}, 'the other database has a refresher');
my $file = "$PostgreSQL::Test::Utils::tmp_check/dump";
command_ok([ 'pg_dump', '--host', $node->host, '--port', $node->port, '--file', $file, 'postgres' ], 'dumped');
command_ok(
	[ 'psql', '--host', $node->host, '--port', $node->port, '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', 'restored', '--file', $file ],
	'restored');
summary_is('offline 3', 'the copy has a summary', 'restored');

# The database is dropped under its refresher, and the next one of that name has one again.
my ($status, $output, $errors) = $node->psql('postgres', 'DROP DATABASE restored');
is($errors, '', 'a database can be dropped');
is(worker_pid($node, 'restored', 'refresher'), '', 'its refresher is gone');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->safe_psql('restored', "CREATE EXTENSION pg_live; SET request.jwt.claim.sub = 'dora'; SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day')");
summary_is('online 1', 'the next database of that name is served', 'restored');

# The extension comes and goes under the same refresher.
$refresher = worker_pid($node, 'postgres', 'refresher');
for my $life (1 .. 3)
{
	as_user('anna', "DROP EXTENSION pg_live; CREATE EXTENSION pg_live; SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day')");
	summary_is('online 1', "life $life: the extension is back and its summary is refreshed");
}
is(worker_pid($node, 'postgres', 'refresher'), $refresher, 'it is the same refresher all the time');
ok(!$node->log_contains('reinitializing|was terminated by signal|PANIC'), 'nothing has crashed');
done_testing();
