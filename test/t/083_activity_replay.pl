# What was told of an activity is replayed to those only who may still see it.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

# No worker, so that the test publishes.
my $node = start_with_extension('activity_replay', shared_preload_libraries => undef, 'pg_live.databases' => undef);

sub log_activity
{
	my ($type, $visibility) = @_;
	return $node->safe_psql('postgres', qq{
		BEGIN; SET LOCAL request.jwt.claims = '{"sub": "anna", "role": "authenticated"}';
		SELECT id FROM live.log_activity('$type', visibility => '$visibility', audience => CASE '$visibility' WHEN 'users' THEN ARRAY['bob'] END); COMMIT});
}

sub replayed
{
	my ($topic) = @_;
	$node->safe_psql('postgres', 'SELECT live.publish()');
	return $node->safe_psql('postgres',
		qq{LOAD 'pg_live'; SELECT string_agg(event || ' ' || coalesce(payload ->> 'activity_type', ''), ', ' ORDER BY ordinality)
		   FROM ROWS FROM (live_private.replay_events('$topic', NULL, NULL, 1)) WITH ORDINALITY WHERE event <> 'notification:count'});
}

sub change
{
	my ($call) = @_;
	$node->safe_psql('postgres', qq{BEGIN; SET LOCAL request.jwt.claims = '{"sub": "anna", "role": "authenticated"}'; SELECT $call; COMMIT});
	return;
}
my ($slip, $draft, $fine) = map { log_activity($_, 'public') } qw(slip draft fine);
my $note = log_activity('note', 'users');
is(replayed('activity'), 'activity:new slip', 'what was told is replayed');
is(replayed('user:bob'), 'notification:new note', 'to who was told');

change("live.delete_activity($slip)");
change("live.set_activity_visibility($draft, 'private')");
change("live.delete_activity($note)");
is(replayed('activity'), 'activity:new fine', 'a page is filled with what is still told');
is(replayed('user:bob'), 'activity:deleted ', 'of what was deleted, that it is gone');

done_testing();
