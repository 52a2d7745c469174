-- What is shown of a user, in every way of reading, to every kind of viewer: status by mode and connections, exact
-- deadlines by the clock seam, one event a change, invisibility that leaks nowhere, and visibility rules.
\unset ECHO
BEGIN;
SELECT no_plan();

\ir support/as_user.sql
CREATE FUNCTION pg_temp.connection(number integer) RETURNS uuid LANGUAGE sql AS
$$ SELECT format('00000000-0000-4000-8000-%s', lpad(number::text, 12, '0'))::uuid $$;
-- The presence events since the last call, without the time.
CREATE TEMP TABLE seen AS SELECT coalesce(max(id), 0) AS id FROM live.event;
CREATE FUNCTION pg_temp.news() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT format('%s %s %s>%s', e.topic, e.payload ->> 'user_id', e.payload ->> 'previous_status', e.payload ->> 'status')
               FROM live.event e WHERE e.id > (SELECT id FROM seen) AND e.event = 'presence:update' AND e.topic !~ '^user:' ORDER BY e.id;
  UPDATE seen SET id = (SELECT coalesce(max(e.id), 0) FROM live.event e);
END
$$;
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS void LANGUAGE sql AS
$$ SELECT set_config('pg_live.clock_offset', seconds::text, true) $$;

-- The matrix: mode by connections. Two connections: a tab and a phone; each is absent, idle or active.
CREATE TEMP TABLE matrix AS
SELECT row_number() OVER () AS number, mode, tab, phone,
  CASE WHEN mode = 'invisible' OR (tab = 'absent' AND phone = 'absent') THEN 'offline'
       WHEN mode = 'busy' THEN 'busy'
       WHEN mode = 'away' OR NOT 'active' IN (tab, phone) THEN 'away'
       ELSE 'online' END AS to_others,
  CASE WHEN tab = 'absent' AND phone = 'absent' THEN 'offline'
       WHEN mode = 'busy' THEN 'busy'
       WHEN mode = 'away' OR NOT 'active' IN (tab, phone) THEN 'away'
       ELSE 'online' END AS to_oneself
FROM unnest(enum_range(NULL::live.presence_mode)) AS mode,
     unnest('{absent,idle,active}'::text[]) AS tab, unnest('{absent,idle,active}'::text[]) AS phone;
SELECT pg_temp.as_user('m' || number, format('SELECT (live.update_presence(%L)).mode', mode)) FROM matrix \g /dev/null
SELECT pg_temp.as_user('m' || number, format('SELECT (live.heartbeat(%L, ''web'', %L)).status', pg_temp.connection(number::integer * 2), tab = 'active'))
FROM matrix WHERE tab <> 'absent' \g /dev/null
SELECT pg_temp.as_user('m' || number, format('SELECT (live.heartbeat(%L, ''mobile'', %L)).status', pg_temp.connection(number::integer * 2 + 1), phone = 'active'))
FROM matrix WHERE phone <> 'absent' \g /dev/null

CREATE TEMP VIEW reading AS
SELECT m.*, way.name, way.statement
FROM matrix m, LATERAL (VALUES
  ('get_presence', format('SELECT (live.get_presence(%L)).status', 'm' || number)),
  ('view', format('SELECT status FROM live.presence WHERE user_id = %L', 'm' || number)),
  ('get_online_users', format($$SELECT coalesce((SELECT status FROM live.get_online_users(1000) WHERE user_id = %L), 'offline')$$, 'm' || number))
) AS way (name, statement);
SELECT is(pg_temp.as_user('viewer', statement), to_others, format('%s: mode %s, tab %s, phone %s', name, mode, tab, phone)) FROM reading ORDER BY number, name;
SELECT is(pg_temp.as_user('viewer', format('SELECT status FROM live.user_presence WHERE user_id = %L', 'm' || number)), to_others,
          format('table: mode %s, tab %s, phone %s', mode, tab, phone)) FROM matrix ORDER BY number;
