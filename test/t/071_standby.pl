# A standby publishes nothing and says so; when it is promoted it goes on where the primary ended, under rising numbers.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = start_with_extension('primary');
# No process publishes in this database: what is emitted there waits for the standby's promotion.
$primary->safe_psql('postgres', 'CREATE DATABASE waiting');
$primary->safe_psql('waiting', 'CREATE EXTENSION pg_live');
$primary->backup('copy');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', "pg_live.databases = 'postgres, waiting'");
$standby->start;

my $published = "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'published')";
$primary->safe_psql('postgres', "SELECT live.emit('activity', 'published', '{}')");
poll_ok($primary, $published, 'the primary publishes');
$primary->safe_psql('waiting', "SELECT live.emit('activity', 'waited', '{}')");
$primary->wait_for_catchup($standby);

is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_live worker'}),
	'0', 'no worker runs on a standby');
my $primary_batch = $primary->safe_psql('postgres', 'SELECT live_private.newest_batch()');
is($standby->safe_psql('postgres', "SELECT live.status() ->> 'last_batch'"), $primary_batch, 'its status names the newest batch of the primary');
is($standby->safe_psql('postgres', "SET application_name = 'pg-live-bridge listener'; SELECT live.status() ->> 'publisher'"),
	'none', 'and says that nobody publishes there');
is($standby->safe_psql('postgres', "SELECT event FROM live.replay('activity')"), 'published', 'what was published can be replayed there');
for my $call ("live.emit('activity', 'x', '{}')", "live.emit('activity', 'x', '{}', false)", 'live.publish()')
{
	my ($status, $output, $errors) =
	  $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call", on_error_stop => 1);
	like($errors, qr/ERROR:  25006: /, "a standby refuses $call");
}

$primary->stop('fast');
$standby->promote;
for my $database ('postgres', 'waiting')
{
	poll_ok($standby, "SELECT live.status() ->> 'mode' = 'worker'", "a worker starts in $database at promotion", $database);
}
poll_ok($standby, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'waited')",
	'what the primary committed and did not publish is published', 'waiting');

my $position = position_of($standby, 'published');
$standby->safe_psql('postgres', "SELECT live.emit('activity', 'promoted', '{}')");
poll_ok($standby, "SELECT exists (SELECT FROM live.fetch_events($primary_batch) WHERE event = 'promoted')",
	'new events follow under higher numbers');
is($standby->safe_psql('postgres', "SELECT event FROM live.replay('activity', '$position')"),
	'promoted', 'a client of the primary resumes at the new one and gets nothing twice');
done_testing();
