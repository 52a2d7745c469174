-- Sessions and their participants: the tables that access depends on, and functions for policies.
--
-- The functions are SECURITY DEFINER: a policy whose function reads the guarded table as the invoker would recurse. In
-- policies, write the set form: session_id = any (array (select live.my_sessions())) becomes an index condition.

CREATE TYPE live.participant_role AS ENUM ('viewer', 'editor', 'owner');
COMMENT ON TYPE live.participant_role IS 'The rights of a participant in a session; each role includes the rights of those before it.';
CREATE TYPE live.session_status AS ENUM ('active', 'ended');
COMMENT ON TYPE live.session_status IS 'Whether a session is active or has ended.';
CREATE TYPE live.merge_policy AS ENUM ('text', 'json', 'cas', 'append');
COMMENT ON TYPE live.merge_policy IS
'How concurrent operations of a session become one document. text: the database rebases change sets of CodeMirror. cas: an operation is accepted if it was made upon the head. json: an operation sets the value at a path of names in an object, or deletes it, and the last one in the log wins; a list is one value. Setting makes an object of each value on the way that is missing or is none; deleting does nothing where the way is missing; the empty path is the whole document. append: updates that commute, as those of Yjs, Automerge and Loro, are kept in the order in which they come.';

CREATE TABLE live.collaboration_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  room_name text COLLATE "C" NOT NULL,
  policy live.merge_policy NOT NULL DEFAULT 'text',
  status live.session_status NOT NULL DEFAULT 'active',
  is_public boolean NOT NULL DEFAULT false,
  is_read_only boolean NOT NULL DEFAULT false,
  max_participants integer CHECK (max_participants > 0),
  head bigint NOT NULL DEFAULT 0,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_by text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
) WITH (fillfactor = 50); -- each submission updates the head
COMMENT ON TABLE live.collaboration_sessions IS 'Collaboration sessions: rooms in which people edit together.';
COMMENT ON COLUMN live.collaboration_sessions.id IS 'Identifies the session in topics: session:<id>.';
COMMENT ON COLUMN live.collaboration_sessions.room_name IS 'Name of the session, by which users join it. live.create_session() takes no name of an active session; of several that were inserted otherwise, the oldest is joined.';
COMMENT ON COLUMN live.collaboration_sessions.policy IS 'How concurrent operations become one document.';
COMMENT ON COLUMN live.collaboration_sessions.status IS 'Whether the session is active or has ended.';
COMMENT ON COLUMN live.collaboration_sessions.is_public IS 'Whether every signed-in user may join.';
COMMENT ON COLUMN live.collaboration_sessions.is_read_only IS 'True: nobody may submit operations.';
COMMENT ON COLUMN live.collaboration_sessions.max_participants IS 'How many participants the session may have; NULL: as many as pg_live.max_participants allows.';
COMMENT ON COLUMN live.collaboration_sessions.head IS 'Version of the document: that of the newest operation, 0 before the first.';
COMMENT ON COLUMN live.collaboration_sessions.metadata IS 'Metadata of the app.';
COMMENT ON COLUMN live.collaboration_sessions.created_by IS 'User who created the session.';
COMMENT ON COLUMN live.collaboration_sessions.created_at IS 'When the session was created.';
COMMENT ON COLUMN live.collaboration_sessions.updated_at IS 'When the newest operation was submitted; at first, when the session was created.';
COMMENT ON COLUMN live.collaboration_sessions.ended_at IS 'When the session ended; NULL while it is active.';
CREATE INDEX collaboration_sessions_room_idx ON live.collaboration_sessions (room_name, created_at, id) WHERE status = 'active';
CREATE INDEX collaboration_sessions_creator_idx ON live.collaboration_sessions (created_by) WHERE status = 'active';
SELECT pg_extension_config_dump('live.collaboration_sessions', '');

CREATE TABLE live.session_participants (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL,
  role live.participant_role NOT NULL DEFAULT 'editor',
  joined_at timestamptz NOT NULL DEFAULT now(),
  is_active boolean NOT NULL DEFAULT false,
  PRIMARY KEY (session_id, user_id)
) WITH (fillfactor = 70); -- activity changes
COMMENT ON TABLE live.session_participants IS 'The participants of sessions.';
COMMENT ON COLUMN live.session_participants.session_id IS 'Session of the participant.';
COMMENT ON COLUMN live.session_participants.user_id IS 'User who takes part.';
COMMENT ON COLUMN live.session_participants.role IS 'Rights of the participant.';
COMMENT ON COLUMN live.session_participants.joined_at IS 'When the user became a participant.';
COMMENT ON COLUMN live.session_participants.is_active IS 'Whether one of the user''s connections is in the session. Disconnecting is not leaving.';
CREATE INDEX session_participants_user_idx ON live.session_participants (user_id, session_id);
CREATE INDEX session_participants_active_idx ON live.session_participants (session_id, joined_at) WHERE is_active;
SELECT pg_extension_config_dump('live.session_participants', '');

CREATE FUNCTION live.my_sessions() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.session_id
  FROM live.session_participants p JOIN live.collaboration_sessions s ON s.id = p.session_id
  WHERE p.user_id = live.user_id() AND s.status = 'active'
$$;
COMMENT ON FUNCTION live.my_sessions() IS
'The active sessions in which the current user is a participant. In policies: session_id = any (array (select live.my_sessions())).';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.my_sessions()');

CREATE FUNCTION live.is_participant(session_id uuid, at_least live.participant_role DEFAULT 'viewer') RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM live.session_participants p JOIN live.collaboration_sessions s ON s.id = p.session_id
    WHERE p.session_id = is_participant.session_id AND p.user_id = live.user_id()
      AND p.role >= at_least AND s.status = 'active')
$$;
COMMENT ON FUNCTION live.is_participant(uuid, live.participant_role) IS
'Whether the current user is a participant of that active session with at least that role.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.is_participant(uuid, live.participant_role)');

CREATE FUNCTION live.shares_session_with(user_id text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM live.session_participants mine
    JOIN live.session_participants theirs ON theirs.session_id = mine.session_id
    JOIN live.collaboration_sessions s ON s.id = mine.session_id
    WHERE mine.user_id = live.user_id() AND theirs.user_id = shares_session_with.user_id COLLATE "C" AND s.status = 'active')
$$;
COMMENT ON FUNCTION live.shares_session_with(text) IS 'Whether the current user and that user are participants of the same active session.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.shares_session_with(text)');

ALTER TABLE live.collaboration_sessions ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (id, room_name, policy, status, is_public, is_read_only, max_participants, head, metadata, created_by, created_at, updated_at, ended_at) ON live.collaboration_sessions');
CREATE POLICY participants_read ON live.collaboration_sessions FOR SELECT
  USING (id = ANY (ARRAY (SELECT live.my_sessions())) OR (is_public AND (SELECT live.user_id()) IS NOT NULL));
ALTER TABLE live.session_participants ENABLE ROW LEVEL SECURITY;
INSERT INTO live_private.privilege VALUES ('client', 'SELECT (session_id, user_id, role, joined_at, is_active) ON live.session_participants');
CREATE POLICY participants_read ON live.session_participants FOR SELECT
  USING (session_id = ANY (ARRAY (SELECT live.my_sessions())));
