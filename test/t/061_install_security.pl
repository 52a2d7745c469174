# A role that may create objects, even one that owns the database and its search path, gets nothing executed by the
# installation, by the functions that run with the owner's rights, nor by the worker.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('install_security', 'pg_live.databases' => 'app');
$node->start;
# A role cannot be both a client and a bridge: the attacker has what both may.
$node->safe_psql('postgres', 'CREATE ROLE client; CREATE ROLE bridge; CREATE ROLE attacker LOGIN IN ROLE bridge');
$node->safe_psql('postgres', 'CREATE DATABASE app OWNER attacker');
my @attacker = (extra_params => [ '-U', 'attacker' ]);

# A schema with a name of ours belongs to another role.
for my $schema ('live', 'live_private')
{
	$node->safe_psql('app', "CREATE SCHEMA $schema", @attacker);
	for my $command ('CREATE EXTENSION pg_live', 'CREATE EXTENSION IF NOT EXISTS pg_live', "CREATE EXTENSION pg_live SCHEMA $schema")
	{
		my ($status, $output, $errors) = $node->psql('app', $command);
		like($errors, qr/ERROR:  (schema "$schema" already exists|extension "pg_live" must be installed in schema "pg_catalog")/,
			"refused beside $schema: $command");
	}
	is($node->safe_psql('app', "SELECT count(*) FROM pg_extension WHERE extname = 'pg_live'"), '0', 'nothing is installed');
	is($node->safe_psql('app', "SELECT count(*) FROM pg_depend WHERE refobjid = '$schema'::regnamespace"), '0', "nothing was put into $schema");
	$node->safe_psql('app', "DROP SCHEMA $schema", @attacker);
}

# A trap under the name of every function, operator and type of pg_catalog, in a schema that the database's search path
# puts before it. A trap says who was caught.
$node->safe_psql(
	'app', q{
	SET client_min_messages = error;
	CREATE SCHEMA evil;
	DO $do$
	DECLARE
	  original record;
	BEGIN
	  FOR original IN
	    SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
	    FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
	  LOOP
	    BEGIN
	      EXECUTE format(
	        'CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
	        original.proname, original.arguments, original.result,
	        format('BEGIN RAISE WARNING ''trapped: %I as %%'', current_user; RETURN%s; END', original.proname,
	               CASE WHEN original.result LIKE 'SETOF%' OR original.result LIKE 'TABLE%' OR original.result IN ('void', 'record')
	                    THEN '' ELSE ' NULL' END));
	    EXCEPTION WHEN OTHERS THEN NULL; -- internal types
	    END;
	  END LOOP;
	  FOR original IN
	    SELECT o.oprname, p.proname, nullif(o.oprleft, 0)::regtype AS left_type, o.oprright::regtype AS right_type
	    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
	    WHERE o.oprnamespace = 'pg_catalog'::regnamespace
	  LOOP
	    BEGIN
	      EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.%I, RIGHTARG = %s%s)', original.oprname, original.proname,
	                     original.right_type, coalesce(', LEFTARG = ' || original.left_type, ''));
	    EXCEPTION WHEN OTHERS THEN NULL;
	    END;
	  END LOOP;
	  FOR original IN
	    SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
	  LOOP
	    BEGIN
	      EXECUTE format('CREATE DOMAIN evil.%I AS pg_catalog.bool CHECK (false)', original.typname);
	    EXCEPTION WHEN OTHERS THEN NULL;
	    END;
	  END LOOP;
	END $do$}, @attacker);
cmp_ok($node->safe_psql('app', "SELECT count(*) FROM pg_proc WHERE pronamespace = 'evil'::regnamespace"), '>', 1500, 'traps for functions');
cmp_ok($node->safe_psql('app', "SELECT count(*) FROM pg_operator WHERE oprnamespace = 'evil'::regnamespace"), '>', 500, 'for operators');
cmp_ok($node->safe_psql('app', "SELECT count(*) FROM pg_type WHERE typnamespace = 'evil'::regnamespace AND typtype = 'd'"), '>', 50, 'and for types');
$node->safe_psql('app', 'ALTER DATABASE app SET search_path = evil, public, pg_catalog', @attacker);

my ($status, $output, $errors) = $node->psql('app', q{SELECT length('x')});
like($errors, qr/trapped: length as postgres/, 'a trap works');