SELECT is(pg_temp.as_user('m' || number, 'SELECT (live.get_presence()).status'), to_oneself, format('oneself: mode %s, tab %s, phone %s', mode, tab, phone))
FROM matrix ORDER BY number;
SELECT is(pg_temp.as_user(NULL, statement), CASE name WHEN 'view' THEN NULL ELSE '42501' END, format('anonymous: %s', name))
FROM reading WHERE number = 1;
SELECT is(pg_temp.as_user(NULL, 'SELECT count(*) FROM live.user_presence'), '0', 'anonymous reads no row of the table');
SELECT is(pg_temp.as_user('m1', $$SELECT count(*) FROM live.connection WHERE user_id <> 'm1'$$), '0', 'nobody reads connections of others');
SELECT is(pg_temp.as_user('viewer', 'SELECT count(*) FROM live.presence WHERE connections > 0'),
          (SELECT count(*)::text FROM matrix WHERE to_others <> 'offline'), 'connections are counted of those who are shown only');

-- Exact deadlines: no reader waits for an announcement.
SELECT pg_temp.news() \g /dev/null
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a001')).status$$), 'online', 'a first heartbeat connects');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna offline>online'], 'and is announced');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a001')).status$$), 'online', 'the next');
SELECT is_empty('SELECT pg_temp.news()', 'is not');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a002')).connections$$), '2', 'a second tab');
SELECT is(pg_temp.as_user('anna', $$SELECT live.disconnect('00000000-0000-4000-8000-00000000a002')$$), '', 'closes');
SELECT is_empty('SELECT pg_temp.news()', 'without an event');
SELECT pg_temp.at(89) \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT (live.get_presence('anna')).status$$), 'online', 'a moment before the deadline');
SELECT pg_temp.at(91) \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT (live.get_presence('anna')).status$$), 'offline', 'a moment after');
SELECT is(pg_temp.as_user('bob', $$SELECT count(*) FROM live.get_online_users() WHERE user_id = 'anna'$$), '0', 'in lists too');
SELECT cmp_ok(pg_temp.as_user('bob', $$SELECT (live.get_presence('anna')).last_seen_at$$)::timestamptz, '<=', clock_timestamp(), 'last seen at the last heartbeat, not at the deadline');
SELECT is((SELECT live.expire_presence()) >= 1, true, 'it is announced');
SELECT is((SELECT count(*) FROM pg_temp.news() AS n WHERE n = 'presence anna online>offline'), 1::bigint, 'once');
SELECT is(live.expire_presence(), 0, 'and not again');
SELECT is_empty('SELECT pg_temp.news()', 'no event');

-- Idle after five minutes, by itself; active again by a heartbeat.
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a003', ttl => '1 hour')).status$$), 'online', 'connected for an hour');
SELECT pg_temp.news() \g /dev/null
SELECT pg_temp.at(91 + 301) \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT (live.get_presence('anna')).status$$), 'away', 'away after five minutes');
SELECT live.expire_presence() \g /dev/null
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna online>away'], 'announced');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a003', active => false, ttl => '1 hour')).status$$), 'away', 'an idle heartbeat changes nothing');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a003', ttl => '1 hour')).status$$), 'online', 'an active one does');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna away>online'], 'with one event');
SELECT pg_temp.at(91 + 301 + 290) \g /dev/null
SELECT pg_temp.as_user('anna', $$SELECT (live.heartbeat('00000000-0000-4000-8000-00000000a003', ttl => '1 hour')).status$$) \g /dev/null
SELECT pg_temp.at(91 + 301 + 310) \g /dev/null
SELECT live.expire_presence() \g /dev/null
SELECT is_empty('SELECT pg_temp.news()', 'a look that comes too early announces nothing');

-- Typing at many places.
SELECT is((SELECT count(*) FROM generate_series(1, 100) AS n WHERE pg_temp.as_user('anna', format('SELECT live.set_typing(%L, true)', 'place ' || n)) = ''), 100::bigint, 'at 100 places');
SELECT is(pg_temp.as_user('anna', $$SELECT live.set_typing('one more', true)$$), '54000', 'at no more');
SELECT is(pg_temp.as_user('anna', $$SELECT live.set_typing('place 7', true)$$), '', 'at those again');
SELECT is(pg_temp.as_user('anna', $$SELECT live.set_typing('place 7', false)$$), '', 'where one stops');
SELECT is(pg_temp.as_user('anna', $$SELECT live.set_typing('one more', true)$$), '', 'there is room for one more');
INSERT INTO live.typing SELECT 'crowded ' || n, 'bob', live_private.clock(), live_private.clock() FROM generate_series(1, 1000) AS n;
SELECT pg_temp.at(91 + 301 + 320) \g /dev/null
SELECT live.expire_presence() \g /dev/null
SELECT is((SELECT count(*) FROM live.typing), 600::bigint, 'it ends at 500 places at once, since each is a lock');
SELECT ok(live_private.next_presence_deadline() <= live_private.clock(), 'the rest is due');
SELECT live.expire_presence(), live.expire_presence() \g /dev/null
SELECT is_empty('SELECT FROM live.typing', 'and follows');

