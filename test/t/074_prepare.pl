# A transaction that emitted can be prepared where a worker publishes; elsewhere it is refused as one that notified, and
# nothing of it is delivered.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('prepare', max_prepared_transactions => 10, 'pg_live.refresh_interval' => '100ms');
$node->safe_psql('postgres', 'CREATE DATABASE unlisted');
$node->safe_psql('unlisted', 'CREATE EXTENSION pg_live');
my $prepare = q{BEGIN; SELECT live.emit('activity', 'prepared', '{}'); PREPARE TRANSACTION 'emitted'};
my $delivered = "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'prepared')";

my ($status, $output, $errors) = $node->psql('unlisted', "\\set VERBOSITY verbose\n$prepare");
like($errors, qr/ERROR:  0A000: .*NOTIFY/, 'without a worker PREPARE TRANSACTION is refused');
is($node->safe_psql('unlisted', 'SELECT live.publish(); SELECT count(*) FROM live.event'), "\n0", 'and nothing is stored');

# Committed by a session that never emits, after a restart: the next worker does not miss it.
$node->safe_psql('postgres', $prepare);
is($node->safe_psql('postgres', $delivered), 'f', 'a prepared transaction is not delivered');
$node->restart;
poll_ok($node, "SELECT live.status() ->> 'mode' = 'worker'", 'the worker is back');
$node->safe_psql('postgres', "COMMIT PREPARED 'emitted'");
poll_ok($node, $delivered, 'it is delivered when it commits');

# Workers sleep while a transaction stays prepared: what they commit themselves wakes neither.
$node->safe_psql('postgres', $prepare =~ s/prepared/outstanding/r);
isnt(asleep_since($node), '', 'workers sleep while a transaction is prepared');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'emitted'");

$node->safe_psql('postgres', $prepare =~ s/prepared/revoked/r);
$node->safe_psql('postgres', "ROLLBACK PREPARED 'emitted'");
$node->safe_psql('postgres', "SELECT live.emit('activity', 'last', '{}')");
poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'last')", 'the stream goes on');
is($node->safe_psql('postgres', "SELECT count(*) FROM live.fetch_events(0) WHERE event = 'revoked'"),
	'0', 'a rolled back one is never delivered');
done_testing();
