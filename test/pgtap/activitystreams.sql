-- ActivityStreams 2.0: the members that the vocabulary requires, its types, who it is addressed to, ids that are URIs.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE FUNCTION pg_temp.activity(visibility text DEFAULT 'public', activity_type text DEFAULT 'liked', user_id text DEFAULT 'anna', entity_type text DEFAULT 'book',
  entity_id text DEFAULT '7', deleted_at timestamptz DEFAULT NULL, session_id uuid DEFAULT NULL) RETURNS live.activity_stream LANGUAGE sql AS $$
  SELECT ROW(42, user_id, activity_type, entity_type, entity_id, '{"secret": 1}', visibility, visibility = 'public', session_id, '2026-02-03 04:05:06.789+01', deleted_at)::live.activity_stream
$$;
SELECT is(live.to_activitystreams(pg_temp.activity()), '{"@context": "https://www.w3.org/ns/activitystreams", "id": "urn:pg-live:activity:42", "type": "Like", "name": "liked",
  "published": "2026-02-03T03:05:06.789000Z", "actor": {"type": "Person", "id": "urn:pg-live:user:anna", "name": "anna"},
  "object": {"type": "Object", "id": "urn:pg-live:entity:book:7", "name": "book 7"}, "to": ["https://www.w3.org/ns/activitystreams#Public"]}', 'a public one, whole');
SELECT is(live.to_activitystreams(pg_temp.activity(deleted_at => '2026-02-04 00:00:00+00')), '{"@context": "https://www.w3.org/ns/activitystreams", "id": "urn:pg-live:activity:42",
  "type": "Tombstone", "formerType": "Like", "published": "2026-02-03T03:05:06.789000Z", "deleted": "2026-02-04T00:00:00.000000Z"}', 'a tombstone, whole: nothing of who did what to what');
SELECT is(live.to_activitystreams(pg_temp.activity(visibility, session_id => CASE visibility WHEN 'session' THEN '00000000-0000-4000-8000-000000000001'::uuid END)) -> 'to', addressed, visibility)
FROM (VALUES ('followers', '["urn:pg-live:followers:anna"]'::jsonb), ('session', '["urn:pg-live:session:00000000-0000-4000-8000-000000000001"]'),
  ('users', '["urn:pg-live:user:anna"]'), ('private', '["urn:pg-live:user:anna"]')) AS way (visibility, addressed);
SELECT is(live.to_activitystreams(pg_temp.activity(session_id => '00000000-0000-4000-8000-000000000001')) -> 'context',
          '{"type": "Collection", "id": "urn:pg-live:session:00000000-0000-4000-8000-000000000001"}', 'the session is its context');
SELECT ok(NOT live.to_activitystreams(pg_temp.activity(entity_type => NULL, entity_id => NULL)) ? 'object', 'without an entity it has no object');
SELECT is(live.to_activitystreams(pg_temp.activity(activity_type => verb)) ->> 'type', kind, verb) FROM (VALUES
  ('created', 'Create'), ('create', 'Create'), ('Liked', 'Like'), ('shared', 'Announce'), ('TentativeAccept', 'TentativeAccept'), ('starred', 'Activity'), ('Object', 'Activity'), ('Tombstone', 'Activity')) AS known (verb, kind);
-- What is done to nothing has no object, so the thing is its target.
SELECT is(ARRAY[a ? 'object', a ? 'target'], '{false,true}', verb) FROM unnest('{asked,arrive,travel}'::text[]) AS verb, live.to_activitystreams(pg_temp.activity(activity_type => verb)) AS a;