-- Renewing leaves the next look where it is; the look moves it, of so many at once.
INSERT INTO live.typing SELECT 'renewed ' || n, 'bob', live_private.clock(), live_private.clock() + interval '1 hour', true, live_private.clock() FROM generate_series(1, 7000) AS n;
SELECT ok(live_private.expire_typing(500), 'when many have renewed there are more to look at');
SELECT is((SELECT count(*) FROM live.typing WHERE check_at <= live_private.clock()), 2000::bigint, 'than one look takes');
SELECT ok(NOT live_private.expire_typing(500), 'but no more than the next one does');
SELECT is((SELECT count(*) FROM live.typing WHERE check_at = expires_at), 7000::bigint, 'each is looked at again when it ends');
SELECT cmp_ok(live_private.next_presence_deadline(), '>', live_private.clock(), 'and not before');
DELETE FROM live.typing;
SELECT pg_temp.news() \g /dev/null

-- A user types while one of the user's connections does; what one says ends nothing of another.
CREATE FUNCTION pg_temp.typing_news() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  news text;
BEGIN
  SELECT string_agg(payload ->> 'user_ids', ' ' ORDER BY id) INTO news FROM live.signal WHERE topic = 'typing:tabs';
  DELETE FROM live.signal WHERE topic = 'typing:tabs';
  RETURN news;
