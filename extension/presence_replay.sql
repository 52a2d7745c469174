-- Replay of the topic presence: the announced events whose users the caller may see by the rule in force now, not by the
-- rule at the time of the event.

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
'Announced presence events under any rule of visibility, with their users. Part of live.replay(), which checks each user; checks no access.';

-- The later of the starts of the two topics: at least so many events follow it.
CREATE FUNCTION live_private.start_of_latest_presence(since timestamptz, max_events integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT start
  FROM (VALUES (live_private.start_of_latest('presence', since, max_events)), (live_private.start_of_latest('$presence', since, max_events))) AS of_topic (start)
  WHERE start IS NOT NULL
  ORDER BY split_part(start, '-', 1)::bigint DESC, split_part(start, '-', 2)::bigint DESC LIMIT 1
$$;
COMMENT ON FUNCTION live_private.start_of_latest_presence(timestamptz, integer) IS
'A position after which at least so many presence changes were announced; NULL if there are fewer. Part of live_private.replay_start(); checks no access.';

CREATE FUNCTION live_private.position_before("position" text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%s-%s', p.batch, p.id - 1) FROM live_private.parse_position("position") AS p
$$;
COMMENT ON FUNCTION live_private.position_before(text) IS 'The position directly before that of an event. Part of live_private.replay_start().';
