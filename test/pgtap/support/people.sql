-- Who stands how to the actor, whose activities are looked at: \ir it after as_user.sql. "former" was in a session that ended.
CREATE FUNCTION pg_temp.room(number integer) RETURNS uuid LANGUAGE sql AS
$$ SELECT format('00000000-0000-4000-9000-%s', lpad(number::text, 12, '0'))::uuid $$;
CREATE TEMP TABLE viewer AS SELECT unnest('{actor,follower,participant,former,addressee,stranger,NULL}'::text[]) AS viewer;
INSERT INTO live.collaboration_sessions (id, room_name, created_by) VALUES (pg_temp.room(1), 'open', 'actor'), (pg_temp.room(2), 'over', 'actor');
INSERT INTO live.session_participants (session_id, user_id) VALUES (pg_temp.room(1), 'actor'), (pg_temp.room(1), 'participant'),
  (pg_temp.room(2), 'actor'), (pg_temp.room(2), 'former');
SELECT pg_temp.as_user('follower', $$SELECT live.follow('actor')$$) \g /dev/null

CREATE FUNCTION pg_temp.sees(viewer text, visibility text) RETURNS boolean LANGUAGE sql AS $$
  SELECT visibility = 'public'
      OR coalesce(CASE WHEN viewer = 'actor' THEN visibility <> 'deleted'
                       ELSE (visibility, viewer) IN (('followers', 'follower'), ('session', 'participant'), ('users', 'addressee')) END, false)
$$;
