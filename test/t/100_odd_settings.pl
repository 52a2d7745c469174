# Databases with settings, encodings and owners other than the usual ones. In each the whole way works: events are
# published, presence is announced, feeds, trends and notifications are right, summaries follow; and the workers go on,
# with nothing to warn of.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# A kind: what its database is made with (create), what is set for it (set), what is done before and after the extension
# is made (before, after), and what of the server's log is expected (log).
my %kinds = (
	repeatable_read => { set => ["default_transaction_isolation = 'repeatable read'"] },
	serializable => { set => ['default_transaction_isolation = serializable', 'default_transaction_deferrable = on'] },
	read_only => { set => ['default_transaction_read_only = on'] },
	formats => {
		set => [
			"DateStyle = 'German'", "IntervalStyle = 'sql_standard'", "TimeZone = 'America/St_Johns'", "bytea_output = 'escape'",
			'extra_float_digits = -15', "xmlbinary = 'hex'"
		]
	},
	parsing => { set => [ 'quote_all_identifiers = on', 'transform_null_equals = on', 'array_nulls = off' ] },
	replica => { set => ['session_replication_role = replica'] },
	timeouts => {
		set => [
			"statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'"
		]
	},
	plans => { set => [ 'enable_indexscan = off', 'enable_indexonlyscan = off', "plan_cache_mode = 'force_custom_plan'", 'jit_above_cost = 0' ] },
	security => { set => [ 'row_security = off', "search_path = 'nowhere'", 'check_function_bodies = off' ] },
	turkish => { create => "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'" },
	sql_ascii => { create => "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'" },
	other_owner => { before => 'SET ROLE dba' },
	published => { before => 'CREATE PUBLICATION everything FOR ALL TABLES' },
	logged_ddl => {
		before => q{
			CREATE TABLE ddl (tag text);
			CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl VALUES (tg_tag); END $$;
			CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION note()}
	},
	forbidden_ddl => {
		after => q{
			CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % here', tg_tag; END $$;
			CREATE EVENT TRIGGER forbid ON ddl_command_start EXECUTE FUNCTION forbid()},
		log => qr/WARNING:  refreshing the (?:summary of presence|trends of activities) failed: no REFRESH MATERIALIZED VIEW here/,
	});

my $node = new_cluster('odd_settings',
	max_worker_processes => 60,
	'pg_live.refresh_interval' => '100ms',
	wal_level => 'logical',
	log_line_prefix => '%m [%p] %q%d ');
$node->start;

# What the workers must bear their clients need not: these say for themselves how long they may take and that they write.
local $ENV{PGOPTIONS} =
  '-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c default_transaction_read_only=off';

sub app
{
	my ($database, $statements) = @_;
	my ($status, $output, $errors);
	for (1 .. 20)
	{
		($status, $output, $errors) = $node->psql($database, $statements, extra_params => [ '--set', 'VERBOSITY=verbose' ]);
		last if $errors !~ /ERROR:  40001/; # what an app under such an isolation repeats
	}
	return $errors ne '' ? $errors : $output;
}

