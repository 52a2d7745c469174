-- Notifications: what is unread is counted exactly; marks are one's own; pages; events.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.tell(audience text, actor text DEFAULT 'anna') RETURNS bigint LANGUAGE sql AS $$
  SELECT pg_temp.as_user(actor, format('SELECT (live.log_activity(''told'', visibility => ''users'', audience => %L)).id', audience))::bigint
$$;
CREATE FUNCTION pg_temp.unread(viewer text DEFAULT 'bob') RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.as_user(viewer, 'SELECT live.unread_count()') $$;
-- What is told to a user since the last call.
CREATE TEMP TABLE seen AS SELECT coalesce(max(id), 0) AS id FROM live.event;
CREATE FUNCTION pg_temp.news(viewer text DEFAULT 'bob') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  news text;
BEGIN
  SELECT string_agg(concat_ws(' ', e.event, e.payload ->> 'unread'), ', ' ORDER BY e.id) INTO news
  FROM live.event e WHERE e.id > (SELECT id FROM seen) AND e.topic = 'user:' || viewer;
  UPDATE seen SET id = (SELECT coalesce(max(e.id), 0) FROM live.event e);
  RETURN news;
END
$$;
-- The ids of notifications that are unread, or unseen, newest first, as numbers of the order in which they were told.
CREATE TEMP TABLE told (number integer, id bigint);
GRANT SELECT ON told TO authenticated;
CREATE FUNCTION pg_temp.open(what text DEFAULT 'read', viewer text DEFAULT 'bob') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user(viewer, format('SELECT coalesce(string_agg(number::text, '','' ORDER BY number), '''') FROM live.get_notifications(1000) JOIN told USING (id) WHERE NOT %s', what))
$$;
CREATE FUNCTION pg_temp.told(n integer) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM told WHERE number = n $$;

SELECT is(pg_temp.unread(), '0', 'nothing yet');
INSERT INTO told SELECT n, pg_temp.tell('{bob,carl,anna}') FROM generate_series(1, 5) AS n;
SELECT is(pg_temp.unread(), '5', 'five');
SELECT is(pg_temp.unread('carl'), '5', 'also of the other');
SELECT is(pg_temp.unread('anna'), '0', 'an actor is not notified of their own activity');
SELECT is(pg_temp.news(), concat_ws(', ', VARIADIC array_fill('notification:new, activity:new'::text, ARRAY[5])), 'each is told live');

-- One by one.
SELECT is(pg_temp.as_user('bob', format('SELECT live.mark_read(ARRAY[%s, %s])', pg_temp.told(2), pg_temp.told(4))), '', 'two are read');
SELECT is(pg_temp.unread(), '3', 'three are left');
SELECT is(pg_temp.open(), '1,3,5', 'these');
SELECT is(pg_temp.news(), 'notification:count 3', 'the other tabs hear the number');
SELECT is(pg_temp.unread('carl'), '5', 'others'' are theirs');
SELECT pg_temp.as_user('bob', format('SELECT live.mark_read(ARRAY[%s, NULL, %1$s])', pg_temp.told(2))) \g /dev/null
SELECT is(pg_temp.unread(), '3', 'reading it again changes nothing');
SELECT is(pg_temp.as_user('eve', format('SELECT live.mark_read(ARRAY[%s, 0, -1, 9223372036854775807])', pg_temp.told(1))), '', 'ids of others');
SELECT is(pg_temp.open() || '/' || pg_temp.open('read', 'carl'), '1,3,5/1,2,3,4,5', 'change nothing');
SELECT is_empty($$SELECT FROM live_private.notification_read WHERE user_id = 'eve'$$, 'and are not stored');
SELECT is(pg_temp.as_user('bob', 'SELECT live.mark_read(''{}'')'), '', 'none is none');
SELECT is(pg_temp.unread(), '3', 'and reads nothing');
SELECT is(pg_temp.as_user('bob', 'SELECT live.mark_read(array(SELECT generate_series(1, 1001)))'), '54000', 'a thousand at once at most');

-- Seen.
SELECT is(pg_temp.open('seen'), '1,3,5', 'what is read is seen');
SELECT is(pg_temp.as_user('bob', format('SELECT live.mark_seen(%s)', pg_temp.told(3))), '', 'seen up to one');
SELECT is(pg_temp.open('seen'), '5', 'later ones are not');
SELECT is(pg_temp.as_user('bob', format('SELECT live.mark_seen(%s)', pg_temp.told(1))), '', 'up to an earlier one');
SELECT is(pg_temp.open('seen'), '5', 'is no step back');
SELECT is(pg_temp.as_user('bob', 'SELECT live.mark_seen()'), '', 'all');
SELECT is(pg_temp.open('seen') || pg_temp.open(), '1,3,5', 'are seen, and not read');
SELECT is(pg_temp.open('seen', 'carl'), '1,2,3,4,5', 'others'' are theirs');
SELECT is(pg_temp.as_user('eve', format('SELECT live.mark_seen(%s)', pg_temp.told(1))), 'P0002', 'up to one of others');

-- Rows that were copied here with triggers disabled have transaction ids of another cluster: they are old ones.
SAVEPOINT copied;
UPDATE live_private.activity_audience SET xid = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text::xid8 WHERE user_id = 'bob';
SELECT is(pg_temp.unread(), '3', 'copied from another cluster: unread as before');
SELECT pg_temp.as_user('bob', 'SELECT live.mark_read()') \g /dev/null
SELECT is(pg_temp.unread() || pg_temp.open() || pg_temp.open('seen'), '0', 'copied from another cluster: read, since the user has read it');
SELECT is_empty($$SELECT FROM live_private.activity_audience WHERE user_id = 'bob' AND live_private.is_foreign(xid)$$, 'copied from another cluster: and it stays so when transactions here come to such ids');
ROLLBACK TO copied;

-- What is deleted leaves the number, which is told to those to whom it counted.
SELECT pg_temp.news() \g /dev/null
SELECT pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', pg_temp.told(1))) \g /dev/null
SELECT is(pg_temp.unread(), '2', 'an unread one that was deleted counts no more');
SELECT is(pg_temp.news(), 'activity:deleted, notification:count 2', 'which is told');
SELECT pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', pg_temp.told(2))) \g /dev/null
SELECT is(pg_temp.unread(), '2', 'a read one did not count before');
SELECT is(pg_temp.news(), 'activity:deleted', 'so no number is told');
SELECT is_empty(format('SELECT FROM live_private.notification_read WHERE activity_id = %s', pg_temp.told(2)), 'its mark is gone');
SELECT pg_temp.as_user('anna', format('SELECT live.set_activity_visibility(%s, ''private'')', pg_temp.told(3))) \g /dev/null
SELECT is(pg_temp.unread() || pg_temp.open(), '15', 'one that is no longer told to anybody counts no more');
SELECT pg_temp.as_user('anna', format('SELECT live.set_activity_visibility(%s, ''users'', ''{bob}'')', pg_temp.told(3))) \g /dev/null
SELECT is(pg_temp.unread() || pg_temp.open(), '23,5', 'one that is told again is unread');
SELECT is(pg_temp.open('read', 'carl'), '4,5', 'and not told to who is not in the audience any more');

-- All.
SELECT pg_temp.news() \g /dev/null
SELECT is(pg_temp.as_user('bob', 'SELECT live.mark_read()'), '', 'all are read');
SELECT is(pg_temp.unread() || pg_temp.open(), '0', 'none is left');
SELECT is(pg_temp.news(), 'notification:count 0', 'which the other tabs hear');
SELECT is_empty($$SELECT FROM live_private.notification_read WHERE user_id = 'bob' AND activity_id NOT IN (SELECT id FROM told)$$, 'single marks are not kept for ever');
INSERT INTO told SELECT 6, pg_temp.tell('{bob}');
SELECT is(pg_temp.unread() || pg_temp.open() || pg_temp.open('seen'), '166', 'one that comes then is unread and unseen');
SELECT is(pg_temp.unread('carl'), '2', 'others'' are theirs');
SELECT is(pg_temp.as_user(NULL, statement), '42501', statement || ' by the anonymous')
FROM unnest('{SELECT live.mark_read(),SELECT live.mark_seen(),SELECT live.unread_count(),SELECT count(*) FROM live.get_notifications(),SELECT live.follow(''bob'')}'::text[]) AS statement;
SELECT is(pg_temp.as_user('eve', format('SELECT count(*) FROM live_private.%I WHERE user_id <> ''eve''', name)), '0', name || ' shows nothing of others')
FROM unnest('{activity_audience,notification_state,notification_read}'::text[]) AS name;

