-- Replay of the topic presence: what was announced, as far as the caller may see whose presence it is by the rule that
-- is in force now, whichever was when it happened.

CREATE FUNCTION live.presence_events(after_position text, since timestamptz, max_events integer)
RETURNS TABLE ("position" text, event text, payload jsonb, created_at timestamptz, user_id text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT announced.*, announced.payload ->> 'user_id'
  FROM (SELECT * FROM live.replay_events('presence', after_position, since, max_events)
        UNION ALL SELECT * FROM live.replay_events('$presence', after_position, since, max_events)) AS announced
  ORDER BY split_part(announced."position", '-', 1)::bigint, split_part(announced."position", '-', 2)::bigint
  LIMIT max_events
$$;
COMMENT ON FUNCTION live.presence_events(text, timestamptz, integer) IS
'What was announced under any rule of visibility, and of whom. Part of live.replay(), which asks for each user; checks no access.';