$node->safe_psql('postgres', 'CREATE ROLE dba SUPERUSER');
for my $kind (sort keys %kinds)
{
	my ($create, $before, $after) = map { $kinds{$kind}{$_} // '' } ('create', 'before', 'after');
	$node->safe_psql('postgres', "CREATE DATABASE $kind $create");
	$node->safe_psql('postgres', join ';', map { "ALTER DATABASE $kind SET $_" } @{ $kinds{$kind}{set} // [] });
	is(app($kind, "$before; CREATE EXTENSION pg_live; $after"), '', "$kind: the extension is made");
}
$node->append_conf('postgresql.conf', "pg_live.databases = '" . join(',', sort keys %kinds) . "'");
$node->restart;
my $log_start = -s $node->logfile;

my $workers = q{SELECT string_agg(datname || ' ' || backend_type || ' ' || pid, E'\n' ORDER BY datname, backend_type)
	FROM pg_stat_activity WHERE backend_type LIKE 'pg_live %'};
my $count = 2 * keys %kinds;
poll_ok($node, "SELECT count(*) = $count FROM pg_stat_activity WHERE backend_type LIKE 'pg_live %' AND state = 'idle'", 'all workers run');
my $before = $node->safe_psql('postgres', $workers);

my $presence = q{SELECT coalesce(string_agg(concat_ws(' ', e.payload ->> 'user_id', e.payload ->> 'status'), ', ' ORDER BY e.batch, e.id), '')
	FROM live.fetch_events(0) e WHERE e.topic = 'presence'};
for my $kind (sort keys %kinds)
{
	is(app($kind, q{
		SET request.jwt.claim.sub = 'anna';
		SELECT status FROM live.heartbeat('00000000-0000-4000-8000-000000000001', ttl => '1 day');
		SELECT (live.log_activity('LIKED', 'book', '1')).activity_type;
		SELECT live.audience(live.log_activity('told', visibility => 'users', audience => '{bob}'));
		SELECT (live.log_activity('gone', 'book', '2')).entity_id;
		SELECT live.delete_activity(id) FROM live.activity_stream WHERE activity_type = 'gone';
		SELECT live.emit('room', 'greeting', '{"text": "hello"}') > 0}),
		"online\nLIKED\n{bob}\n2\n\nt", "$kind: a user is online, logs and deletes, and an event is emitted");
	is(app($kind, q{
		SET request.jwt.claim.sub = 'bob';
		SELECT live.unread_count();
		SELECT string_agg(concat_ws(' ', activity_type, read), ', ') FROM live.get_notifications();
		SELECT live.mark_read();
		SELECT live.unread_count();
		SELECT string_agg(activity_type, ', ') FROM live.get_feed_activities();
		SELECT string_agg(concat_ws(' ', entity_type, entity_id), ', ') FROM live.get_trending();
		SELECT live.to_activitystreams(a) ->> 'type' FROM live.activity_stream a WHERE activity_type = 'LIKED';
		SELECT live.follow('anna'); SELECT live.follows('anna')}),
		"1\ntold f\n\n0\ntold, LIKED\nbook 1\nLike\n\nt", "$kind: another is told, reads it, and sees the feed and the trends");
	like(app($kind, q{SET request.jwt.claim.sub = 'anna'; SELECT live.go_offline(); SELECT status FROM live.get_presence()}), qr/^\s*offline$/,
		"$kind: the user goes offline");
}
for my $kind (sort keys %kinds)
{
	poll_ok($node, "SELECT ($presence) = 'anna online, anna offline'", "$kind: presence was announced", $kind);
	is(app($kind, q{SELECT payload ->> 'text' FROM live.fetch_events(0) WHERE topic = 'room'}), 'hello', "$kind: the event is published");
	is(app($kind, q{SELECT string_agg(payload ->> 'unread', ',' ORDER BY batch, id) FROM live.fetch_events(0) WHERE event = 'notification:count'}),
		'0', "$kind: the number of notifications too");
	poll_ok($node, q{SELECT NOT EXISTS (SELECT FROM live_private.trend_change) AND (SELECT count(*) = 1 FROM live_private.trend)}, "$kind: trends are added up", $kind);
	next if $kind eq 'forbidden_ddl';
	poll_ok($node, q{SELECT (SELECT array_agg(s.*::text) FROM live.presence_summary s) = '{"(offline,other,1)"}'
		AND (SELECT array_agg(t.activity_type || t.activities) FROM live.activity_trends t) = '{LIKED1}'}, "$kind: the summaries follow", $kind);
}
ok($node->wait_for_log($kinds{forbidden_ddl}{log}, $log_start), 'where DDL is forbidden the refresher says what it cannot do');
is(app('logged_ddl', q{SELECT count(*) > 0 FROM ddl WHERE tag = 'REFRESH MATERIALIZED VIEW'}), 't', 'a refresh is DDL');

is($node->safe_psql('postgres', $workers), $before, 'all workers are the same processes');
my @unexpected = grep { my $line = $_; $line =~ /(?:WARNING|ERROR|FATAL|PANIC):/ && !grep { $_->{log} && $line =~ $_->{log} } values %kinds }
  split /\n/, substr(slurp_file($node->logfile), $log_start);
is(join("\n", grep { !/40001|could not serialize access/ } @unexpected), '', 'and there is nothing to warn of');
done_testing();