-- Groups say whether something in them is unread.
SELECT is(pg_temp.as_user('bob', $$SELECT unread FROM live.get_feed_groups() WHERE activity_type = 'told'$$), 'true', 'a group with an unread one');
SELECT pg_temp.as_user('bob', format('SELECT live.mark_read(ARRAY[%s])', pg_temp.told(6))) \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT unread FROM live.get_feed_groups() WHERE activity_type = 'told'$$), 'false', 'a group without');

-- Pages have all of them, once, newest first.
SELECT pg_temp.tell('{dora}') FROM generate_series(1, 23) \g /dev/null
CREATE FUNCTION pg_temp.walk() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := '{}';
  page bigint[];
  cursors text[];
BEGIN
  LOOP
    SELECT array_agg(n.id ORDER BY n.created_at DESC, n.id DESC), array_agg(n.cursor ORDER BY n.created_at DESC, n.id DESC) INTO page, cursors
    FROM live.get_notifications(5, cursors[cardinality(cursors)]) AS n;
    EXIT WHEN page IS NULL;
    ids := ids || page;
  END LOOP;
  RETURN ids::text;
END
$$;
SELECT is(pg_temp.as_user('dora', 'SELECT pg_temp.walk()'), (SELECT array_agg(activity_id ORDER BY created_at DESC, activity_id DESC)::text FROM live_private.activity_audience WHERE user_id = 'dora'), 'pages');

