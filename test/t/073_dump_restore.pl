# A dump carries the rules and the grants but no event, and restoring it emits none, in the custom and the plain format.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{LANG} = 'C.UTF-8'; # of the cluster: text sessions need UTF8
my $node = start_with_extension('dump_restore', 'pg_live.databases' => 'postgres, restored_custom, restored_plain');
my @connection = ('--host', $node->host, '--port', $node->port);
$node->safe_psql('postgres', q{
	CREATE ROLE authenticated NOLOGIN;
	CREATE ROLE bridge LOGIN;
	SELECT live.grant_client('authenticated'), live.grant_bridge('bridge');
	CREATE SCHEMA app;
	CREATE TABLE app.member (room text, user_id text);
	CREATE FUNCTION app.may_enter(topic text) RETURNS boolean STABLE
		BEGIN ATOMIC SELECT EXISTS (SELECT FROM app.member m WHERE 'room:' || m.room = topic AND m.user_id = (SELECT live.user_id())); END;
	SELECT live.set_topic_rule('room:*', 'app.may_enter(text)');
	CREATE FUNCTION app.announce() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM live.emit('room:' || new.room, 'joined', to_jsonb(new)); RETURN new; END $$;
	CREATE TRIGGER announce AFTER INSERT ON app.member FOR EACH ROW EXECUTE FUNCTION app.announce();
	INSERT INTO app.member SELECT n, 'anna' FROM generate_series(1, 1000) n;
	INSERT INTO live.collaboration_sessions (id, room_name, created_by) VALUES ('00000000-0000-4000-8000-000000000001', 'room', 'anna');
	INSERT INTO live.session_participants (session_id, user_id, role) VALUES ('00000000-0000-4000-8000-000000000001', 'anna', 'owner');
	INSERT INTO live_private.follow_edge (follower, followed) VALUES ('bob', 'anna');
	CREATE TABLE app.book (gone text, id bigint PRIMARY KEY, title text);
	ALTER TABLE app.book DROP COLUMN gone; -- so that columns have other numbers in the copy
	CREATE VIEW app."Odd ""View" AS SELECT id AS "The Key" FROM app.book;
	SELECT live.register_entity_type('book', 'app.book', 'id'), live.register_entity_type('odd', 'app."Odd ""View"', 'The Key');
	SELECT live.track_activity('app.book', metadata_columns => '{title}');
	SELECT live.set_presence_visibility('followers');
	SET request.jwt.claim.sub = 'anna';
	SELECT live.heartbeat(gen_random_uuid(), 'desktop', ttl => '1 day'), live.update_presence('busy', 'writing', metadata => '{"a": 1}');
	INSERT INTO app.book SELECT n, 'title ' || n FROM generate_series(1, 100) n;
	SELECT live.log_activity('read', 'odd', n::text, '{"a": [1, "ü"]}', idempotency_key => 'key ' || n) FROM generate_series(1, 20) n;
	SELECT live.log_activity('told ' || n, visibility => 'users', audience => '{bob,carl}') FROM generate_series(1, 10) n;
	SELECT live.log_activity('met', visibility => 'session', session_id => '00000000-0000-4000-8000-000000000001'), live.log_activity('secret', visibility => 'private');
	SELECT live.delete_activity(id) FROM live.activity_stream WHERE activity_type = 'told 3';
	SELECT live_private.fold_trends();
	SELECT live.delete_activity(id) FROM live.activity_stream WHERE entity_type = 'odd' AND entity_id = '7';
	SELECT live.create_session(policy || ' session', policy, initial_document => CASE policy WHEN 'text' THEN 'début' WHEN 'json' THEN '{"a": {"b": 1}}' END)
	FROM unnest(enum_range(NULL::live.merge_policy)) AS policy;
	SELECT live.submit_operations(s.id, s.head, jsonb_build_array(o.operation, o.operation), 'tab', 'key ' || s.policy)
	FROM live.collaboration_sessions s JOIN (VALUES ('text', '[5]'::jsonb), ('json', '{"path": ["a", "c"], "value": [1]}'), ('cas', '{"step": 1}'), ('append', '{"update": "AQ=="}'))
		AS o (policy, operation) ON o.policy = s.policy::text WHERE s.room_name = s.policy || ' session';
	SELECT live.submit_operations(s.id, s.head, '[[5, [0, " ☃"]]]', 'tab', 'last') FROM live.collaboration_sessions s WHERE s.room_name = 'text session';
	SELECT live.save_snapshot(s.id, 1, '\x6361') FROM live.collaboration_sessions s WHERE s.room_name = 'cas session';
	SELECT live.join_session('text session');
	SET request.jwt.claim.sub = 'carl';
	SELECT live.mark_read(array(SELECT id FROM live.get_notifications() WHERE activity_type IN ('told 1', 'told 2')));
	SET request.jwt.claim.sub = 'bob';
	SELECT live.mark_read(), live.mark_seen();
	SET request.jwt.claim.sub = 'anna';
	SELECT live.log_activity('told after', visibility => 'users', audience => '{bob,carl}');
	SET request.jwt.claim.sub = 'iris';
	SELECT live.heartbeat(gen_random_uuid(), ttl => '1 day'), live.update_presence('invisible', 'hidden')});
