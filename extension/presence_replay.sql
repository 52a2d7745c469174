-- Replay of the topic presence: what was announced, as far as the caller may see whose presence it is by the rule that
-- is in force now, and not by the one that was when it happened.

CREATE FUNCTION live_private.presence_events(after_position text, since timestamptz, max_events integer)
RETURNS TABLE ("position" text, event text, payload jsonb, created_at timestamptz, user_id text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT announced.*, announced.payload ->> 'user_id'
  FROM (SELECT * FROM live_private.replay_events('presence', after_position, since, max_events)
        UNION ALL SELECT * FROM live_private.replay_events('$presence', after_position, since, max_events)) AS announced
  ORDER BY split_part(announced."position", '-', 1)::bigint, split_part(split_part(announced."position", '@', 1), '-', 2)::bigint
  LIMIT max_events
$$;
COMMENT ON FUNCTION live_private.presence_events(text, timestamptz, integer) IS
'What was announced under any rule of visibility, and of whom. Part of live.replay(), which asks for each user; checks no access.';

-- Behind it are at least so many: behind the later of two starts, those of one topic.
CREATE FUNCTION live_private.start_of_latest_presence(since timestamptz, max_events integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT start
  FROM (VALUES (live_private.start_of_latest('presence', since, max_events)), (live_private.start_of_latest('$presence', since, max_events))) AS of_topic (start)
  WHERE start IS NOT NULL
  ORDER BY split_part(start, '-', 1)::bigint DESC, split_part(start, '-', 2)::bigint DESC LIMIT 1
$$;
COMMENT ON FUNCTION live_private.start_of_latest_presence(timestamptz, integer) IS
'A position behind which at least so many changes of presence were announced; NULL if there are fewer. Part of live_private.replay_start(); checks no access.';

CREATE FUNCTION live_private.position_before("position" text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%s-%s', p.batch, p.id - 1) FROM live_private.parse_position("position") AS p
$$;
COMMENT ON FUNCTION live_private.position_before(text) IS 'The position after which that of an event is the next. Part of live_private.replay_start().';
