# Activities expire: the oldest first, at most 10000 a call, without an event, skipping what another transaction locks; those that
# stay are told and counted as before. By default they are kept for ever.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# No worker, so that every call is one of the test. About a day ago is a gap, so that nothing expires in the course of it.
my $node = start_with_extension('activity_retention', shared_preload_libraries => undef, 'pg_live.databases' => undef);
$node->safe_psql('postgres', q{
	INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, visibility, created_at, deleted_at)
	SELECT 'anna', 'type ' || n, 'book', (n % 3)::text, CASE n % 5 WHEN 0 THEN 'users' ELSE 'public' END::live.activity_visibility,
		now() - interval '3 days' + n * interval '10 seconds' + CASE WHEN n > 17000 THEN interval '2 hours' ELSE '0' END, CASE n % 7 WHEN 0 THEN now() END
	FROM generate_series(1, 25000) AS n;
	INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type)
		SELECT 'bob', created_at, id, activity_type FROM live.activity_stream WHERE visibility = 'users' AND deleted_at IS NULL;
	INSERT INTO live_private.notification_read SELECT user_id, activity_id FROM live_private.activity_audience WHERE activity_id % 2 = 0;
	SELECT live_private.note_trend(a, 1) FROM live.activity_stream a WHERE deleted_at IS NULL;
	SELECT live_private.fold_trends();
	ANALYZE live.activity_stream});

sub drop_expired { return $node->safe_psql('postgres', 'SELECT live.drop_expired_activities()'); }

sub retain
{
	my ($time) = @_;
	$node->append_conf('postgresql.conf', "pg_live.activity_retention = '$time'");
	$node->reload;
	return;
}
my $expired = "SELECT count(*) FROM live.activity_stream WHERE created_at < now() - interval '1 day'";
my $kept = q{SELECT count(*), min(id), max(id) FROM live.activity_stream WHERE created_at >= now() - interval '1 hour' - interval '1 day'};

is($node->safe_psql('postgres', q{LOAD 'pg_live'; SHOW pg_live.activity_retention}), '0', 'by default there is no end');
is(drop_expired(), '0', 'and nothing is dropped');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live.activity_stream'), '25000', 'all are there');

retain('1d');
my $events = $node->safe_psql('postgres', 'SELECT count(*) FROM live.event');
my $oldest = $node->safe_psql('postgres', 'SELECT min(id) FROM live.activity_stream');
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT id FROM live.activity_stream WHERE id = $oldest FOR UPDATE");
my $left = $node->safe_psql('postgres', $expired);
cmp_ok($left, '>', 11000, 'more have expired than one call drops');
is(drop_expired(), '10000', 'one call drops 10000');
is($node->safe_psql('postgres', 'SELECT count(*), min(id) FROM live.activity_stream WHERE id <= ' . ($oldest + 10000)), "1|$oldest",
	'the oldest, but not the one that a transaction locks');
cmp_ok(drop_expired(), '>', 0, 'the next one drops the rest');
is(drop_expired(), '0', 'then there is nothing to do');
is($node->safe_psql('postgres', $expired), '1', 'but the one that is held');
$holder->query_safe('COMMIT');
$holder->quit;
is(drop_expired(), '1', 'which is dropped when it is free');
is($node->safe_psql('postgres', $expired), '0', 'now all of them are gone');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM live.activity_stream'), '>', 5000, 'and the others are kept');

is($node->safe_psql('postgres', 'SELECT count(*) FROM live.event'), $events, 'nothing was told');
is($node->safe_psql('postgres', q{SELECT count(*) FROM live_private.activity_audience m WHERE NOT EXISTS (SELECT FROM live.activity_stream a WHERE a.id = m.activity_id)}),
	'0', 'their notifications went with them');
is($node->safe_psql('postgres', q{SELECT live_private.count_unread('bob') = (SELECT count(*) FROM live.activity_stream WHERE visibility = 'users' AND deleted_at IS NULL AND id % 2 = 1)}),
	't', 'and count no more');
my $trends_agree = q{
	SELECT bool_and(abs(t.score / e.score - 1) < 1e-3) AND count(*) = 3 FROM live.get_trending() t FULL JOIN (
		SELECT entity_type, entity_id, sum(power(2::float8, extract(epoch FROM created_at - now())::float8 / 86400)) AS score
		FROM live.activity_stream WHERE visibility = 'public' AND deleted_at IS NULL GROUP BY 1, 2) AS e USING (entity_type, entity_id)};
is($node->safe_psql('postgres', $trends_agree), 't', 'trends are of what is kept');
$node->safe_psql('postgres', 'SELECT live_private.fold_trends()');
is($node->safe_psql('postgres', $trends_agree), 't', 'when they are folded too');

# Nothing to drop: nothing is written.
my $before = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
is(drop_expired(), '0', 'another call');
is($node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()'), $before, 'writes nothing');

# A refresh of the summaries drops what has expired.
$node->safe_psql('postgres', "INSERT INTO live.activity_stream (user_id, activity_type, created_at) VALUES ('anna', 'old', now() - interval '2 days')");
$node->safe_psql('postgres', 'SELECT live.refresh_summaries()');
is($node->safe_psql('postgres', $expired), '0', 'refreshing by hand drops them');

# The worker does, by itself, as soon as there is a retention.
$node->safe_psql('postgres', "INSERT INTO live.activity_stream (user_id, activity_type, created_at) SELECT 'anna', 'old', now() - interval '2 days' FROM generate_series(1, 15000)");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_live'\npg_live.databases = 'postgres'\npg_live.activity_retention = 0");
$node->restart;
poll_ok($node, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_live refresher' AND state = 'idle'}, 'a refresher runs');
isnt(asleep_since($node), '', 'and sleeps');
is($node->safe_psql('postgres', "SELECT count(*) FROM live.activity_stream WHERE activity_type = 'old'"), '15000', 'without a retention it keeps everything');
retain('1d');
poll_ok($node, "SELECT ($expired) = 0", 'with one it drops all that has expired, in several transactions');
done_testing();