END
$$;
CREATE TEMP TABLE typing_step (turn serial, call text, news text);
INSERT INTO typing_step (call, news) VALUES
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a001', 'tabs', true)$$, '["anna"]'),
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a002', 'tabs', true)$$, NULL),
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a002', 'tabs', false)$$, NULL),
  ($$live.set_typing('tabs', true)$$, NULL),
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a001', 'tabs', false)$$, NULL),
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a001', 'tabs', false)$$, NULL),
  ($$live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a002', 'tabs', true)$$, NULL),
  ($$live.set_typing('tabs', false)$$, '[]');
SELECT is(pg_temp.as_user('anna', 'SELECT ' || call) || coalesce(pg_temp.typing_news(), ''), coalesce(news, ''), format('%s: %s', turn, call)) FROM typing_step ORDER BY turn;
SELECT pg_temp.as_user('anna', $$SELECT live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a001', 'tabs', true), live_private.set_typing_of_socket('00000000-0000-4000-8000-00000000a002', 'tabs', true)$$) \g /dev/null
UPDATE live.typing SET expires_at = live_private.clock(), check_at = live_private.clock() WHERE connection = '00000000-0000-4000-8000-00000000a001';
SELECT pg_temp.typing_news(), live.expire_presence() \g /dev/null
SELECT is(pg_temp.typing_news(), NULL, 'that one of two connections is not renewed is no news');
SELECT is(live_private.typing_users('tabs'), '{anna}', 'the other one goes on');
UPDATE live.typing SET expires_at = live_private.clock(), check_at = live_private.clock();
SELECT live.expire_presence() \g /dev/null
SELECT is(pg_temp.typing_news(), '[]', 'that both are not is told once');
SELECT is(pg_temp.as_user('anna', $$SELECT live_private.set_typing_of_socket(NULL, 'tabs', true)$$), '22004', 'a connection is named');
SELECT is(pg_temp.as_user('anna', $$SELECT live_private.set_typing_of_socket(gen_random_uuid(), 'tabs', true) FROM generate_series(1, 101)$$), '54000', 'made-up connections are bounded too');
SELECT pg_temp.news() \g /dev/null

-- Changes of what is shown.
SELECT is(pg_temp.as_user('anna', $$SELECT (live.update_presence(custom_status => 'at lunch')).custom_status$$), 'at lunch', 'a text of one''s own');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna online>online'], 'is one event');
SELECT pg_temp.as_user('anna', $$SELECT (live.update_presence(custom_status => 'at lunch')).custom_status$$) \g /dev/null
SELECT is_empty('SELECT pg_temp.news()', 'the same again none');
SELECT is(pg_temp.as_user('anna', $$SELECT (live.update_presence('busy', '', 'tablet', '{"a": 1}'))::text$$) ~ '^\(anna,busy,busy,,tablet,1,', true, 'all at once');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna online>busy'], 'is one event too');
SELECT is(pg_temp.as_user('anna', 'SELECT live.go_offline()'), '', 'go_offline');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence anna busy>offline'], 'is announced');
SELECT is_empty($$SELECT FROM live.signal WHERE topic = '$connection'$$, 'bridges need not know of connections that are not theirs');
SELECT live_private.register_node('10000000-0000-4000-8000-0000000000aa'),
       live_private.connect_users('10000000-0000-4000-8000-0000000000aa', ARRAY[pg_temp.connection(801), pg_temp.connection(802)], '{anna,anna}') \g /dev/null
SELECT is(pg_temp.as_user('anna', format('SELECT live.disconnect(%L)', pg_temp.connection(801))), '', 'the user ends a connection that a bridge holds');
SELECT results_eq($$SELECT payload -> 'ids' ->> 0 FROM live.signal WHERE topic = '$connection'$$, ARRAY[pg_temp.connection(801)::text], 'which the bridge is told');
SELECT is(pg_temp.as_user('anna', 'SELECT live.go_offline()'), '', 'or all of them');
SELECT results_eq($$SELECT payload -> 'ids' ->> 0 FROM live.signal WHERE topic = '$connection' ORDER BY id$$,
                  ARRAY[pg_temp.connection(801)::text, pg_temp.connection(802)::text], 'once each');
SELECT pg_temp.news() \g /dev/null
SELECT is(pg_temp.as_user('stranger', $$SELECT live.get_presence('nobody')$$), '(nobody,offline,auto,,,0,,,{})', 'who is unknown is offline');

-- Invisible: whatever the user does, others read the same.
SELECT pg_temp.as_user('iris', $$SELECT live.heartbeat('00000000-0000-4000-8000-0000000000f1', 'desktop', ttl => '1 hour')$$) \g /dev/null
SELECT pg_temp.as_user('iris', $$SELECT live.update_presence(custom_status => 'here')$$) \g /dev/null
SELECT pg_temp.news() \g /dev/null
SELECT is(pg_temp.as_user('iris', $$SELECT (live.update_presence('invisible')).mode$$), 'invisible', 'one knows of oneself');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence iris online>offline'], 'others hear offline');
CREATE TEMP TABLE before AS SELECT pg_temp.as_user('bob', $$SELECT (p, u) FROM live.presence p JOIN live.user_presence u USING (user_id) WHERE user_id = 'iris'$$) AS row;
SELECT pg_temp.as_user('iris', statement) FROM unnest(ARRAY[
  $$SELECT live.heartbeat('00000000-0000-4000-8000-0000000000f1', 'mobile', ttl => '1 hour')$$,
  $$SELECT live.heartbeat('00000000-0000-4000-8000-0000000000f2', 'tablet', ttl => '1 hour')$$,
  $$SELECT live.update_presence(custom_status => 'secret', device_type => 'web', metadata => '{"secret": true}')$$,
  $$SELECT live.set_typing('doc', true)$$, $$SELECT live.disconnect('00000000-0000-4000-8000-0000000000f2')$$,
  $$SELECT live.go_offline()$$, $$SELECT live.heartbeat('00000000-0000-4000-8000-0000000000f3', ttl => '1 hour')$$]) AS statement \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT (p, u) FROM live.presence p JOIN live.user_presence u USING (user_id) WHERE user_id = 'iris'$$), row, 'nothing that others read has changed') FROM before;
