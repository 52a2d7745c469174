# Databases of other encodings: what has no form in UTF-8, which clients read, is refused, and skipped if it is there.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('encoding');
for my $case (
	[ 'sql_ascii', 'SQL_ASCII', '\x80', 'é' ],
	[ 'win1252', 'WIN1252', '\x81', 'é' ])
{
	my ($database, $encoding, $bad, $good) = @$case;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION pg_live');
	my $text = "E'a$bad'::text";
	my $client = "SET client_encoding = '$encoding';";
	my %calls = (
		topic => "live.emit($text, 'e', '1')",
		event => "live.emit('t', $text, '1')",
		payload => "live.emit('t', 'e', to_jsonb($text))",
		key => "live.emit('t', 'e', jsonb_build_array(jsonb_build_object($text, 1)))");
	for my $what (sort keys %calls)
	{
		my ($status, $out, $err) = $node->psql($database, "$client \\set VERBOSITY sqlstate\nSELECT $calls{$what}");
		like($err, qr/22P05/, "$encoding: refused in a $what");
	}
	$node->safe_psql($database, "SET client_encoding = 'UTF8'; SELECT live.emit('$good', '$good', '{\"$good\": \"$good\"}')");
	$node->safe_psql($database, "$client INSERT INTO live.event (id, xid, topic, event, payload, slot)
		SELECT nextval('live_private.event_id'), pg_current_xact_id(), $text, 'e', to_jsonb($text), 0");
	$node->safe_psql($database, "$client INSERT INTO live.event (id, xid, topic, event, payload, slot)
		SELECT nextval('live_private.event_id'), pg_current_xact_id(), 'activity', event, to_jsonb($text), 0 FROM unnest('{bad,worse}'::text[]) AS event");
	$node->safe_psql($database, "SELECT live.emit('activity', 'after', '1'); SELECT live.publish();");
	is( $node->safe_psql($database,
			"SET client_encoding = 'UTF8'; SELECT topic, event, payload FROM live.fetch_events(0)"),
		"$good|$good|{\"$good\": \"$good\"}\na\\"
		  . ($encoding eq 'SQL_ASCII' ? '200' : '201')
		  . "|e|\nactivity|bad|\nactivity|worse|\nactivity|after|1",
		"$encoding: stored all the same, it is fetched without a payload");
	is($node->safe_psql($database, "SET client_encoding = 'UTF8'; SELECT event FROM live.replay('activity')"),
		'after', "$encoding: and not replayed");

	my $tracked = "INSERT INTO tracked VALUES ('1', $text, to_jsonb($text)), ('2', 'b', '{}'), ($text, 'c', '{}')";
	$node->safe_psql($database, "CREATE TABLE tracked (id text, a text, j jsonb); SELECT live.track_activity('tracked', metadata_columns => '{a,j}');
		$client SET request.jwt.claim.sub = 'anna'; $tracked");
	is($node->safe_psql($database, "SELECT entity_id, metadata FROM live.activity_stream"), qq(1|{}\n2|{"a": "b", "j": {}}),
		"$encoding: a tracked table takes it, and it is left out of the activities");
}
done_testing();
