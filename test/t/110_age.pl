# An old database: much is kept, statistics are fresh, and PostgreSQL's settings are its defaults. The calls of apps and
# bridges are not compiled just in time, and read what they are about and not what is kept.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# Without a worker, so that the calls find their work undone; transactions are numbered on from above those that are made up.
my $first_xid = 2**20;
my $node = new_cluster('age', 'pg_live.databases' => '', shared_buffers => '128MB');
system_or_bail('pg_resetwal', '--next-transaction-id', $first_xid, '--pgdata', $node->data_dir);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_live;
	CREATE ROLE authenticated;
	SELECT live.grant_client('authenticated');
	CREATE FUNCTION allow(topic text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
	SELECT live.set_topic_rule('room ' || n || ':*', 'allow(text)', 'allow(text)') FROM generate_series(0, 99) AS n;
	SELECT live.publish()});

# Three days of events: a transaction has one or two, a batch has one transaction. Two of five are on one busy topic.
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE FUNCTION pg_temp.at(n numeric) RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() - interval '70 hours' * (1 - n / 150000) - interval '1 minute' $$;
	CREATE FUNCTION pg_temp.room(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-4000-9000-%s', lpad(n::text, 12, '0'))::uuid $$;
	TRUNCATE live_private.batch;
	INSERT INTO live_private.batch (id, snapshot, xids, events)
	SELECT (extract(epoch FROM at) * 1000000)::bigint, format('%s:%s:', 1001 + n, 1001 + n)::pg_snapshot, ARRAY[(1000 + n)::text::xid8], CASE n % 3 WHEN 0 THEN 1 ELSE 2 END
	FROM generate_series(0, 149999) AS n, pg_temp.at(n) AS at;
	INSERT INTO live.event (id, xid, topic, event, payload, created_at, slot)
	SELECT nextval('live_private.event_id'), (1000 + n * 3 / 5)::text::xid8, CASE WHEN n % 5 < 2 THEN 'room 0:busy' ELSE 'room ' || n % 100 || ':' || n % 1000 END, 'happened',
		jsonb_build_object('n', n), at, extract(epoch FROM at)::bigint / (36 * 3600) % 4
	FROM generate_series(0, 249999) AS n, pg_temp.at(n * 3 / 5) AS at;

	INSERT INTO live.collaboration_sessions (id, room_name, created_by) SELECT pg_temp.room(n), 'room', 'user 1' FROM generate_series(0, 999) AS n;
	INSERT INTO live.session_participants (session_id, user_id) SELECT pg_temp.room(n), 'user ' || u FROM generate_series(0, 999) AS n, generate_series(n, n + 9) AS u;
	INSERT INTO live_private.follow_edge (follower, followed) SELECT 'user ' || n % 1000, 'user ' || n % 1000 + n / 1000 + 1 FROM generate_series(0, 9999) AS n;
	INSERT INTO live.activity_stream (user_id, activity_type, entity_type, entity_id, metadata, visibility, session_id, created_at)
	SELECT 'user ' || n % 9973, 'type ' || n / 5 % 19, 'kind ' || n % 10, (n % 50000)::text, jsonb_build_object('n', n),
		visibility, CASE visibility WHEN 'session' THEN pg_temp.room(n / 5 % 1000) END, pg_temp.at(n)
	FROM generate_series(0, 149999) AS n, LATERAL (SELECT (enum_range(NULL::live.activity_visibility))[1 + n % 5]) AS v (visibility);
	INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type, xid)
	SELECT 'user ' || (metadata ->> 'n')::integer / 5 % 10, created_at, id, activity_type, '3' FROM live.activity_stream WHERE visibility = 'users';
	INSERT INTO live_private.trend SELECT 'kind ' || n % 10, md5(n::text) || md5(n::text), n / 50000.0 FROM generate_series(0, 99999) AS n;
	COMMIT});