-- Untelling many needs no lock in shared memory for each of them: there are only so many.
SELECT pg_temp.tell(array(SELECT 'n' || i FROM generate_series(1, 1000) AS i)::text) \g /dev/null
SELECT pg_temp.as_user('anna', 'SELECT live.delete_activity(max(id)) FROM live.activity_stream') \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), '<', 10::bigint, 'no lock for each of a thousand users');
SELECT is((SELECT count(*) FROM live.event WHERE topic ~ '^user:n[0-9]+$' AND event = 'notification:count' AND payload ->> 'unread' = '0'), 1000::bigint, 'each of whom hears the number');

-- Random steps, against a plain count.
CREATE FUNCTION pg_temp.random_steps(steps integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  one bigint;
  unread bigint[] := '{}';
BEGIN
  FOR i IN 1 .. steps LOOP
    SELECT activity_id INTO one FROM live_private.activity_audience WHERE user_id = 'gina' ORDER BY random() LIMIT 1;
    CASE floor(random() * 8)
      WHEN 0 THEN PERFORM pg_temp.as_user('gina', 'SELECT live.mark_read()'); unread := '{}';
      WHEN 1, 2 THEN PERFORM pg_temp.as_user('gina', format('SELECT live.mark_read(ARRAY[%s]::bigint[])', one)); unread := array_remove(unread, one);
      WHEN 3 THEN PERFORM pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', one)); unread := array_remove(unread, one);
      ELSE unread := unread || pg_temp.tell('{gina,bob}');
    END CASE;
    RETURN NEXT is(pg_temp.unread('gina'), cardinality(unread)::text, format('step %s', i));
  END LOOP;
  RETURN NEXT is(pg_temp.as_user('gina', 'SELECT array_agg(id ORDER BY id)::text FROM live.get_notifications(1000) WHERE NOT read'), (SELECT array_agg(u ORDER BY u)::text FROM unnest(unread) u), 'the same ones');
END
$$;
SELECT setseed(0.3) \g /dev/null
SELECT pg_temp.random_steps(120);

-- Users of an audience who marked nothing leave no state, whether they exist or not.
SELECT pg_temp.as_user('anna', format('SELECT live.delete_activity(%s)', pg_temp.tell('{invented 1,invented 2,bob}'))) \g /dev/null
SELECT is_empty($$SELECT FROM live_private.notification_state WHERE user_id LIKE 'invented%'$$, 'what is deleted leaves no state of users who marked nothing');
SELECT isnt_empty($$SELECT FROM live_private.notification_state WHERE user_id = 'bob'$$, 'and keeps that of users who did');
SELECT is(pg_temp.as_user('anna', format('SELECT live.set_activity_visibility(%s, ''private'')', pg_temp.tell('{invented 3}'))), '', 'an activity is told no more');
SELECT is_empty($$SELECT FROM live_private.notification_state WHERE user_id LIKE 'invented%'$$, 'which leaves no such state either');

SELECT finish();
ROLLBACK;
