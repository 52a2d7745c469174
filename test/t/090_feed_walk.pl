# While twenty writers log, delete and change who sees what, a reader pages through feeds in both directions with every
# filter: no activity comes twice, and none is left out that was visible all the time.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('feed_walk');
$node->safe_psql('postgres', q{
	CREATE ROLE authenticated;
	SELECT live.grant_client('authenticated');
	GRANT SELECT (xmin) ON live.activity_stream TO authenticated; -- for the test, which tells writes apart by it
	GRANT authenticated TO CURRENT_USER;
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO authenticated;
	CREATE FUNCTION app.room(number integer) RETURNS uuid LANGUAGE sql AS
		$$ SELECT format('00000000-0000-4000-9000-%s', lpad(number::text, 12, '0'))::uuid $$;
	INSERT INTO live.collaboration_sessions (id, room_name, created_by) SELECT app.room(n), 'room', 'w0' FROM generate_series(0, 3) AS n;
	INSERT INTO live.session_participants (session_id, user_id) SELECT app.room(n), 'w' || w FROM generate_series(0, 3) AS n, generate_series(0, 19) AS w;
	INSERT INTO live.session_participants (session_id, user_id) SELECT app.room(n), 'w0 reader' FROM generate_series(0, 1) AS n;
	INSERT INTO live_private.follow_edge (follower, followed) SELECT 'w0 reader', 'w' || w FROM generate_series(0, 9) AS w;

	CREATE FUNCTION app.log(writer integer, a integer, b integer) RETURNS void LANGUAGE sql AS $$
		SELECT live.log_activity('type ' || a % 4, 'book', (b % 3)::text, jsonb_build_object('n', b % 5), v,
			CASE WHEN v = 'session' OR a % 3 = 0 THEN app.room(b % 4) END, CASE v WHEN 'users' THEN ARRAY['w0 reader', 'w1'] END)
		FROM set_config('request.jwt.claim.sub', 'w' || writer, false) AS me, LATERAL (SELECT (enum_range(NULL::live.activity_visibility))[1 + (a / 4) % 5]) AS t (v) $$;
	-- Each writer changes activities of its own; two of three activities do not change.
	CREATE FUNCTION app.change(writer integer, a integer, b integer) RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			own bigint;
			v live.activity_visibility := (enum_range(NULL::live.activity_visibility))[1 + a % 5];
		BEGIN
			PERFORM set_config('request.jwt.claim.sub', 'w' || writer, false);
			SELECT id INTO own FROM live.activity_stream
			WHERE user_id = 'w' || writer AND deleted_at IS NULL AND id % 3 = 0 AND (v <> 'session' OR session_id IS NOT NULL) ORDER BY random() LIMIT 1;
			IF NOT FOUND THEN
				RETURN;
			ELSIF b % 3 = 0 THEN
				PERFORM live.delete_activity(own);
			ELSE
				PERFORM live.set_activity_visibility(own, v, CASE v WHEN 'users' THEN ARRAY['w0 reader'] END);
			END IF;
		END $$;
	SELECT app.log(n % 20, (random() * 1000)::integer, (random() * 1000)::integer) FROM generate_series(1, 1500) AS n;

	CREATE TYPE app.step AS (id bigint, version text);
	-- Walks through a feed with a statement a page, so that each page sees what is committed by then; returns what is wrong, and how much was read.
	CREATE FUNCTION app.walk(feed text, filter text, condition text, page integer, ordered text) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE
			look text := format('SELECT array_agg(ROW(id, xmin)::app.step) FROM live.activity_stream WHERE %s', condition);
			before app.step[];
			after app.step[];
			ids bigint[] := '{}';
			times timestamptz[] := '{}';
			last text;
			found_ids bigint[];
			found_times timestamptz[];
			newest timestamptz;
			stable bigint;
			left_out bigint;
			faults text[] := '{}';
		BEGIN
			EXECUTE look INTO before;
			newest := clock_timestamp();
			LOOP
				EXECUTE format('SELECT array_agg(f.id), array_agg(f.created_at), (array_agg(f.cursor))[cardinality(array_agg(f.id))] FROM live.%I(%s, %L %s) AS f', feed, page, last, filter)
				INTO found_ids, found_times, last;
				EXIT WHEN found_ids IS NULL;
				ids := ids || found_ids;
				times := times || found_times;
				EXIT WHEN found_times[cardinality(found_times)] > newest AND ordered = 'ASC'; -- writers would lead it on and on
			END LOOP;
			EXECUTE look INTO after;
			IF (SELECT count(DISTINCT i) FROM unnest(ids) AS i) <> cardinality(ids) THEN
				faults := faults || format('%s come twice', cardinality(ids) - (SELECT count(DISTINCT i) FROM unnest(ids) AS i));
			END IF;
			IF EXISTS (SELECT FROM (SELECT row_number() OVER (ORDER BY n) AS place, row_number() OVER (ORDER BY t, i) AS ascending, row_number() OVER (ORDER BY t DESC, i DESC) AS descending
					FROM unnest(ids, times) WITH ORDINALITY AS u (i, t, n)) AS o WHERE place <> CASE ordered WHEN 'ASC' THEN ascending ELSE descending END) THEN
				faults := faults || 'not in order'::text;
			END IF;
			CREATE TEMP TABLE unchanged AS SELECT id FROM unnest(before) AS b JOIN unnest(after) AS a USING (id, version);
			SELECT count(*) INTO stable FROM unchanged;
			SELECT count(*) INTO left_out FROM (SELECT id FROM unchanged EXCEPT SELECT unnest(ids)) AS missing;
			IF left_out > 0 THEN
				faults := faults || format('%s are left out', left_out);
			END IF;
			DROP TABLE unchanged;
			RETURN concat_ws(' ', nullif(array_to_string(faults, ', '), ''), stable, cardinality(before) - stable);
		END $$});