SELECT is_empty('SELECT pg_temp.news()', 'and nothing was announced');
SELECT is(pg_temp.as_user('bob', $$SELECT live.get_typing('doc')$$), '{}', 'nor is typing seen');
SELECT is_empty($$SELECT FROM live.signal WHERE topic = 'typing:doc'$$, 'or told');
SELECT pg_temp.as_user('iris', $$SELECT live.set_typing('diary', true)$$) \g /dev/null
UPDATE live.typing SET expires_at = live_private.clock(), check_at = live_private.clock() WHERE location = 'diary';
SELECT live.expire_presence() \g /dev/null
SELECT is_empty($$SELECT FROM live.typing WHERE location = 'diary'$$, 'what nobody saw ends');
SELECT is_empty($$SELECT FROM live.signal WHERE topic = 'typing:diary'$$, 'without a word');
SELECT is(pg_temp.as_user('bob', $$SELECT count(*) FROM live_private.invisible_user$$), '0', 'who is invisible cannot be read');
SELECT is(pg_temp.as_user('bob', $$SELECT count(*) FROM live.get_online_users(1000) WHERE user_id = 'iris'$$), '0', 'nor be seen in the list');
SELECT is(pg_temp.as_user('iris', $$SELECT (live.get_presence()).custom_status$$), 'secret', 'the user sees the truth');
SELECT is(pg_temp.as_user('iris', $$SELECT (live.update_presence('auto')).status$$), 'online', 'visible again');
SELECT results_eq('SELECT pg_temp.news()', ARRAY['presence iris offline>online'], 'others hear it');
SELECT is(pg_temp.as_user('bob', $$SELECT (live.get_presence('iris')).custom_status$$), 'secret', 'with what was changed while invisible');
SELECT is(pg_temp.as_user('bob', $$SELECT live.get_typing('doc')$$), '{iris}', 'and typing is seen');