-- Ids are URNs, whatever they are made of, and different for different things.
SELECT is(live.to_activitystreams(pg_temp.activity(entity_id => 'a b/ü%', user_id => 'auth0|x:1', entity_type => 'my book')) #>> '{object,id}', 'urn:pg-live:entity:my%20book:a%20b%2F%C3%BC%25', 'percent-encoded');
SELECT is(length(live_private.activitystreams_urn('x', VARIADIC array_fill(repeat('a', 100000), ARRAY[1000]))), length('urn:pg-live:x') + 4 * 1021, 'what is no id costs no more than one');
SELECT is(live.to_activitystreams(pg_temp.activity(user_id => 'auth0|x:1')) #>> '{actor,id}', 'urn:pg-live:user:auth0%7Cx%3A1', 'of a user');
SELECT isnt(live.to_activitystreams(pg_temp.activity(entity_type => 'a/b', entity_id => 'c')) #>> '{object,id}', live.to_activitystreams(pg_temp.activity(entity_type => 'a', entity_id => 'b/c')) #>> '{object,id}', 'slashes');
SELECT isnt(live.to_activitystreams(pg_temp.activity(entity_type => 'a:b', entity_id => 'c')) #>> '{object,id}', live.to_activitystreams(pg_temp.activity(entity_type => 'a', entity_id => 'b:c')) #>> '{object,id}', 'colons');
CREATE TEMP TABLE sample AS
SELECT live.to_activitystreams(pg_temp.activity(visibility::text, verb, odd, odd, odd, CASE WHEN dead THEN now() END)) AS a
FROM unnest(enum_range(NULL::live.activity_visibility)) AS visibility, unnest('{liked,starred,asked}'::text[]) AS verb, unnest(ARRAY['a', 'a b/ü%', '"\<>', '日本語🙂', ':', '..']) AS odd,
     unnest('{false,true}'::boolean[]) AS dead WHERE visibility <> 'session';
SELECT is_empty($$SELECT a FROM sample WHERE NOT a ?& '{@context,id,type,published}'$$, 'all have what every object has');
SELECT is_empty($$SELECT a FROM sample WHERE a ->> 'type' <> 'Tombstone' AND NOT a ?& '{actor,to}'$$, 'activities have an actor and an address');
SELECT is_empty($$SELECT a FROM sample WHERE a ->> 'type' = 'Tombstone' AND a ?| '{actor,object,target,to,name,summary,content}'$$, 'tombstones have neither');
SELECT is_empty($$SELECT id FROM sample, jsonb_path_query(a, '$.**.id') AS id WHERE id #>> '{}' !~ '^urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:([A-Za-z0-9._~:-]|%[0-9A-F]{2})+$'$$, 'every id is a URN');
SELECT is_empty($$SELECT a FROM sample WHERE a ->> 'published' !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$'$$, 'every time is an xsd:dateTime');
SELECT is_empty($$SELECT a FROM sample WHERE a::text ~ 'secret|idempotency|metadata'$$, 'nothing else of the row is told');
SELECT is_empty($$SELECT a FROM sample WHERE jsonb_path_exists(a, '$.** ? (@ == null)')$$, 'there are no nulls');
SELECT is(live.to_activitystreams(NULL), NULL, 'nothing is nothing');
-- A client has them of what it may see.
SELECT pg_temp.as_user('anna', $$SELECT live.log_activity('liked', 'book', '7')$$) \g /dev/null
SELECT is(pg_temp.as_user('bob', $$SELECT live.to_activitystreams(a) ->> 'type' FROM live.activity_stream a WHERE user_id = 'anna'$$), 'Like', 'a client asks');
SELECT is(pg_temp.as_user('anna', $$SELECT live.to_activitystreams(live.log_activity('told', visibility => 'users', audience => '{carl,ben,anna}')) -> 'to'$$),
          '["urn:pg-live:user:ben", "urn:pg-live:user:carl"]', 'its audience is who it is addressed to, at once');
SELECT is(pg_temp.as_user(viewer, $$SELECT live.to_activitystreams(a) -> 'to' FROM live.activity_stream a WHERE activity_type = 'told'$$), addressed, 'as ' || viewer || ' sees it')
FROM (VALUES ('anna', '["urn:pg-live:user:ben", "urn:pg-live:user:carl"]'), ('ben', '["urn:pg-live:user:ben"]'), ('dora', NULL)) AS v (viewer, addressed);

SELECT finish();
ROLLBACK;