is($node->safe_psql('postgres', "SELECT count(*) FROM live.event WHERE topic LIKE 'room:%'"), '1000', 'the original has events');

# Sums of trends are compared with what the refresher may or may not have added to them yet.
my $restored_state = q{
	BEGIN;
	DO 'BEGIN PERFORM live_private.fold_trends(); END';
	SELECT concat_ws(E'\n',
		(SELECT count(*) FROM app.member),
		(SELECT string_agg(r::text, ' ' ORDER BY r.pattern) FROM live_private.topic_rule r),
		(SELECT string_agg(concat_ws(' ', p.user_id, p.mode, p.custom_status, p.device_type, p.metadata, p.last_seen_at), E'\n' ORDER BY p.user_id)
		 FROM live.user_presence p),
		(SELECT string_agg(i::text, ' ') FROM live_private.invisible_user i), (SELECT r.rule FROM live_private.presence_rule r),
		(SELECT string_agg(e::text, ' ') FROM live_private.follow_edge e), (SELECT string_agg(s::text, ' ' ORDER BY s.id) FROM live.collaboration_sessions s),
		(SELECT string_agg(concat_ws(' ', p.session_id, p.user_id, p.role, p.joined_at), ' ' ORDER BY p.session_id, p.user_id) FROM live.session_participants p),
		(SELECT string_agg(o::text, ' ' ORDER BY o.session_id, o.version) FROM live.operation o), (SELECT string_agg(s::text, ' ' ORDER BY s.session_id, s.version) FROM live.session_snapshot s),
		(SELECT string_agg(s::text, ' ' ORDER BY s.session_id) FROM live_private.submission s),
		(SELECT string_agg(live.check_session(s.id)::text, ' ' ORDER BY s.id) FROM live.collaboration_sessions s),
		(SELECT string_agg(a::text, E'\n' ORDER BY a.id) FROM live.activity_stream a), (SELECT string_agg(k::text, E'\n' ORDER BY k.activity_id) FROM live.activity_key k), (SELECT string_agg(t::text, ' ' ORDER BY t.name) FROM live_private.entity_type t),
		(SELECT string_agg(concat_ws(' ', m.user_id, m.created_at, m.activity_id), E'\n' ORDER BY m.user_id, m.activity_id) FROM live_private.activity_audience m),
		(SELECT string_agg(concat_ws(' ', s.user_id, s.read_until, s.seen_until), E'\n' ORDER BY s.user_id) FROM live_private.notification_state s),
		(SELECT string_agg(r::text, ' ' ORDER BY r) FROM live_private.notification_read r), (SELECT string_agg(t::text, ' ' ORDER BY t) FROM live_private.trend t),
		(SELECT string_agg(concat_ws(' ', m.user_id, m.activity_id), E'\n' ORDER BY m.user_id, m.activity_id) FROM live_private.activity_audience m WHERE NOT live_private.is_read(m)),
		(SELECT string_agg(concat_ws(' ', t.entity_type, t.entity_id), E'\n' ORDER BY t.entity_type, t.entity_id) FROM live.get_trending(NULL, 1000) t),
		(SELECT string_agg(concat_ws(' ', tgname, tgenabled), ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'app.book'::regclass),
		(SELECT string_agg(p.oid::regprocedure || ' ' || a.grantee::regrole || ' ' || a.privilege_type, E'\n'
				ORDER BY p.oid::regprocedure::text, a.grantee::regrole::text)
		 FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a
		 WHERE p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND a.grantee <> 10),
		(SELECT string_agg(c.oid::regclass || '.' || f.attname || ' ' || a.grantee::regrole || ' ' || a.privilege_type, E'\n'
				ORDER BY c.relname, f.attnum, a.grantee::regrole::text)
		 FROM pg_class c JOIN pg_attribute f ON f.attrelid = c.oid CROSS JOIN aclexplode(f.attacl) a
		 WHERE c.relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND a.grantee <> 10));
	ROLLBACK};
my $original_state = $node->safe_psql('postgres', $restored_state);
is($node->safe_psql('postgres', q{SELECT string_agg(s.policy || ' ' || s.head || ' ' || (live.check_session(s.id) ->> 'clean'), ', ' ORDER BY s.policy) FROM live.collaboration_sessions s WHERE s.room_name LIKE '% session'}),
	'text 3 true, json 2 true, cas 2 true, append 2 true', 'the sessions of all policies are compared');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live.session_participants WHERE is_active'), '1', 'and one participant is active');
like($original_state, qr/^live\.topic_access\(text\) authenticated EXECUTE$/m, 'grants are compared');

my $file = "$PostgreSQL::Test::Utils::tmp_check/dump";
for my $format ('custom', 'plain')
{
	my $database = "restored_$format";
	command_ok([ 'pg_dump', @connection, '--format', $format, '--file', "$file.$format", 'postgres' ], "dumped: $format");
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	my @restore = $format eq 'custom'
	  ? ('pg_restore', @connection, '--exit-on-error', '--dbname', $database, "$file.$format")
	  : ('psql', @connection, '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', $database, '--file', "$file.$format");
	command_ok(\@restore, "restored: $format");

	is($node->safe_psql($database, $restored_state), $original_state, "$format: rows, rules and grants are the same");
	is($node->safe_psql($database, 'SELECT (SELECT count(*) FROM live.event), (SELECT count(*) FROM live_private.batch), live_private.newest_batch()'),
		'0|0|0', "$format: no event came along and the restore emitted none");
	is($node->safe_psql($database, q{SELECT string_agg(DISTINCT status::text, ',') FROM live.user_presence}),
		'offline', "$format: nobody is online in the copy");
	is($node->safe_psql($database, 'SELECT count(*) FROM live.session_participants WHERE is_active'), '0', "$format: nor in a session");
	is($node->safe_psql($database, q{
		SET request.jwt.claim.sub = 'anna';
		SELECT live.get_document(s.id), live.get_document(s.id, 0), live.submit_operations(s.id, 2, '[[5, [0, " ☃"]]]', 'tab', 'last') ->> 'status', live.submit_operations(s.id, 3, '[[7, [0, "!"]]]', 'other') ->> 'head'
		FROM live.collaboration_sessions s WHERE s.room_name = 'text session';
		SELECT live.get_document(s.id) FROM live.collaboration_sessions s WHERE s.room_name = 'json session';
		SELECT live.get_document(s.id) FROM live.collaboration_sessions s WHERE s.room_name = 'text session'}),
		qq(début ☃|début|duplicate|4\n{"a": {"b": 1, "c": [1]}}\ndébut ☃!), "$format: documents go on where they were, and a repeated submission is recognized");
	$node->safe_psql($database, "INSERT INTO app.member VALUES ('new', 'anna')");
	is($node->safe_psql($database, q{
		SET request.jwt.claim.sub = 'bob';
		SELECT live.unread_count(), (SELECT string_agg(activity_type, ',') FROM live.get_notifications() WHERE NOT read), (SELECT string_agg(activity_type, ',') FROM live.get_notifications() WHERE NOT seen);
		SET request.jwt.claim.sub = 'carl';
		SELECT live.unread_count()}), "1|told after|told after\n8", "$format: what was read stays read, and the rest is unread");
	is($node->safe_psql($database, q{
		SET request.jwt.claim.sub = 'anna';
		SELECT (live.log_activity('told here', visibility => 'users', audience => '{bob}')).id > (SELECT max(id) FROM live.activity_stream);
		SELECT (live.log_activity('read', 'odd', '1', '{"a": [1, "ü"]}', idempotency_key => 'key 1')).id = (SELECT activity_id FROM live.activity_key WHERE idempotency_key = 'key 1');
		INSERT INTO app.book VALUES (1000, 'new');
		SELECT activity_type || (metadata ->> 'title') FROM live.activity_stream WHERE entity_type = 'book' AND entity_id = '1000';
		SET request.jwt.claim.sub = 'bob';
		SELECT live.unread_count(); SELECT live.mark_read(); SELECT live.unread_count()}), "t\nt\ncreatednew\n2\n\n0", "$format: ids go on, keys still count, tables are tracked, new ones are unread until they are read");
	poll_ok($node, "SELECT exists (SELECT FROM live.fetch_events(0) WHERE topic = 'room:new')", "$format: the copy is at work", $database);
}
done_testing();