-- Who may see whom.
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO authenticated;
CREATE FUNCTION app.is_friend(user_id text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT live.user_id() = 'bob' AND user_id = 'iris' AND current_user = 'authenticated' $$;
INSERT INTO live.collaboration_sessions (id, room_name, created_by) VALUES (pg_temp.connection(1), 'room', 'iris'), (pg_temp.connection(2), 'old', 'iris');
UPDATE live.collaboration_sessions SET status = 'ended' WHERE room_name = 'old';
INSERT INTO live.session_participants VALUES (pg_temp.connection(1), 'iris', 'owner'), (pg_temp.connection(1), 'bob', 'viewer'),
  (pg_temp.connection(2), 'iris', 'owner'), (pg_temp.connection(2), 'carl', 'viewer');
INSERT INTO live_private.follow_edge VALUES ('bob', 'iris');
CREATE TEMP VIEW visibility AS
SELECT viewer, way.* FROM unnest('{iris,bob,carl}'::text[]) AS viewer, (VALUES
  ('get_presence', $$SELECT (live.get_presence('iris')).status <> 'offline'$$),
  ('view', $$SELECT EXISTS (SELECT FROM live.presence WHERE user_id = 'iris')$$),
  ('table', $$SELECT EXISTS (SELECT FROM live.user_presence WHERE user_id = 'iris')$$),
  ('get_online_users', $$SELECT EXISTS (SELECT FROM live.get_online_users(1000) WHERE user_id = 'iris')$$)) AS way (name, statement);
SELECT is(pg_temp.as_user(viewer, statement), 'true', format('everyone: %s by %s', name, viewer)) FROM visibility;
SELECT live.set_presence_visibility('session') \g /dev/null
SELECT is(pg_temp.as_user(viewer, statement), (viewer <> 'carl')::text, format('session: %s by %s', name, viewer)) FROM visibility;
SELECT live.set_presence_visibility('followers') \g /dev/null
SELECT is(pg_temp.as_user(viewer, statement), (viewer <> 'carl')::text, format('followers: %s by %s', name, viewer)) FROM visibility;
SELECT live.set_presence_visibility('function', 'app.is_friend(text)') \g /dev/null
SELECT is(pg_temp.as_user(viewer, statement), (viewer <> 'carl')::text, format('function: %s by %s', name, viewer)) FROM visibility;
-- Without a user: admins and services see all users; with one they see what the user sees.
CREATE ROLE service BYPASSRLS;
SELECT live.grant_client('service') \g /dev/null
GRANT USAGE ON SCHEMA app TO service;
SET LOCAL request.jwt.claim.sub = '';
SELECT is((SELECT count(*) FROM live.presence), (SELECT count(*) FROM live.user_presence), 'an admin without a user sees all users');
SET LOCAL ROLE service;
SELECT is((SELECT count(*) FROM live.presence), (SELECT count(*) FROM live.user_presence), 'as does a service');
SET LOCAL request.jwt.claim.sub = 'carl';
SELECT is_empty($$SELECT FROM live.presence WHERE user_id = 'iris'$$, 'who acts as a user sees what the user sees');
RESET ROLE;
SELECT is_empty($$SELECT FROM live.presence WHERE user_id = 'iris'$$, 'an admin too');
SET LOCAL request.jwt.claim.sub = '';
SELECT results_eq($$SELECT payload ->> 'topic', (payload ->> 'rejoin')::boolean FROM live.event WHERE topic = '$access' AND event = 'access:revoked' ORDER BY id DESC LIMIT 1$$,
                  $$VALUES ('presence', true)$$, 'who is told of presence joins again when the rule changes');
SELECT pg_temp.news() \g /dev/null
SELECT pg_temp.as_user('iris', $$SELECT live.update_presence('busy')$$) \g /dev/null
SELECT results_eq('SELECT pg_temp.news()', ARRAY['$presence iris online>busy'], 'under a rule, events go where each receiver is checked');
SELECT throws_ok(call, '22023', NULL, call) FROM unnest(ARRAY['SELECT live.set_presence_visibility(NULL)', $$SELECT live.set_presence_visibility('all')$$,
  $$SELECT live.set_presence_visibility('function')$$, $$SELECT live.set_presence_visibility('everyone', 'app.is_friend(text)')$$]) AS call;
SELECT throws_ok($$SELECT live.set_presence_visibility('function', 'pg_catalog.length(text)')$$, '42P13', NULL, 'a function that returns something else');

-- Bad input: a clear error, and no row is changed.
SELECT live.set_presence_visibility('everyone') \g /dev/null
SELECT is(pg_temp.as_user('eve', statement), state, statement) FROM (VALUES
  ($$SELECT live.update_presence('sleepy')$$, '22P02'), ($$SELECT live.heartbeat(NULL)$$, '22004'), ($$SELECT live.heartbeat('x')$$, '22P02'),
  ($$SELECT live.heartbeat('00000000-0000-4000-8000-0000000000f3')$$, '42501'),
  ($$SELECT live.heartbeat(gen_random_uuid(), ttl => '-1 second')$$, '22023'), ($$SELECT live.heartbeat(gen_random_uuid(), ttl => '100 years')$$, '22023'),
  ($$SELECT live.heartbeat(gen_random_uuid(), ttl => 'infinity'::text::interval)$$, CASE WHEN current_setting('server_version_num')::integer < 170000 THEN '22007' ELSE '22023' END),
  ($$SELECT live.update_presence(metadata => jsonb_build_object('a', repeat('x', 5000000)))$$, '54000'),
  ($$SELECT live.update_presence(metadata => '{"a": {"__proto__": 1}}')$$, '22023'), ($$SELECT live.update_presence(metadata => '[1]')$$, '22023'),
  ($$SELECT live.update_presence(metadata => '{"a":[[[[[[[[1]]]]]]]]}')$$, '54000'), ($$SELECT live.update_presence(metadata => '{"a\n":1}')$$, '22023'),
  ($$SELECT live.update_presence(metadata => (SELECT jsonb_object_agg(i, i) FROM generate_series(1, 257) i))$$, '54000'),
  ($$SELECT live.update_presence(custom_status => repeat('x', 256))$$, '22023'), ($$SELECT live.update_presence(custom_status => E'a\x01')$$, '22023'),
  ($$SELECT live.set_typing(repeat('x', 10000), true)$$, '22023'), ($$SELECT live.set_typing(NULL, true)$$, '22004'), ($$SELECT live.set_typing('a', NULL)$$, '22004'),
  ($$SELECT live.set_typing('user:anna', true)$$, '42501'), ($$SELECT live.get_typing('session:1')$$, '42501'),
  ($$SELECT live.get_online_users(0)$$, '22023'), ($$SELECT live.get_online_users(1000000000)$$, '22023'), ($$SELECT live.get_online_users(1, '%%%')$$, '22023'),
  ($$SELECT live.get_online_users(1, '/w==')$$, '22023'), ($$SELECT live.disconnect('00000000-0000-4000-8000-0000000000f3')$$, '')) AS bad (statement, state);
SELECT is(pg_temp.as_user('bob', $$SELECT (live.get_presence('iris')).status$$), 'busy', 'iris is as she was');
SELECT is_empty($$SELECT FROM live.connection WHERE user_id = 'eve'$$, 'and eve is not connected');
SELECT pg_temp.as_user('eve', 'SELECT live.heartbeat(gen_random_uuid())') FROM generate_series(1, 200) \g /dev/null
SELECT is(pg_temp.as_user('eve', 'SELECT live.heartbeat(gen_random_uuid())'), '54000', 'one user has 200 connections at most');

-- Pages of the list: each user once.
SELECT pg_temp.as_user('p' || i, format('SELECT live.heartbeat(%L, active => %L)', pg_temp.connection(1000 + i), i % 2 = 0)) FROM generate_series(1, 20) AS i \g /dev/null
CREATE TEMP TABLE page (user_id text, cursor text);
CREATE FUNCTION pg_temp.read_pages() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  last text;
BEGIN
  LOOP
    INSERT INTO page SELECT o.user_id, o.cursor FROM live.get_online_users(7, last) o;
    EXIT WHEN NOT FOUND;
    SELECT p.cursor INTO last FROM page p ORDER BY p.user_id DESC LIMIT 1;
  END LOOP;
  RETURN count(*) FROM page;
END
$$;
GRANT ALL ON page TO authenticated;
SELECT is(pg_temp.as_user('viewer', 'SELECT pg_temp.read_pages()'), pg_temp.as_user('viewer', 'SELECT count(*) FROM live.get_online_users(1000)'), 'pages have all');
SELECT is_empty('SELECT user_id FROM page GROUP BY user_id HAVING count(*) > 1', 'and nobody twice');
SELECT set_eq($$SELECT DISTINCT status::text FROM (SELECT * FROM live.user_presence WHERE user_id IN (SELECT user_id FROM page)) AS u$$, '{online,away,busy}'::text[], 'of those who are connected');
SELECT is(pg_temp.as_user('viewer', $$SELECT count(*) FROM live.get_online_users(1000, statuses => '{busy}') WHERE status <> 'busy'$$), '0', 'statuses filters');
-- Some are idle, have gone or lost their node since it was announced.
SELECT pg_temp.at(5000) \g /dev/null
SELECT live_private.register_node('00000000-0000-4000-8000-00000000f001'), live_private.connect_users('00000000-0000-4000-8000-00000000f001', array(SELECT pg_temp.connection(2000 + i) FROM generate_series(1, 20) AS i), array(SELECT 'p' || i FROM generate_series(1, 20) AS i)) \g /dev/null
SELECT pg_temp.as_user('q' || i, format('SELECT live.heartbeat(%L, ttl => %L), live.update_presence(%L)', pg_temp.connection(1100 + i), i * interval '1 minute', (ARRAY['busy', 'auto', 'away'])[1 + i % 3])) FROM generate_series(1, 20) AS i \g /dev/null
SELECT pg_temp.as_user('q20', $$SELECT live.update_presence('invisible')$$) \g /dev/null
CREATE FUNCTION pg_temp.listed(viewer text, seconds integer, statuses text, condition text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.at(5000 + seconds);
  SELECT pg_temp.as_user(viewer, format('SELECT array_agg(user_id ORDER BY user_id) FROM live.get_online_users(1000, statuses => %s) WHERE %s', statuses, condition))
$$;
-- Half a minute from each deadline, so that both answers are of one side of it, however slow the machine is.
SELECT is(pg_temp.listed(viewer, seconds, quote_literal(asked), 'true'), pg_temp.listed(viewer, seconds, 'NULL', format('status = ANY (%L)', asked)), format('%s by %s after %s seconds', asked, viewer, seconds))
FROM unnest('{viewer,q20}'::text[]) AS viewer, unnest('{0,20,270,330,700}'::integer[]) AS seconds, unnest(ARRAY['{online}', '{away}', '{busy}', '{busy,away}', '{offline}', '{}']) AS asked;
SELECT isnt(pg_temp.listed('viewer', 330, '''{away}''', 'user_id IN (SELECT user_id FROM live.user_presence WHERE status = ''online'')'), NULL, 'of them some were announced otherwise');

SELECT finish();
ROLLBACK;