# Who ever came, of whom every second is here; who is in which channel; who types where.
$node->safe_psql('postgres', q{
	BEGIN;
	INSERT INTO live_private.node (id, renewed_at, expires_at) VALUES ('00000000-0000-4000-8000-000000000000', now(), now() + interval '1 day');
	ALTER TABLE live.user_presence DISABLE TRIGGER restore_offline;
	INSERT INTO live.user_presence (user_id, status, custom_status, device_type, last_seen_at)
	SELECT 'user ' || n, CASE WHEN n % 10000 = 2 THEN 'busy' WHEN n % 2 = 0 THEN 'online' ELSE 'offline' END::live.presence_status, repeat('busy with something ', 4), 'web', now() FROM generate_series(0, 99999) AS n;
	UPDATE live.user_presence SET mode = 'busy' WHERE status = 'busy';
	ALTER TABLE live.user_presence ENABLE ALWAYS TRIGGER restore_offline;
	INSERT INTO live.connection (id, user_id, node_id, connected_at, last_active_at, seen_at, expires_at, check_at)
	SELECT gen_random_uuid(), 'user ' || n, '00000000-0000-4000-8000-000000000000', now(), now(), now(), 'infinity', now() + interval '1 hour'
	FROM generate_series(0, 99999, 2) AS n;
	INSERT INTO live.channel_presence (ref, topic, is_private, key, user_id, connection, node_id, meta, hidden, joined_at, expires_at)
	SELECT c.id, 'room ' || n % 100 || ':' || n % 1000, true, c.user_id, c.user_id, c.id, c.node_id, '{}', false, now(), 'infinity'
	FROM (SELECT *, row_number() OVER () AS n FROM live.connection LIMIT 20000) AS c;
	INSERT INTO live.typing (location, user_id, started_at, expires_at, check_at)
	SELECT 'room ' || n % 100 || ':' || n % 1000, 'user ' || n, now(), now() + interval '1 hour', now() + interval '1 hour'
	FROM generate_series(0, 99999) AS n;
	COMMIT;
	SET request.jwt.claim.sub = 'user 6';
	SELECT live.mark_read()});
$node->safe_psql('postgres', 'VACUUM ANALYZE');

# What a call may read.
my $most_blocks = 1000;

# How a session of each kind begins.
my %sessions = (
	bridge => '',
	newcomer => q{SET ROLE authenticated; SET request.jwt.claim.role = 'authenticated'; SET request.jwt.claim.sub = 'newcomer'},
	service => q{SET request.jwt.claim.sub = 'user 6'},
	user => q{SET ROLE authenticated; SET request.jwt.claim.role = 'authenticated'; SET request.jwt.claim.sub = 'user 6'});

# What a call does in such a session: how many blocks it reads once its plans are made, whether anything of it is compiled.
sub work_of
{
	my ($session, $call, $before) = @_;
	$before //= 'SELECT';
	my ($output, $log);
	$node->psql('postgres', qq{
		LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log;
		$sessions{$session};
		$before;
		$call \\g /dev/null
		$before;
		EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) $call}, stdout => \$output, stderr => \$log, on_error_die => 1);
	my ($hit, $read) = $output =~ /"Shared Hit Blocks": (\d+).*?"Shared Read Blocks": (\d+)/s;
	return ($hit + $read, $log =~ /^\s*JIT:/m ? 'compiled' : 'not compiled');
}

my @scan = work_of('bridge', 'SELECT count(DISTINCT payload) FROM live.event', 'SET jit_above_cost = 10');
is($node->safe_psql('postgres', qq{
	SELECT string_agg(c.oid::regclass || ' ' || c.relpages, ', ') FROM pg_class c
	WHERE c.oid = ANY ('{live_private.batch,live.activity_stream,live.user_presence,live.connection,live.typing,live_private.trend}'::regclass[]) AND c.relpages <= $most_blocks}),
	'', 'each table that is kept or read whole is larger than what a call may read');
cmp_ok($scan[0], '>', $most_blocks, 'reading the events that are kept is seen');
is($scan[1], $node->safe_psql('postgres', q{SELECT CASE WHEN pg_jit_available() THEN 'compiled' ELSE 'not compiled' END}),
	'what is compiled is seen');