# What a session of `user` says to the statements; its errors and warnings.
sub said
{
	my ($user, @statements) = @_;
	my ($code, $out, $err) = $node->psql('app', join(";\n", @statements), on_error_stop => 0, extra_params => [ '-U', $user ]);
	return $err;
}

is(said('postgres', 'CREATE EXTENSION pg_live'), '', 'the extension installs among them, and touches none');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_live worker'");

my @administration = (
	"SELECT live.grant_client('client')", "SELECT live.grant_bridge('bridge')",
	"SELECT live.set_topic_rule('room:*', 'public.everybody(pg_catalog.text)', 'public.everybody(pg_catalog.text)')",
	"SELECT live.set_topic_rule('hall', 'public.everybody(pg_catalog.text)')", "SELECT live.drop_topic_rule('hall')",
	"SELECT live.revoke_access('room:1', 'ann')", "SELECT live.revoke_access('room:*')",
	"SELECT live.emit('activity', 'by an admin', '{}'), live.emit('activity', 'by an admin', '{}', false)");
my @use = (
	q{SET request.jwt.claims = '{"sub": "ann", "role": "authenticated"}'},
	'SELECT live.version(), live.jwt(), live.user_id(), live.user_uuid(), live.jwt_role()', "SELECT live.claim('sub')",
	"SELECT live_private.is_built_in_topic('room:1'), live_private.topic_rule_of('room:1')",
	"SELECT * FROM live.topic_access('room:1')", "SELECT * FROM live.topic_access('user:ann')",
	"SELECT * FROM live.topic_access('typing:room:1')",
	"SELECT live.send('room:1', 'sent', '{}'), live.send('room:1', 'sent', '{}', true)",
	'SELECT live.publish()', 'SELECT live_private.newest_batch()', 'SELECT live.status()', 'SELECT live.drop_expired_events()',
	'SELECT * FROM live.fetch_events(0)', 'SELECT * FROM live.fetch_events(0, 1, 10)',
	"SELECT * FROM live.replay('room:1')", "SELECT * FROM live.replay('room:1', NULL, 'yesterday', 5)",
	"SELECT live.heartbeat('00000000-0000-4000-8000-000000000001')", 'SELECT live.refresh_summaries()',
	'SELECT * FROM live.get_presence_summary()', 'SELECT live.go_offline()', 'SELECT live.refresh_summaries()');
# Relations of the session's own, under the names that our functions read.
my @decoys = map { "CREATE TEMPORARY TABLE $_ (decoy pg_catalog.int4)" }
  qw(pg_proc pg_class pg_namespace pg_inherits pg_roles pg_stat_activity pg_prepared_xacts event signal batch topic_rule event_0
  user_presence announced_presence presence_summary);

$node->safe_psql('postgres', 'ALTER ROLE postgres IN DATABASE app SET search_path = pg_catalog');
$node->safe_psql('app', q{CREATE FUNCTION public.everybody(topic text) RETURNS boolean LANGUAGE sql RETURN true});
$node->safe_psql('postgres', 'ALTER ROLE postgres IN DATABASE app RESET search_path');

is(said('postgres', @administration, @use), '', 'an admin with that path is caught nowhere');
is(said('attacker', @use), '', 'nor are the functions that run with the rights of the owner');
is(said('attacker', @decoys, @use), '', 'nor by relations of the session itself');
is(said('postgres', @decoys, @administration, @use), '', 'nor is an admin');
my ($start) = $node->safe_psql('app', 'SELECT pg_catalog.split_part(position, \'-\', 1) FROM live.replay(\'activity\') LIMIT 1') =~ /(\d*)/;
is(said('attacker', "SELECT * FROM live.replay('activity', '$start-1')"), '', 'nor is a resume');

$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'pg_live %'");
said('attacker', @use);
ok($node->poll_query_until('app', "SELECT pg_catalog.jsonb_extract_path_text(live.status(), 'worker_running')", 'true'), 'a worker starts with that path');
said('attacker', @use);
is(said('postgres', 'DROP EXTENSION pg_live'), '', 'the extension can be removed');
my $log = slurp_file($node->logfile);
my @trapped = grep { !/trapped: length as/ } $log =~ /WARNING:  (trapped: .*)/g;
is("@trapped", '', 'nobody was caught, the worker neither');
done_testing();
