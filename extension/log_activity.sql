-- Logging an activity: in the caller's transaction it is stored, emitted to the users who may see it, and counted as a trend.

CREATE FUNCTION live_private.check_activity(
  activity_type text, entity_type text, entity_id text, metadata jsonb, idempotency_key text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.checked_text(activity_type, 'activity_type', 255);
  IF (entity_type IS NULL) <> (entity_id IS NULL) THEN
    RAISE EXCEPTION 'entity_type and entity_id go together' USING ERRCODE = 'invalid_parameter_value';
  ELSIF entity_type IS NOT NULL THEN
    PERFORM live_private.checked_text(entity_type, 'entity_type', 255), live_private.checked_text(entity_id, 'entity_id', 255);
  END IF;
  IF metadata IS NULL THEN
    RAISE EXCEPTION 'metadata must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  PERFORM live_private.checked_metadata(metadata);
  IF idempotency_key IS NOT NULL THEN
    PERFORM live_private.checked_text(idempotency_key, 'idempotency_key', 255);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.check_activity(text, text, text, jsonb, text) IS 'Errors 22004, 22023, 54000 for values out of bounds. Part of live.log_activity().';

-- The audience as it is stored: each user once, without the actor, who sees the activity anyway; empty for other visibilities.
CREATE FUNCTION live_private.checked_audience(actor text, visibility live.activity_visibility, session_id uuid, audience text[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most integer := 1000;
  users text[];
BEGIN
  IF visibility IS NULL THEN
    RAISE EXCEPTION 'visibility must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF visibility = 'session' AND session_id IS NULL THEN
    RAISE EXCEPTION 'visibility "session" needs a session_id' USING ERRCODE = 'invalid_parameter_value';
  ELSIF session_id IS NOT NULL AND NOT live.is_participant(session_id) THEN
    RAISE EXCEPTION 'not a participant of the session' USING ERRCODE = 'insufficient_privilege';
  ELSIF (visibility = 'users') <> (coalesce(cardinality(audience), 0) > 0) THEN
    RAISE EXCEPTION 'an audience is given with visibility "users", and only then' USING ERRCODE = 'invalid_parameter_value';
  ELSIF cardinality(audience) > most THEN
    RAISE EXCEPTION 'audience is too large' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('It has %s users, the limit is %s.', cardinality(audience), most);
  END IF;
  SELECT array_agg(DISTINCT live_private.checked_text(u COLLATE "C", 'a user of the audience', 255)) INTO users FROM unnest(audience) AS u;
  RETURN coalesce(array_remove(users, actor), '{}');
END
$$;
COMMENT ON FUNCTION live_private.checked_audience(text, live.activity_visibility, uuid, text[]) IS
'The audience, sorted, without repeats and the actor. Errors: 22004, 22023; 42501 for a session of others; 54000 for more than 1000 users. Part of live.log_activity().';

CREATE FUNCTION live_private.check_audience_size(users bigint, payload_size bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  size bigint := 2 * users * payload_size;
  most bigint := pg_size_bytes(current_setting('pg_live.max_audience_size'));
BEGIN
  IF size > most THEN
    RAISE EXCEPTION 'activity is too large for its audience' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('Two events of %s bytes for each of %s users take %s bytes, the limit is %s.', payload_size, users, size, most),
      HINT = 'Name fewer users, store less metadata, or raise "pg_live.max_audience_size".';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.check_audience_size(bigint, bigint) IS
'Error 54000 if the events of an activity for so many users take more than pg_live.max_audience_size. Part of live_private.tell_activity().';

CREATE FUNCTION live_private.tell_activity(activity live.activity_stream, audience text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  payload jsonb := live_private.activity_json(activity);
  count integer[] := array[cardinality(audience)];
  topics text[];
BEGIN
  IF activity.visibility = 'users' THEN
    PERFORM live_private.check_audience_size(cardinality(audience), pg_column_size(payload));
    INSERT INTO live_private.activity_audience (user_id, created_at, activity_id, activity_type, xid)
    SELECT member, activity.created_at, activity.id, activity.activity_type, pg_current_xact_id() FROM unnest(audience) AS member;
    -- The actor's event comes first and may store the payload for all: live.erase_user() of the actor deletes all of these
    -- events, that of another user only the user's own.
    topics := array(SELECT 'user:' || member FROM unnest(audience) AS member);
    PERFORM live_private.emit_each('user:' || activity.user_id || topics || topics,
      array['activity:new'] || array_fill('notification:new'::text, count) || array_fill('activity:new'::text, count), payload);
  ELSE
    PERFORM live.emit(topic, 'activity:new', payload) FROM live_private.activity_topics(activity) AS topic;
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.tell_activity(live.activity_stream, text[]) IS 'Emits an activity to the users who may see it, and stores its audience. For the extension itself.';

CREATE FUNCTION live_private.store_activity(
  activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility,
  session_id uuid, audience text[], idempotency_key text) RETURNS live.activity_stream
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  me text := live_private.required_user();
  new_id bigint := nextval('live.activity_stream_id_seq');
  users text[];
  stored live.activity_stream;
BEGIN
  PERFORM live_private.check_activity(activity_type, entity_type, entity_id, metadata, idempotency_key);
  users := live_private.checked_audience(me, visibility, session_id, audience);
  WITH first_use AS (
    INSERT INTO live.activity_key AS k (user_id, idempotency_key, activity_id)
    SELECT me, idempotency_key, new_id WHERE idempotency_key IS NOT NULL
    ON CONFLICT ON CONSTRAINT activity_key_pkey DO NOTHING
    RETURNING k.activity_id
  )
  INSERT INTO live.activity_stream AS a (id, user_id, activity_type, entity_type, entity_id, metadata, visibility, session_id)
  SELECT new_id, me, activity_type, entity_type, entity_id, metadata, visibility, session_id
  WHERE idempotency_key IS NULL OR EXISTS (SELECT FROM first_use)
  RETURNING a.* INTO stored;
  IF stored.id IS NOT NULL THEN
    PERFORM live_private.tell_activity(stored, users);
    PERFORM live_private.note_trend(stored, 1);
    RETURN stored;
  END IF;
  SELECT a.* INTO stored FROM live.activity_key k JOIN live.activity_stream a ON a.id = k.activity_id
  WHERE k.user_id = me AND k.idempotency_key = store_activity.idempotency_key;
  -- The former content of a tombstone is gone and cannot be compared; a late repetition does not restore it.
  IF stored.deleted_at IS NULL AND
     (stored.activity_type, stored.entity_type, stored.entity_id, stored.metadata, stored.visibility, stored.session_id, live.audience(stored))
     IS DISTINCT FROM (activity_type, entity_type, entity_id, metadata, visibility, session_id, users) THEN
    RAISE EXCEPTION 'idempotency key was used for another activity' USING ERRCODE = 'unique_violation';
  END IF;
  RETURN stored;
END
$$;
COMMENT ON FUNCTION live_private.store_activity(text, text, text, jsonb, live.activity_visibility, uuid, text[], text) IS
'Stores and emits an activity of the current user. Part of live.log_activity(), which checks the entity first.';

CREATE FUNCTION live.log_activity(
  activity_type text, entity_type text DEFAULT NULL, entity_id text DEFAULT NULL, metadata jsonb DEFAULT '{}',
  visibility live.activity_visibility DEFAULT 'public', session_id uuid DEFAULT NULL, audience text[] DEFAULT NULL,
  idempotency_key text DEFAULT NULL) RETURNS live.activity_stream
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_log_activity';
COMMENT ON FUNCTION live.log_activity(text, text, text, jsonb, live.activity_visibility, uuid, text[], text) IS
'Logs an activity of the current user and emits it to the users who may see it. Returns it; for a repeated idempotency_key, the first one, even if deleted since. Errors: 42501 when not signed in, or for a session of others; 23503 for an entity of a registered type that does not exist or may not be seen; 23505 for a key of another activity; 55000 for a registered type whose table is gone; 22004, 22023; 54000 for metadata out of bounds, more than 1000 users, or events above pg_live.max_audience_size.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.log_activity(text, text, text, jsonb, live.activity_visibility, uuid, text[], text)');