my $late = $node->safe_psql('postgres', q{
	SELECT b.id FROM live_private.batch b ORDER BY b.id DESC OFFSET 10 LIMIT 1});

# A kind: the session, the call, and what happens before it.
my @kinds = (
	[ 'a publication', 'bridge', 'SELECT live.publish()', q{SELECT live.emit('room 0:busy', 'happened', '{}')} ],
	[ 'fetching what is new', 'bridge', "SELECT * FROM live.fetch_events($late)" ],
	[ 'fetching what was', 'bridge', 'SELECT * FROM live.fetch_events(0, max_events => 20)' ],
	[ 'a replay from late on', 'user', "SELECT * FROM live.replay('room 0:busy', '$late-0')" ],
	[ 'a replay of a quiet topic from late on', 'user', "SELECT * FROM live.replay('room 7:7', '$late-0')" ],
	[ 'a replay since lately', 'user', q{SELECT * FROM live.replay('room 0:busy', since => now() - interval '70 seconds')} ],
	[ 'a replay since lately of a quiet topic', 'user', q{SELECT * FROM live.replay('room 7:7', since => now() - interval '1 hour')} ],
	[ 'the first page of a replay', 'user', q{SELECT * FROM live.replay('room 0:busy', max_events => 10)} ],
	[ 'access to a topic', 'user', q{SELECT * FROM live.topic_access('room 0:busy')} ],
	[ 'an emission', 'bridge', q{SELECT live.emit('room 0:busy', 'happened', '{}')} ],
	[ 'a signal', 'user', q{SELECT live.send('room 0:busy', 'happened', '{}')} ],
	[ 'logging', 'user', q{SELECT live.log_activity('type 1', 'kind 1', '1')} ],
	[ 'a notification', 'user', q{SELECT live.log_activity('type 1', visibility => 'users', audience => '{user 7,user 8}')} ],
	[ 'the feed', 'user', 'SELECT * FROM live.get_feed_activities(20)' ],
	[ 'the feed of a type', 'user', q{SELECT * FROM live.get_feed_activities(3, activity_types => '{type 0}')} ],
	[ 'the feed of an actor', 'user', q{SELECT * FROM live.get_feed_activities(20, actor => 'user 7')} ],
	[ 'the feed of a session', 'user', q{SELECT * FROM live.get_feed_activities(20, session_id => '00000000-0000-4000-9000-000000000006')} ],
	[ 'the feed of an entity', 'user', q{SELECT * FROM live.get_entity_activities('kind 0', '100', 20)} ],
	[ 'the home feed', 'user', 'SELECT * FROM live.get_home_feed(20)' ],
	[ 'the feed in groups', 'user', 'SELECT * FROM live.get_feed_groups(5)' ],
	[ 'the feed in groups, as a newcomer', 'newcomer', 'SELECT * FROM live.get_feed_groups(20)' ],
	[ 'the feed in groups, as a service', 'service', 'SELECT * FROM live.get_feed_groups(5)' ],
	[ 'the next page of the feed in groups', 'newcomer', 'SELECT * FROM live.get_feed_groups(5, (SELECT max(cursor) FROM live.get_feed_groups(50)))' ],
	[ 'notifications', 'user', 'SELECT * FROM live.get_notifications(20)' ],
	[ 'counting what is unread', 'user', 'SELECT live.unread_count()' ],
	[ 'presence', 'user', q{SELECT * FROM live.get_presence('user 10')} ],
	[ 'who is online', 'user', 'SELECT * FROM live.get_online_users(20)' ],
	[ 'who is busy', 'user', q{SELECT * FROM live.get_online_users(statuses => '{busy}')} ],
	[ 'who is busy, as a service', 'service', q{SELECT * FROM live.get_online_users(statuses => '{busy}')} ],
	[ 'who is away or busy', 'user', q{SELECT * FROM live.get_online_users(20, statuses => '{away,busy}')} ],
	[ 'a heartbeat', 'user', q{SELECT live.heartbeat('00000000-0000-4000-8000-000000000001')} ],
	[ 'a change of presence', 'user', q{SELECT live.update_presence('away')}, q{SELECT live.update_presence('auto')} ],
	[ 'typing', 'user', q{SELECT live.set_typing('room 0:0', true)} ],
	[ 'who types', 'user', q{SELECT live.get_typing('room 0:0')} ],
	[ 'who is in a channel', 'user', q{SELECT * FROM live.channel_members('room 7:7')} ],
	[ 'what is trending', 'user', 'SELECT * FROM live.get_trending()' ],
	[ 'what of a kind is trending', 'user', q{SELECT * FROM live.get_trending('kind 1')} ],
	[ 'dropping what is expired', 'bridge', 'SELECT live.drop_expired_events()' ],
	[ 'expiring presence', 'bridge', 'SELECT live.expire_presence()' ]);

