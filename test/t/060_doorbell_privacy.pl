# Any role may LISTEN: one without rights hears that something happened, and nothing else. What it notifies has no effect.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('doorbell_privacy');
$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN; CREATE DATABASE unlisted');
$node->safe_psql('unlisted', 'CREATE EXTENSION pg_live');

sub as_stranger
{
	my ($database) = @_;
	return $node->background_psql($database, on_error_stop => 0, extra_params => [ '-U', 'stranger' ]);
}

my $secret = q{SELECT live.emit('secret topic', 'secret event', '{"secret": "payload"}', durable) FROM (VALUES (true), (false)) v (durable)};
my $stranger = as_stranger('postgres');
$stranger->query('LISTEN pg_live');
$node->safe_psql('postgres', $secret);
my $payload = next_notification($stranger);
is($payload, $node->safe_psql('postgres', 'SELECT live_private.newest_batch()'), 'with a worker: the number of the batch');

my $other = as_stranger('unlisted');
$other->query('LISTEN pg_live');
$node->safe_psql('unlisted', $secret);
is(next_notification($other), '', 'without: nothing at all');
$other->quit;

for my $statement (
	"SELECT live.emit('activity', 'x', '{}')", "SELECT live.send('activity', 'x', '{}')",
	'SELECT * FROM live.fetch_events(0)', 'SELECT live.publish()',
	'SELECT live_private.newest_batch()', 'SELECT live.status()',
	"SELECT live.replay('activity')", 'SELECT live.drop_expired_events()',
	"SELECT live.topic_access('activity')", "SELECT nextval('live_private.event_id')",
	'SELECT * FROM live.event', 'SELECT * FROM live_private.event_0',
	'SELECT * FROM live.signal', 'SELECT * FROM live_private.signal_0',
	'SELECT * FROM live_private.batch', 'SELECT * FROM live_private.topic_rule',
	'TRUNCATE live_private.event_0', "SELECT live.grant_bridge('stranger')",
	'SELECT last_value FROM live_private.event_id')
{
	my ($status, $output, $errors) = $node->psql('postgres', $statement, extra_params => [ '-U', 'stranger' ]);
	like("$status $output $errors", qr/^3  .*ERROR:  permission denied for /s, "refused: $statement");
}

# Notifications of a stranger: numbers from the past and the future, no numbers, much text. A listener looks, and
# finds what is there.
my $before = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');
$stranger->query("SELECT pg_notify('pg_live', p) FROM unnest(array['', '0', '-1', '9223372036854775807', '99999999999999999999', 'x; DROP TABLE y', repeat('z', 7999)]) p");
$stranger->quit;
is($node->safe_psql('postgres', 'SELECT live.publish()'), $before, 'garbage publishes nothing');
$node->safe_psql('postgres', "SELECT live.emit('activity', 'after', '{}')");
poll_ok($node, "SELECT live_private.newest_batch() > $before", 'and disturbs no worker');
is($node->safe_psql('postgres', "SELECT event FROM live.fetch_events($before)"), 'after', 'the stream goes on');
done_testing();
