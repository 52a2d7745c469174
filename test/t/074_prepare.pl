# A transaction that emitted can be prepared where a worker publishes; elsewhere it is refused as one that notified, and
# nothing of it is delivered. COMMIT PREPARED wakes the workers, by whatever way it comes; nothing else does on its account.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('prepare', max_prepared_transactions => 10, 'pg_live.refresh_interval' => '100ms',
	'pg_live.signal_retention' => '1h', wal_level => 'logical');
$node->safe_psql('postgres', 'CREATE DATABASE unlisted');
$node->safe_psql('unlisted', 'CREATE EXTENSION pg_live');
my $prepare = q{BEGIN; SELECT live.emit('activity', 'prepared', '{}'); PREPARE TRANSACTION 'emitted'};

sub delivered
{
	my ($event) = @_;
	return "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = '$event')";
}

# Passes of the worker since the counters were reset, each of which asks once whether anything is held; ends the worker, which counts what it did at the latest then.
sub count_passes
{
	$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . worker_pid($node) . ', 60000)');
	return $node->safe_psql('postgres', "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'held_series_open_idx'");
}

my ($status, $output, $errors) = $node->psql('unlisted', "\\set VERBOSITY verbose\n$prepare");
like($errors, qr/ERROR:  0A000: .*NOTIFY/, 'without a worker PREPARE TRANSACTION is refused');
is($node->safe_psql('unlisted', 'SELECT live.publish(); SELECT count(*) FROM live.event'), "\n0", 'and nothing is stored');

# Committed by a session that never emits, after a restart: the next worker does not miss it.
$node->safe_psql('postgres', $prepare);
is($node->safe_psql('postgres', delivered('prepared')), 'f', 'a prepared transaction is not delivered');
$node->restart;
poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'the worker is back');
isnt(asleep_since($node), '', 'workers sleep while a transaction is prepared');
my $busy = "SELECT max(state_change) FROM pg_stat_activity WHERE backend_type LIKE 'pg_live %' AND datname = 'postgres'";
my $before = $node->safe_psql('postgres', $busy);
$node->safe_psql('postgres', "SELECT 1;\nCREATE TABLE other (id int);\nSELECT 2;");
isnt(asleep_since($node), '', 'others commit meanwhile');
is($node->safe_psql('postgres', $busy), $before, 'which does not wake the workers, also after a restart');
$node->safe_psql('postgres', "COMMIT PREPARED 'emitted'");
poll_ok($node, delivered('prepared'), 'it is delivered when it commits');

# What a commit tells besides: a deadline of presence, and a summary that has changed.
$node->safe_psql('postgres', q{
	SET request.jwt.claim.sub = 'anna';
	BEGIN; SELECT live.heartbeat(gen_random_uuid(), ttl => '1 second'); PREPARE TRANSACTION 'presence';
	BEGIN; SELECT live.log_activity('prepared', visibility => 'public'); PREPARE TRANSACTION 'activity'});
isnt(asleep_since($node), '', 'both are prepared, and the workers sleep');
$node->safe_psql('postgres', "COMMIT PREPARED 'presence'");
poll_ok($node, q{SELECT status = 'offline' FROM live.user_presence WHERE user_id = 'anna'}, 'a prepared deadline is kept');
isnt(asleep_since($node), '', 'the workers sleep again');
$node->safe_psql('postgres', "COMMIT PREPARED 'activity'");
poll_ok($node, q{SELECT exists (SELECT FROM live.activity_trends WHERE activity_type = 'prepared')}, 'a prepared change is summed up');

# The apply worker of a two-phase subscription commits by other means than the command.
$node->safe_psql('postgres', q{
	CREATE DATABASE publisher;
	CREATE TABLE replicated (id int PRIMARY KEY);
	CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM live.emit('activity', 'replicated', '{}'); RETURN NULL; END $$;
	CREATE TRIGGER tell AFTER INSERT ON replicated FOR EACH ROW EXECUTE FUNCTION tell();
	ALTER TABLE replicated ENABLE ALWAYS TRIGGER tell});
$node->safe_psql('publisher', q{
	CREATE TABLE replicated (id int PRIMARY KEY);
	CREATE PUBLICATION replicated FOR TABLE replicated;
	SELECT pg_create_logical_replication_slot('replicated', 'pgoutput', false, true)});
my $publisher = $node->connstr('publisher') =~ s/'/''/gr;
$node->safe_psql('postgres', "CREATE SUBSCRIPTION replicated CONNECTION '$publisher' PUBLICATION replicated WITH (create_slot = false, copy_data = false, two_phase = true)");
poll_ok($node, "SELECT subtwophasestate = 'e' FROM pg_subscription", 'the subscription takes prepared transactions');
$node->safe_psql('publisher', "BEGIN; INSERT INTO replicated VALUES (1); PREPARE TRANSACTION 'replicated'");
poll_ok($node, "SELECT exists (SELECT FROM pg_prepared_xacts WHERE gid LIKE 'pg_gid%')", 'it is prepared there too');
isnt(asleep_since($node), '', 'the workers sleep');
$node->safe_psql('publisher', "COMMIT PREPARED 'replicated'");
poll_ok($node, delivered('replicated'), 'what a replicated transaction emits is delivered when that commits');
$node->safe_psql('postgres', 'DROP SUBSCRIPTION replicated');

# A rolled back one.
$node->safe_psql('postgres', $prepare =~ s/prepared/revoked/r);
$node->safe_psql('postgres', "ROLLBACK PREPARED 'emitted'");
$node->safe_psql('postgres', "SELECT live.emit('activity', 'last', '{}')");
poll_ok($node, delivered('last'), 'the stream goes on');
is($node->safe_psql('postgres', "SELECT count(*) FROM live.fetch_events(0) WHERE event = 'revoked'"),
	'0', 'a rolled back one is never delivered');

# Passes that find nothing keep their distance too: here each commit rings for an event that was taken back.
$node->append_conf('postgresql.conf', "pg_live.gather_delay = '100ms'");
$node->reload;
count_passes();
poll_ok($node, 'SELECT live_private.worker_is_running()', 'a new worker runs');
my $started = $node->safe_psql('postgres', 'SELECT pg_stat_reset(); SELECT clock_timestamp()') =~ s/^\n//r;
$node->safe_psql('postgres', q{
	CREATE PROCEDURE ring() LANGUAGE plpgsql AS $$
	BEGIN
		FOR ring IN 1 .. 1000 LOOP
			BEGIN
				PERFORM live.emit('activity', 'taken back', '{}');
				RAISE EXCEPTION 'taken back';
			EXCEPTION WHEN raise_exception THEN
				NULL;
			END;
			COMMIT;
		END LOOP;
	END $$;
	CALL ring()});
my $passes = count_passes();
cmp_ok($passes, '>', 0, 'there are passes');
is($node->safe_psql('postgres', "SELECT $passes <= 3 + extract(epoch FROM clock_timestamp() - '$started') * 10"), 't',
	'but no more than one in each delay');

# Prepared under a worker, committed where the library is not loaded: a bridge publishes it by its next poll.
$node->safe_psql('postgres', $prepare =~ s/prepared/unloaded/r);
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
$node->safe_psql('postgres', "COMMIT PREPARED 'emitted'");
is($node->safe_psql('postgres', 'SELECT live.publish() IS NOT NULL; ' . delivered('unloaded')), "t\nt",
	'committed without the library, it is delivered by the next live.publish()');
done_testing();