is($node->safe_psql('postgres', q{
	WITH late AS (SELECT min(created_at) AS began FROM (SELECT * FROM live.event WHERE topic = 'room 0:busy' ORDER BY id DESC LIMIT 300) AS e)
	SELECT count(*) >= 300, count(*) = (SELECT count(*) FROM live.event e, late WHERE e.topic = 'room 0:busy' AND e.created_at >= late.began)
	FROM late, live.replay('room 0:busy', since => late.began)}), 't|t', 'a replay since a time has all that was emitted since');
for my $kind (@kinds)
{
	my ($name, $session, $call, $before) = @$kind;
	my ($blocks, $compiled) = work_of($session, $call, $before);
	is($compiled, 'not compiled', "$name: nothing is compiled");
	cmp_ok($blocks, '<=', $most_blocks, "$name: reads little ($blocks blocks)");
}

# Where a user may see few others, those are asked about and not all who are online.
for my $rule ('followers', 'session')
{
	$node->safe_psql('postgres', "SELECT live.set_presence_visibility('$rule')");
	my ($blocks) = work_of('user', 'SELECT * FROM live.get_online_users(20)');
	cmp_ok($blocks, '<=', $most_blocks, "who is online by the rule $rule: reads little ($blocks blocks)");
}
$node->safe_psql('postgres', q{SELECT live.set_presence_visibility('everyone')});

# While a session keeps an old snapshot, what was added to the sums of trends stays as dead rows; another commits late.
my ($reader, $late_writer) = map { $node->background_psql('postgres', on_error_stop => 1) } 1, 2;
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM live_private.trend_change');
my $change = q{INSERT INTO live_private.trend_change (entity_type, entity_id, moment, weight) SELECT 'trendy', 'thing', live_private.trend_moment(now()), 1};
$late_writer->query_safe('BEGIN; ' . $change =~ s/trendy/late/r);
$node->safe_psql('postgres', "$change FROM generate_series(1, 100000); SELECT live_private.fold_trends()");
cmp_ok($node->safe_psql('postgres', "SELECT pg_relation_size('live_private.trend_change') / 8192"), '>', $most_blocks, 'dead rows are kept');
for my $call ('SELECT live_private.fold_trends()', 'SELECT * FROM live.get_trending()')
{
	my ($blocks) = work_of('bridge', $call, $change);
	cmp_ok($blocks, '<=', $most_blocks, "$call does not read them ($blocks blocks)");
}
$node->safe_psql('postgres', 'SELECT live_private.fold_trends()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM live.get_trending('late')}), 0, 'what is not committed does not count');
$late_writer->query_safe('COMMIT');
for my $moment ('until it is folded', 'and then')
{
	is($node->safe_psql('postgres', q{SELECT score > 0.9 AND score <= 1 FROM live.get_trending('late')}), 't', "what is committed late counts once, $moment");
	$node->safe_psql('postgres', 'SELECT live_private.fold_trends()');
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.trend_change'), 0, 'nothing is left over');
$_->quit for $reader, $late_writer;
done_testing();
