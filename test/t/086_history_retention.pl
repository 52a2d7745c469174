# Snapshots of sessions and the end of old operations: only behind a snapshot, the oldest first, without gaps in what is kept.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# No worker, so that every call is one of the test.
my $node = start_with_extension('history_retention', shared_preload_libraries => undef, 'pg_live.databases' => undef);
$node->safe_psql('postgres', "CREATE DATABASE notes TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$node->safe_psql('notes', 'CREATE EXTENSION pg_live');
my $as_anna = q{SET request.jwt.claims = '{"sub": "anna"}';};
sub sql { my ($query) = @_; return $node->safe_psql('notes', $query); }
sub of_anna { my ($query) = @_; return sql("$as_anna $query"); }
sub error_of { my ($query) = @_; my (undef, undef, $error) = $node->psql('notes', "\\set VERBOSITY verbose\n$as_anna $query"); return $error; }
sub id_of { my ($room) = @_; return sql("SELECT id FROM live.collaboration_sessions WHERE room_name = '$room'"); }
sub checked { my ($id) = @_; return sql("SELECT live.check_session('$id') -> 'faults'"); }
sub drop_expired { return sql('SELECT live_private.drop_expired_operations()'); }
sub store { return sql('SELECT live_private.store_checkpoints(100)'); }
sub snapshots { my ($id) = @_; return sql("SELECT string_agg(version::text, ' ' ORDER BY version) FROM live.session_snapshot WHERE session_id = '$id'"); }
sub type_letters
{
	my ($id, $from, $count) = @_;
	of_anna(qq{DO \$\$ BEGIN SET LOCAL pg_live.checkpoint_operations = 100; FOR n IN $from .. $from + $count - 1 LOOP
		PERFORM live.submit_operations('$id', n, jsonb_build_array(CASE n WHEN 0 THEN '[[0,"x"]]'::jsonb ELSE jsonb_build_array(n, jsonb_build_array(0, 'x')) END), 'tab'); END LOOP; END \$\$});
	return;
}
sub age
{
	my ($id, $until) = @_;
	sql("UPDATE live.operation SET created_at = created_at - interval '2 days' WHERE session_id = '$id' AND version <= $until; "
		. "UPDATE live.session_snapshot SET created_at = created_at - interval '2 days' WHERE session_id = '$id' AND version <= $until");
	return;
}
sub retain
{
	my ($time) = @_;
	$node->append_conf('postgresql.conf', "pg_live.history_retention = '$time'");
	$node->reload;
	return;
}

of_anna(q{SELECT live.create_session('note')});
my $note = id_of('note');
type_letters($note, 0, 250);
is(store(), '2', 'each 100 operations request a snapshot');
is(snapshots($note), '250', 'which is that of the head');
is(store(), '0', 'and stored once');
type_letters($note, 250, 60);
sql('SELECT live.refresh_summaries()');
is(snapshots($note), '250 310', 'refreshing by hand stores them too');
is(of_anna("SELECT string_agg(length(live.get_document('$note', v))::text, ' ') FROM unnest('{0,1,249,250,251,309}'::int[]) AS v"), '0 1 249 250 251 309',
	'a document is computed from the snapshot before it');
is(checked($note), '[]', 'the snapshots are what the log leads to');
sql("UPDATE live.session_snapshot SET document = replace(document, 'x', 'y') WHERE session_id = '$note' AND version = 250");
is(checked($note), '["the document at version 250 is not what the log leads to", "the document at version 310 is not what the log leads to"]', 'one that is not is found');
sql("UPDATE live.session_snapshot SET document = replace(document, 'y', 'x') WHERE session_id = '$note' AND version = 250");

age($note, 260);
is(sql(q{LOAD 'pg_live'; SHOW pg_live.history_retention}), '0', 'by default there is no end');
like(error_of("LOAD 'pg_live'; ALTER SYSTEM SET pg_live.history_retention = '$_'"), qr/22023/, "a history_retention of $_ is refused") for '-1', 'x', '1 fortnight', '51 years';
like(error_of("LOAD 'pg_live'; SET pg_live.history_retention = '1d'"), qr/55P02/, 'and none is set for a session alone');
is(drop_expired(), '0', 'and nothing is dropped');
retain('1d');
my $holder = $node->background_psql('notes');
$holder->query_safe("BEGIN; SELECT id FROM live.collaboration_sessions WHERE id = '$note' FOR NO KEY UPDATE");
is(drop_expired(), '0', 'a session that a submission has locked is left to the next call');
$holder->query_safe('COMMIT');
$holder->quit;
is(drop_expired(), '250', 'with one, what is older and before a snapshot that is older goes');
is(drop_expired(), '0', 'and no more');
is(sql("SELECT min(version), max(version), count(*) FROM live.operation WHERE session_id = '$note'"), '251|310|60', 'what is kept has no gap');
is(snapshots($note), '250 310', 'the snapshot before it stays');
is(checked($note), '[]', 'and log and document agree');
is(of_anna("SELECT length(live.get_document('$note', 250)), length(live.get_document('$note', 300))"), '250|300', 'the versions since are there');
is(of_anna("SELECT count(*) FROM live.get_operations('$note', 250)"), '60', 'and their operations');
is(of_anna("SELECT string_agg(from_position || '-' || to_position || coalesce(' ' || user_id, ''), ', ') FROM live.get_blame('$note', 251)"), '0-250, 250-251 anna',
	'nobody is blamed for what was written before');
is(of_anna("SELECT live.restore_document('$note', 250) ->> 'status'"), 'accepted', 'the oldest version is restored');
for my $call ("get_document('$note', 249)", "get_blame('$note', 249)", "restore_document('$note', 0)", "get_operations('$note')", "get_history('$note', 249)",
	"submit_operations('$note', 249, '[[249]]', 'late')")
{
	like(error_of("SELECT live.$call"), qr/55000.*is not kept any more.*The oldest version that is kept is 250.*live\.join_session/s, "live.$call is refused");
}
like(of_anna("SELECT live.submit_operations('$note', 250, '[[250,[0,\"!\"]]]', 'late') ->> 'status'"), qr/accepted/, 'what was made upon the oldest version is brought behind');
is(checked($note), '[]', 'and log and document still agree');

# A session that ended keeps its document, and its log expires whole.
of_anna("SELECT live.end_session('$note')");
is(store(), '1', 'the end requests a snapshot');
age($note, 1000);
is(drop_expired(), '62', 'behind which all of the log goes');
is(checked($note), '[]', 'the document is the snapshot');

# The database makes no snapshots of cas sessions: theirs are of clients, and without one all is kept.
of_anna(q{SELECT live.create_session('steps', 'cas')});
my $steps = id_of('steps');
of_anna("SELECT live.submit_operations('$steps', 0, '[1,2,3,4]', 'tab')");
age($steps, 3);
is(drop_expired(), '0', 'without a snapshot nothing is dropped');
of_anna("SELECT live.save_snapshot('$steps', 4, 'document')");
is(drop_expired(), '3', 'behind one, what is older is');
is(checked($steps), '[]', 'and the log is whole');
like(error_of("SELECT live.submit_operations('$steps', 2, '[5]', 'tab')"), qr/55000.*is not kept any more/s, 'a version before it is no base');
is(of_anna("SELECT live.submit_operations('$steps', 4, '[5]', 'tab') ->> 'status'"), 'accepted', 'the head is');

of_anna(q{SELECT live.create_session('sketch', 'append', metadata => '{"format": "yjs"}')});
my $sketch = id_of('sketch');
of_anna("SELECT live.submit_operations('$sketch', 0, '[{\"update\": \"AQHsBwAEAQF0AWEA\"}]', 'tab')");
of_anna("SELECT live.save_snapshot('$sketch', 1, '\\x0101ec070004010174016100')");
age($sketch, 1);
is(drop_expired(), '1', 'updates go behind a snapshot that was verified');
is(of_anna("SELECT live.submit_operations('$sketch', 0, '[{\"update\": \"AQHsBwAEAQF0AWEA\"}]', 'tab') ->> 'status'"), 'duplicate', 'and are still known');
is(checked($sketch), '[]', 'the log is whole');

# With a worker, the refresher does both by itself.
of_anna(q{SELECT live.create_session('other')});
my $other = id_of('other');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_live'\npg_live.databases = 'notes'\npg_live.refresh_interval = 100");
$node->restart;
type_letters($other, 0, 150);
poll_ok($node, "SELECT count(*) = 1 FROM live.session_snapshot WHERE session_id = '$other'", 'the refresher stores a snapshot', 'notes');
age($other, 150);
$node->restart; # it looks once a minute, and at its start
poll_ok($node, "SELECT count(*) = 0 FROM live.operation o WHERE o.session_id = '$other' AND o.version <= (SELECT min(s.version) FROM live.session_snapshot s WHERE s.session_id = '$other')",
	'and drops what has expired', 'notes');
done_testing();
