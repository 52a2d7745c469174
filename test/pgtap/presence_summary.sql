-- The summary of presence: it counts what others are shown, is refreshed when that has changed and not else, tells nothing
-- of the invisible, and nothing at all where presence is not visible to everyone.
\unset ECHO
BEGIN;
SELECT no_plan();

\ir support/as_user.sql
CREATE FUNCTION pg_temp.summary(viewer text DEFAULT 'viewer') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user(viewer, $q$SELECT string_agg(concat_ws(' ', status, device_type, users), ', ' ORDER BY status, device_type)
                                    FROM live.get_presence_summary()$q$)
$$;
CREATE FUNCTION pg_temp.count_visible(relation text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.as_user('viewer', format($q$
    SELECT string_agg(concat_ws(' ', status, device_type, users), ', ' ORDER BY status, device_type)
    FROM (SELECT status, coalesce(device_type, 'other') AS device_type, count(*) AS users FROM %s GROUP BY 1, 2) AS visible$q$, relation))
$$;

-- The matrix: mode by device by connected; and a user who never connected, of whom no device is known.
SELECT pg_temp.as_user(format('%s %s %s', mode, device, connected), format('SELECT live.update_presence(%L)', mode)),
       CASE WHEN connected THEN pg_temp.as_user(format('%s %s %s', mode, device, connected), format('SELECT live.heartbeat(gen_random_uuid(), %L)', device)) END
FROM unnest(enum_range(NULL::live.presence_mode)) AS mode, unnest(enum_range(NULL::live.device_type)) AS device,
     unnest('{true,false}'::boolean[]) AS connected \g /dev/null
SELECT is(pg_temp.summary(), NULL, 'until it is refreshed it shows what was');
SELECT is(live.refresh_summaries(), 1, 'it is refreshed by hand');
SELECT is(pg_temp.summary(), pg_temp.count_visible('live.presence'), 'it counts what the view shows to others');
SELECT is(pg_temp.summary(), pg_temp.count_visible('live.user_presence'), 'and what the table does');
SELECT matches(pg_temp.summary(), 'online mobile 1, .*away mobile 1, .*busy mobile 1, .*offline other 25$', 'each status and device is there');
SELECT is(live.refresh_summaries(), 0, 'it is not refreshed again');

-- What is no change of status or device leaves it alone; what is one is stored beside the rows that stay.
SELECT pg_temp.as_user('auto web t', statement) FROM unnest(ARRAY[
  $$SELECT live.update_presence(custom_status => 'at lunch', metadata => '{"a": 1}')$$, $$SELECT live.set_typing('doc', true)$$,
  $$SELECT live.heartbeat(gen_random_uuid(), 'web')$$]) AS statement \g /dev/null
SELECT is(live.refresh_summaries(), 0, 'texts, typing and further connections change no number');
CREATE TEMP TABLE before AS SELECT pg_relation_filenode('live.presence_summary') AS file, pg_temp.summary() AS summary;
SELECT pg_temp.as_user('auto web t', 'SELECT live.go_offline()') \g /dev/null
SELECT is(live.refresh_summaries(), 1, 'going offline does');
SELECT matches(pg_temp.summary(), 'offline web 1', 'one more is offline, on the device last used');
SELECT is(pg_relation_filenode('live.presence_summary'), file, 'rows are merged in, so readers are not shut out') FROM before;
SELECT pg_temp.as_user('auto web t', $$SELECT live.heartbeat(gen_random_uuid(), 'web')$$) \g /dev/null
SELECT live.refresh_summaries() \g /dev/null
SELECT is(pg_temp.summary(), summary, 'and online again') FROM before;
DELETE FROM live.user_presence WHERE user_id = 'auto tablet t';
SELECT is(live.refresh_summaries(), 1, 'a user who is erased counts no longer');
SELECT is(pg_temp.summary(), pg_temp.count_visible('live.user_presence'), 'neither here nor there');

-- Invisible: offline, on the device that was shown last, whatever happens.
SELECT pg_temp.as_user('busy desktop t', $$SELECT live.update_presence('invisible')$$) \g /dev/null
SELECT live.refresh_summaries() \g /dev/null
SELECT is(pg_temp.summary(), pg_temp.count_visible('live.presence'), 'who becomes invisible counts as offline');
SELECT doesnt_match(pg_temp.summary(), 'busy desktop', 'and no longer as busy');
CREATE TEMP TABLE seen AS SELECT pg_temp.summary() AS summary;
SELECT pg_temp.as_user('busy desktop t', statement) FROM unnest(ARRAY[
  $$SELECT live.heartbeat(gen_random_uuid(), 'mobile')$$, $$SELECT live.update_presence(device_type => 'tablet', custom_status => 'hidden')$$,
  $$SELECT live.go_offline()$$, $$SELECT live.heartbeat(gen_random_uuid(), 'mobile')$$]) AS statement \g /dev/null
SELECT is(live.refresh_summaries(), 0, 'what an invisible user does changes nothing');
SELECT is(pg_temp.summary('busy desktop t'), summary, 'the user reads what all read') FROM seen;

-- A summary that was never populated, and the plain refresh it needs.
REFRESH MATERIALIZED VIEW live.presence_summary WITH NO DATA;
SELECT is(live.refresh_summaries(), 1, 'an empty shell is filled');
SELECT is(pg_temp.summary(), summary, 'with the same') FROM seen;

-- Who may read it.
SELECT is(pg_temp.summary(NULL), '42501', 'anonymous: refused');
SELECT is(pg_temp.as_user(viewer, statement), '42501', format('%s: %s', coalesce(viewer, 'anonymous'), statement))
FROM unnest('{viewer,NULL}'::text[]) AS viewer, unnest(ARRAY['SELECT count(*) FROM live.presence_summary', 'SELECT count(*) FROM live_private.announced_presence',
  'SELECT live.refresh_summaries()', 'REFRESH MATERIALIZED VIEW live.presence_summary']) AS statement;
SELECT ok(NOT has_table_privilege(r.oid, 'live.presence_summary', privilege), format('%s may not %s the materialised view', r.rolname, privilege))
FROM pg_roles r, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS privilege
WHERE r.rolname IN ('anon', 'authenticated', 'service_role', 'live_bridge');
CREATE SCHEMA app;
CREATE FUNCTION app.everybody(user_id text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SELECT pg_temp.as_user('viewer', 'SELECT live.heartbeat(gen_random_uuid())') \g /dev/null
CREATE FUNCTION pg_temp.under(rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM live.set_presence_visibility(rule, CASE rule WHEN 'function' THEN 'app.everybody(text)'::regprocedure END);
  RETURN pg_temp.summary();
END
$$;
SELECT is(pg_temp.under(rule), NULL, format('under the rule %s nothing is told', rule)) FROM unnest('{session,followers,function}'::text[]) AS rule;
SELECT is(pg_temp.under('everyone'), summary, 'under everyone it is') FROM seen;

SELECT finish();
ROLLBACK;
