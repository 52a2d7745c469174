# A transaction that emitted early and commits late is delivered after one that overtook it, and a client that resumes
# from the position of the later one still gets it.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('late_commit');
my $late = $node->background_psql('postgres', on_error_stop => 1);
$late->query_safe("BEGIN; SELECT live.emit('activity', 'late', '{}')");
$node->safe_psql('postgres', "SELECT live.emit('activity', 'early', '{}')");

poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE event = 'early')", 'the second is delivered');
is(position_of($node, 'late'), '', 'the first is not, while it is open');
my ($batch, $id) = split /-/, position_of($node, 'early');

$late->query_safe('COMMIT');
$late->quit;
my $fetch = "SELECT event FROM live.fetch_events($batch, $id)";
poll_ok($node, "SELECT exists ($fetch)", 'a bridge that fetches after the second gets more');
is($node->safe_psql('postgres', $fetch), 'late', 'and that is the first');
is($node->safe_psql('postgres', "SELECT event FROM live.replay('activity', '$batch-$id')"),
	'late', 'a client that resumes from the second gets the first');
is($node->safe_psql('postgres', "SELECT event FROM live.replay('activity')"),
	"early\nlate", 'and the order stays that of delivery');

my ($late_batch, $late_id) = split /-/, position_of($node, 'late');
cmp_ok($late_id, '<', $id, 'though the first was emitted first');
is($node->safe_psql('postgres', "SELECT event FROM live.replay('activity', '$late_batch-$late_id')"),
	'', 'nothing comes twice');
done_testing();