my $script = "$PostgreSQL::Test::Utils::tmp_check/write.sql";
append_to_file($script, q{
\set a random(0, 1000)
\set b random(0, 1000)
\set what random(0, 9)
\if :what < 4
SELECT app.log(:client_id, :a, :b);
\else
SELECT app.change(:client_id, :a, :b);
\endif
});
my ($written, $errors) = ('', '');
my $writers = IPC::Run::start(
	[ 'pgbench', '--no-vacuum', '--client', '20', '--jobs', '2', '--time', '600', '--rate', '400', '--file', $script, '--host', $node->host, '--port', $node->port, 'postgres' ],
	'>', \$written, '2>', \$errors);
poll_ok($node, q{SELECT count(*) > 1600 FROM live.activity_stream}, 'writers write');

my $room = '00000000-0000-4000-9000-000000000001';
my @filters = (
	[ 'nothing', '', 'true' ],
	[ 'a type', q{, activity_types => '{type 1}'}, q{activity_type = 'type 1'} ],
	[ 'types', q{, activity_types => '{type 1,type 2,none}'}, q{activity_type IN ('type 1', 'type 2')} ],
	[ 'an actor', q{, actor => 'w3'}, q{user_id = 'w3'} ],
	[ 'an entity', q{, entity_type => 'book', entity_id => '1'}, q{entity_type = 'book' AND entity_id = '1'} ],
	[ 'a session', qq{, session_id => '$room'}, qq{session_id = '$room'} ],
	[ 'metadata', q{, metadata => '{"n": 2}'}, q{metadata @> '{"n": 2}'} ],
	[ 'a type and metadata', q{, activity_types => '{type 1}', metadata => '{"n": 2}'}, q{activity_type = 'type 1' AND metadata @> '{"n": 2}'} ]);
my ($stable, $changed) = (0, 0);

sub walk_ok
{
	my ($name, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $literals = join ', ', map { "\$f\$$_\$f\$" } @arguments;
	my $result = $node->safe_psql('postgres',
		"SET ROLE authenticated; SET request.jwt.claim.sub = 'w0 reader'; SELECT app.walk($literals)");
	my ($unchanged, $others) = $result =~ /^(\d+) (-?\d+)$/;
	ok(defined $unchanged, $name) or diag($result);
	$stable += $unchanged // 0;
	$changed += $others // 0;
	return;
}
# Round after round, until enough has changed while the reader was under way.
for my $round (1 .. 20)
{
	for my $filter (@filters)
	{
		my ($name, $arguments, $condition) = @$filter;
		walk_ok("round $round: forwards by $name", 'get_feed_activities', $arguments, $condition, 30, 'DESC');
		walk_ok("round $round: backwards by $name", 'get_feed_activities', "$arguments, backwards => true", $condition, 30, 'ASC');
	}
	walk_ok("round $round: the home feed", 'get_home_feed', '',
		q{user_id = ANY (ARRAY (SELECT live_private.my_follows())) AND visibility IN ('public', 'followers')}, 30, 'DESC');
	last if $changed > 100;
}
$writers->signal('TERM');
$writers->finish;
unlike($errors, qr/error|abort/i, 'no writer failed');
poll_ok($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'", 'the writers are gone');
cmp_ok($node->safe_psql('postgres', 'SELECT max(id) FROM live.activity_stream'), '>', 1600, 'and have written');
cmp_ok($stable, '>', 1000, 'many activities stayed as they were');
cmp_ok($changed, '>', 100, 'and many changed under the reader');

# Without writers the pages are what a snapshot shows.
walk_ok('in the end', 'get_feed_activities', '', 'true', 25, 'DESC');
is($node->safe_psql('postgres', q{
	SET ROLE authenticated; SET request.jwt.claim.sub = 'w0 reader';
	SELECT array_agg(id) = (SELECT array_agg(id ORDER BY created_at DESC, id DESC) FROM (SELECT * FROM live.activity_stream ORDER BY created_at DESC, id DESC LIMIT 1000) AS a)
	FROM live.get_feed_activities(1000)}), 't', 'function and table agree');
is($node->safe_psql('postgres', q{
	SELECT bool_and(abs(t.score / e.score - 1) < 1e-3) FROM live.get_trending() t FULL JOIN (
		SELECT entity_type, entity_id, sum(power(2::float8, extract(epoch FROM created_at - now())::float8 / 86400)) AS score
		FROM live.activity_stream WHERE visibility = 'public' AND deleted_at IS NULL GROUP BY 1, 2) AS e USING (entity_type, entity_id)}), 't', 'trends are of what is left');
is($node->safe_psql('postgres', q{
	SELECT live_private.count_unread('w0 reader') = (SELECT count(*) FROM live.activity_stream a WHERE visibility = 'users' AND deleted_at IS NULL AND 'w0 reader' = ANY (live.audience(a)))}), 't', 'so are notifications');
done_testing();
