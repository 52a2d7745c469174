# A transaction of many events is published in parts: what shares no topic with it goes on between them, what does waits
# behind it, and a client that resumes anywhere, at any time, gets what follows. Also across a crash amid the parts.
use strict;
use warnings FATAL => 'all';

use PgLive;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_with_extension('parts', shared_preload_libraries => undef, 'pg_live.batch_events' => 3, fsync => 'on');
my $start = $node->safe_psql('postgres', 'SELECT coalesce(live.publish(), 0)');
my $listener = $node->background_psql('postgres', on_error_stop => 1);
$listener->query_safe('LISTEN pg_live');

sub emit { return $node->safe_psql('postgres', 'SELECT live.emit(topic, event, to_jsonb(n)) FROM ' . shift) }
sub fetched
{
	return $node->safe_psql('postgres', "SELECT string_agg(event || payload, ' ' ORDER BY batch, id) FROM live.fetch_events($start)");
}
sub publish { return $node->safe_psql('postgres', 'SELECT live.publish()') }

emit("(SELECT 'large' AS topic, 'l' AS event, n FROM generate_series(1, 8) AS n) AS t");
is(next_notification($listener), '', 'the transaction rings');
publish();
is(fetched(), 'l1 l2 l3', 'the first part comes at once');
is(next_notification($listener), '', 'while parts are left the doorbell rings again');
emit("(VALUES ('other', 'o', 1)) AS t (topic, event, n)");
emit("(VALUES ('large', 'behind', 1), ('next', 'n', 1)) AS t (topic, event, n)");
emit("(VALUES ('next', 'n', 2)) AS t (topic, event, n)");
publish();
is(fetched(), 'l1 l2 l3 o1 l4 l5 l6', 'another topic goes on between the parts, what shares a topic waits');
cmp_ok($node->safe_psql('postgres', "SELECT live.status() ->> 'lag_seconds'"), '>', 0, 'what is held counts as lag');

$node->stop('immediate');
$node->start;
publish() for 1 .. 4;
is(fetched(), 'l1 l2 l3 o1 l4 l5 l6 l7 l8 behind1 n1 n2', 'after a crash it goes on where it was');
is($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.held_series WHERE completed_by IS NULL'), '0', 'nothing is held in the end');
is($node->safe_psql('postgres', "SELECT live.status() ->> 'lag_seconds'"), '0.000000', 'and nothing lags');

# Transactions of all sizes, one after another, so that the order on each topic is that of the numbers; a publisher comes
# now and then, and a client resumes from every position that there is.
$node->safe_psql('postgres', q{
	CREATE TABLE emitted (number integer GENERATED ALWAYS AS IDENTITY, topic text, durable boolean);
	CREATE TABLE wrong (said text);
	CREATE PROCEDURE check_replay() LANGUAGE plpgsql AS $$
	DECLARE
		expected text[];
		place integer;
	BEGIN
		FOR topic_number IN 1 .. 3 LOOP
			expected := array(SELECT f.batch || '-' || f.id FROM live.fetch_events(0, NULL, 1000000) f
			                  WHERE f.durable AND f.topic = 'random:' || topic_number ORDER BY f.batch, f.id);
			FOR place IN 0 .. cardinality(expected) BY 4 LOOP
				INSERT INTO wrong SELECT format('topic %s after %s', topic_number, expected[place])
				WHERE array(SELECT r.position FROM live_private.replay_events('random:' || topic_number, expected[place], NULL, 10000) r)
					<> expected[place + 1 :]
				   OR array(SELECT r.position FROM live_private.replay_events('random:' || topic_number, expected[place], NULL, 4) r)
					<> expected[place + 1 : place + 4]
				   OR place < cardinality(expected) AND array(
					SELECT r.position
					FROM live_private.replay_events('random:' || topic_number, live_private.start_of_latest('random:' || topic_number, NULL, cardinality(expected) - place), NULL, 10000) r)
					<> expected[place + 1 :];
			END LOOP;
		END LOOP;
	END $$;
	CREATE PROCEDURE storm(transactions integer) LANGUAGE plpgsql AS $$
	DECLARE
		events integer;
		first integer;
	BEGIN
		FOR transaction IN 1 .. transactions LOOP
			events := CASE WHEN random() < 0.2 THEN 4 + random() * 20 ELSE 1 + random() * 2 END;
			first := 1 + random() * 2;
			FOR event IN 1 .. events LOOP
				WITH e AS (INSERT INTO emitted (topic, durable) VALUES ('random:' || CASE WHEN random() < 0.7 THEN first ELSE 1 + (random() * 2)::integer END, random() < 0.8) RETURNING *)
				SELECT live.emit(e.topic, 'e', to_jsonb(e.number), e.durable) FROM e INTO event;
			END LOOP;
			COMMIT;
			FOR pass IN 1 .. (random() * 2)::integer LOOP
				PERFORM live.publish();
				COMMIT;
			END LOOP;
			IF transaction % 20 = 0 THEN
				CALL check_replay();
				COMMIT;
			END IF;
		END LOOP;
		LOOP
			PERFORM live.publish();
			COMMIT;
			EXIT WHEN NOT EXISTS (SELECT FROM live_private.held_series WHERE completed_by IS NULL);
		END LOOP;
		CALL check_replay();
	END $$;
	SELECT setseed(0.4);
	CALL storm(80);
});
is($node->safe_psql('postgres', q{
	SELECT topic, array(SELECT f.payload::integer FROM live.fetch_events(0, NULL, 1000000) f WHERE f.topic = e.topic ORDER BY f.batch, f.id)
		= array_agg(number ORDER BY number) FROM emitted e GROUP BY topic ORDER BY topic}),
	"random:1|t\nrandom:2|t\nrandom:3|t", 'on each topic all comes, once, in the order of commits');
is($node->safe_psql('postgres', 'SELECT string_agg(said, chr(10)) FROM wrong'), '', 'a client that resumes anywhere gets what follows, in pages too');
cmp_ok($node->safe_psql('postgres', 'SELECT max(events) FROM live_private.batch'), '<=', 3, 'no batch is larger than it may be');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM live_private.held_transaction'), '>', 10, 'many were held');

# A backlog of small transactions is one pass, cut into batches.
my $before = $node->safe_psql('postgres', 'SELECT live_private.newest_batch()');
$node->safe_psql('postgres', q{DO $$ BEGIN FOR n IN 1 .. 50 LOOP PERFORM live.emit('backlog', 'b', to_jsonb(n)); COMMIT; END LOOP; END $$});
publish();
is($node->safe_psql('postgres', "SELECT count(DISTINCT batch), array_agg(payload::integer ORDER BY batch, id) = array(SELECT generate_series(1, 50)) FROM live.fetch_events($before)"),
	'17|t', 'a backlog is published in one pass, in order, in batches of the usual size');
$listener->quit;
done_testing();
