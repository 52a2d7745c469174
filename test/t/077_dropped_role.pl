# Grants belong to the database that made them: a dump can be restored after a role was dropped, and gives nothing to a role
# that was never granted.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('dropped_role', 'pg_live.databases' => '');
$node->start;
my @connection = ('--host', $node->host, '--port', $node->port);
my $dump = "$PostgreSQL::Test::Utils::tmp_check/dump";

# Dumps a database, restores it to another, and returns the roles that may execute a client function there.
sub clients_of_copy
{
	my ($database, $copy) = @_;
	command_ok([ 'pg_dump', @connection, '--format', 'custom', '--file', "$dump.$database", $database ], "dumped: $database");
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	command_ok([ 'pg_restore', @connection, '--exit-on-error', '--single-transaction', '--dbname', $copy, "$dump.$database" ], "restored: $database");
	return $node->safe_psql($copy, q{SELECT string_agg(a.grantee::regrole::text, ' ' ORDER BY a.grantee::regrole::text)
		FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a WHERE p.oid = 'live.topic_access(text)'::regprocedure AND a.grantee <> p.proowner});
}

$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(granted ungranted);
$node->safe_psql('ungranted', 'CREATE EXTENSION pg_live');
$node->safe_psql('postgres', 'CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS; CREATE ROLE bridge NOINHERIT');
$node->safe_psql('granted', q{CREATE EXTENSION pg_live; SELECT live.grant_bridge('bridge')});
$node->safe_psql('granted', 'DROP OWNED BY service_role');
$node->safe_psql('postgres', 'DROP ROLE service_role');

is(clients_of_copy('granted', 'granted_copy'), 'authenticated', 'a role that is left has its grants in the copy');
is($node->safe_psql('granted_copy', q{SELECT string_agg(role::text, ' ') FROM live_private.roles_granted('bridge') AS role}), 'bridge', 'and the bridge is one');
is(clients_of_copy('ungranted', 'ungranted_copy'), '', 'a role that was never granted has none');
is(clients_of_copy('granted_copy', 'copy_of_copy'), 'authenticated', 'a copy can be copied');
done_testing();
