-- How many users are online, away, busy and offline, on which devices. It is summed up from what was announced, so an
-- invisible user counts as offline, on the device last shown. It tells numbers and no times: a time would be somebody's.

CREATE VIEW live_private.announced_presence AS
SELECT p.status, coalesce(p.device_type, 'other') AS device_type, count(*) AS users
FROM live.user_presence p
GROUP BY 1, 2;
COMMENT ON VIEW live_private.announced_presence IS 'What live.presence_summary shows once it is refreshed. For the extension itself.';
COMMENT ON COLUMN live_private.announced_presence.status IS 'What was announced.';
COMMENT ON COLUMN live_private.announced_presence.device_type IS 'The device last used; other where none is known.';
COMMENT ON COLUMN live_private.announced_presence.users IS 'How many users it is true of.';

CREATE MATERIALIZED VIEW live.presence_summary AS
SELECT a.status, a.device_type, a.users FROM live_private.announced_presence a;
COMMENT ON MATERIALIZED VIEW live.presence_summary IS
'How many users are shown with which status on which device, as of the last refresh; read it with live.get_presence_summary().';
COMMENT ON COLUMN live.presence_summary.status IS 'What was announced.';
COMMENT ON COLUMN live.presence_summary.device_type IS 'The device last used; other where none is known.';
COMMENT ON COLUMN live.presence_summary.users IS 'How many users it is true of.';
CREATE UNIQUE INDEX presence_summary_key ON live.presence_summary (status, device_type);

-- Not in live_private.announce(): rows also come out of a dump, and go when somebody is erased.
CREATE TRIGGER note_summary_rows AFTER INSERT OR DELETE ON live.user_presence
FOR EACH ROW EXECUTE FUNCTION live_private.note_summary_change();
CREATE TRIGGER note_summary_change AFTER UPDATE ON live.user_presence
FOR EACH ROW WHEN (old.status <> new.status OR old.device_type IS DISTINCT FROM new.device_type)
EXECUTE FUNCTION live_private.note_summary_change();
ALTER TABLE live.user_presence ENABLE ALWAYS TRIGGER note_summary_rows, ENABLE ALWAYS TRIGGER note_summary_change;

CREATE FUNCTION live.get_presence_summary()
RETURNS TABLE (status live.presence_status, device_type live.device_type, users bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM live_private.required_user();
  -- Among few users numbers tell who is online.
  IF (SELECT r.rule FROM live_private.presence_rule_in_force() AS r) = 'everyone' THEN
    RETURN QUERY SELECT s.status, s.device_type, s.users FROM live.presence_summary s ORDER BY s.status, s.device_type;
  END IF;
END
$$;
COMMENT ON FUNCTION live.get_presence_summary() IS
'How many users are shown with which status on which device: as was announced, and refreshed every pg_live.refresh_interval at most. No rows unless presence is visible to everyone. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_presence_summary()');
