-- Activities as ActivityStreams 2.0 (W3C Recommendation, 23 May 2017). The app's verbs become types of its vocabulary where
-- it has them; others become Activity, and the name is always the verb. Ids are URNs, which an app with addresses for its
-- things replaces. Letters are compared in the collation "C": in a Turkish one, LIKED is not liked.

CREATE FUNCTION live_private.activitystreams_type(activity_type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(activity_type COLLATE "C")
  WHEN 'accepted' THEN 'Accept' WHEN 'added' THEN 'Add' WHEN 'announced' THEN 'Announce' WHEN 'shared' THEN 'Announce'
  WHEN 'blocked' THEN 'Block' WHEN 'created' THEN 'Create' WHEN 'published' THEN 'Create' WHEN 'deleted' THEN 'Delete'
  WHEN 'disliked' THEN 'Dislike' WHEN 'flagged' THEN 'Flag' WHEN 'followed' THEN 'Follow' WHEN 'invited' THEN 'Invite'
  WHEN 'joined' THEN 'Join' WHEN 'left' THEN 'Leave' WHEN 'liked' THEN 'Like' WHEN 'moved' THEN 'Move' WHEN 'offered' THEN 'Offer'
  WHEN 'asked' THEN 'Question' WHEN 'rejected' THEN 'Reject' WHEN 'read' THEN 'Read' WHEN 'removed' THEN 'Remove'
  WHEN 'undone' THEN 'Undo' WHEN 'updated' THEN 'Update' WHEN 'viewed' THEN 'View'
  ELSE coalesce((SELECT known FROM unnest('{Accept,Add,Announce,Arrive,Block,Create,Delete,Dislike,Flag,Follow,Ignore,Invite,Join,Leave,Like,Listen,Move,Offer,Read,Reject,Remove,TentativeAccept,TentativeReject,Travel,Undo,Update,View}'::text[]) AS known
                 WHERE lower(known COLLATE "C") = lower(activity_type COLLATE "C")), 'Activity')
END;
COMMENT ON FUNCTION live_private.activitystreams_type(text) IS 'The ActivityStreams type for a verb of the app; Activity if there is none.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.activitystreams_type(text)');

CREATE FUNCTION live_private.activitystreams_urn(kind text, VARIADIC ids text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT 'urn:pg-live:' || kind || string_agg(':' || encoded.id, '' ORDER BY encoded.place)
  FROM (
    SELECT part.place, string_agg(
             CASE WHEN get_byte(part.bytes, i) < 128 AND chr(get_byte(part.bytes, i)) ~ '[A-Za-z0-9._~-]' THEN chr(get_byte(part.bytes, i))
                  ELSE '%' || upper(lpad(to_hex(get_byte(part.bytes, i)), 2, '0') COLLATE "C") END, '' ORDER BY i) AS id
    FROM (SELECT one.place, convert_to(left(one.id, 1020), 'UTF8') AS bytes FROM unnest(ids[:4]) WITH ORDINALITY AS one (id, place)) AS part,
         generate_series(0, octet_length(part.bytes) - 1) AS i
    GROUP BY part.place) AS encoded);
COMMENT ON FUNCTION live_private.activitystreams_urn(text, text[]) IS 'Ids as a URN. Characters that a URN cannot have are percent-encoded, so different ids give different URNs. At most 4 ids of 1,020 characters, which no id here exceeds.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.activitystreams_urn(text, text[])');

CREATE FUNCTION live_private.activitystreams_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION live_private.activitystreams_time(timestamptz) IS 'A time as xsd:dateTime.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.activitystreams_time(timestamptz)');

CREATE FUNCTION live.to_activitystreams(activity live.activity_stream) RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(
    '@context', 'https://www.w3.org/ns/activitystreams',
    'id', live_private.activitystreams_urn('activity', activity.id::text),
    'type', CASE WHEN activity.deleted_at IS NULL THEN live_private.activitystreams_type(activity.activity_type) ELSE 'Tombstone' END,
    'formerType', CASE WHEN activity.deleted_at IS NOT NULL THEN live_private.activitystreams_type(activity.activity_type) END,
    'deleted', CASE WHEN activity.deleted_at IS NOT NULL THEN live_private.activitystreams_time(activity.deleted_at) END,
    'published', live_private.activitystreams_time(activity.created_at)))
  || CASE WHEN activity.deleted_at IS NOT NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
    'name', activity.activity_type,
    'actor', jsonb_build_object('type', 'Person', 'id', live_private.activitystreams_urn('user', activity.user_id), 'name', activity.user_id),
    -- An IntransitiveActivity has no object.
    CASE WHEN live_private.activitystreams_type(activity.activity_type) IN ('Arrive', 'Travel', 'Question') THEN 'target' ELSE 'object' END,
    CASE WHEN activity.entity_type IS NOT NULL THEN
      jsonb_build_object('type', 'Object', 'id', live_private.activitystreams_urn('entity', activity.entity_type, activity.entity_id),
                         'name', activity.entity_type || ' ' || activity.entity_id) END,
    'context', CASE WHEN activity.session_id IS NOT NULL THEN
      jsonb_build_object('type', 'Collection', 'id', live_private.activitystreams_urn('session', activity.session_id::text)) END,
    'to', CASE activity.visibility
      WHEN 'public' THEN '["https://www.w3.org/ns/activitystreams#Public"]'::jsonb
      WHEN 'followers' THEN jsonb_build_array(live_private.activitystreams_urn('followers', activity.user_id))
      WHEN 'session' THEN jsonb_build_array(live_private.activitystreams_urn('session', activity.session_id::text))
      WHEN 'users' THEN coalesce(
        (SELECT jsonb_agg(live_private.activitystreams_urn('user', u) ORDER BY u) FROM unnest(live.audience(activity)) AS u),
        jsonb_build_array(live_private.activitystreams_urn('user', activity.user_id)))
      ELSE jsonb_build_array(live_private.activitystreams_urn('user', activity.user_id)) END)) END
$$;
COMMENT ON FUNCTION live.to_activitystreams(live.activity_stream) IS
'The activity as a JSON object of ActivityStreams 2.0; a deleted one as a Tombstone. Visibility users: addressed to those of live.audience(). Without metadata, which are the app''s own.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.to_activitystreams(live.activity_stream)');
