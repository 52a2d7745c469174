-- Cursors in sessions: where the connections that are in a session are in its document. Signals; the newest of each
-- connection is kept for those who join later.

CREATE FUNCTION live_private.cursor_of(connection live_private.session_connection) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('user_id', connection.user_id, 'client_id', connection.client_id, 'cursor', connection.cursor);
COMMENT ON FUNCTION live_private.cursor_of(live_private.session_connection) IS 'The cursor of a connection, as clients see it.';

-- One event a call, however many cursors moved: clients get one frame. A single one has the form of its own event.
CREATE FUNCTION live_private.emit_cursors(session_id uuid, cursors jsonb[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN cardinality(cursors) = 1
    THEN live.emit('session:' || session_id, 'collab:cursor', jsonb_build_object('session_id', session_id) || cursors[1], false)
    ELSE live.emit('session:' || session_id, 'collab:cursors', jsonb_build_object('session_id', session_id, 'cursors', to_jsonb(cursors)), false) END
  WHERE cardinality(cursors) > 0
$$;
COMMENT ON FUNCTION live_private.emit_cursors(uuid, jsonb[]) IS
'Emits the signal collab:cursor for one cursor, collab:cursors {session_id, cursors} for several.';

CREATE FUNCTION live_private.take_cursors() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.emit_cursors(c.session_id, array_agg(jsonb_set(live_private.cursor_of(c), '{cursor}', 'null')))
  FROM changed c WHERE c.cursor IS NOT NULL GROUP BY c.session_id;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION live_private.take_cursors() IS 'Takes away the cursors of connections that left a session.';
CREATE TRIGGER pg_live_left_with_cursor AFTER DELETE ON live_private.session_connection
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION live_private.take_cursors();

-- Called after the mode is stored.
CREATE FUNCTION live_private.hide_in_sessions(me text, hide boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own live_private.session_connection[] := array(
    SELECT s FROM live.connection c JOIN live_private.session_connection s ON s.connection_id = c.id WHERE c.user_id = me COLLATE "C");
BEGIN
  PERFORM live_private.settle_participants(ARRAY[o.session_id], ARRAY[me]) FROM unnest(own) AS o GROUP BY o.session_id ORDER BY o.session_id;
  PERFORM live_private.emit_cursors(o.session_id, array_agg(live_private.cursor_of(o) || CASE WHEN hide THEN '{"cursor":null}' ELSE '{}' END::jsonb))
  FROM unnest(own) AS o WHERE o.cursor IS NOT NULL GROUP BY o.session_id;
END
$$;
COMMENT ON FUNCTION live_private.hide_in_sessions(text, boolean) IS
'Hides the activity and the cursors of a user in sessions from others, or shows them. Part of live.update_presence().';

CREATE FUNCTION live_private.move_cursors(session_id uuid, moves jsonb) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  shown jsonb[];
  moved uuid[];
BEGIN
  WITH free AS MATERIALIZED (
    SELECT v.connection_id, move.client_id, move.cursor
    FROM jsonb_to_recordset(moves) AS move (connection_id uuid, client_id text, cursor jsonb)
    JOIN live_private.session_connection v ON v.connection_id = move.connection_id AND v.session_id = move_cursors.session_id
    FOR NO KEY UPDATE OF v SKIP LOCKED
  ), moved AS (
    UPDATE live_private.session_connection c
    SET client_id = live_private.checked_text(f.client_id, 'client_id', 255), cursor = live_private.checked_metadata(nullif(f.cursor, 'null'))
    FROM free f WHERE c.connection_id = f.connection_id AND c.session_id = move_cursors.session_id
    RETURNING c.*)
  SELECT array_agg(m.connection_id),
         array_agg(live_private.cursor_of(m)) FILTER (WHERE NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = m.user_id))
  INTO moved, shown FROM moved m;
  PERFORM live_private.emit_cursors(session_id, shown);
  RETURN moved;
END
$$;
COMMENT ON FUNCTION live_private.move_cursors(uuid, jsonb) IS
'Moves cursors of connections that are in a session: [{connection_id, client_id, cursor}], each connection once. Returns the connections whose cursors have moved: those in the session whose rows are not locked. Cursors of invisible users are not shown. Emits one signal, see live.move_cursor(). Errors: 22023, 54000, 55P03. For bridges.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.move_cursors(uuid, jsonb)');

CREATE FUNCTION live.move_cursor(session_id uuid, cursor jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text COLLATE "C" := live_private.required_user();
  checked jsonb := live_private.checked_metadata(nullif(cursor, 'null'));
BEGIN
  PERFORM live_private.readable_session(session_id);
  IF NOT EXISTS (SELECT FROM live_private.invisible_user i WHERE i.user_id = me) THEN
    PERFORM live_private.emit_cursors(session_id, ARRAY[jsonb_build_object('user_id', me, 'client_id', NULL, 'cursor', checked)]);
  END IF;
END
$$;
COMMENT ON FUNCTION live.move_cursor(uuid, jsonb) IS
'Shows the other participants where the current user is in the document: a JSON object of the app''s own; NULL: nowhere. A signal, collab:cursor, which is not kept; that of an invisible user is not sent. A bridge also remembers the newest cursor of each connection, for those who join later, until the connection leaves. Errors: 42501 when not signed in; 22004; P0002 for those who are not participants; 22023, 54000 as for metadata.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.move_cursor(uuid, jsonb)');
