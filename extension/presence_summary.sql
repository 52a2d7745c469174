-- The number of users who are online, away, busy and offline, by device. Counted from announced presence, so an invisible
-- user counts as offline on the device last shown. It has no times, since a time could be traced to one user.

CREATE VIEW live_private.announced_presence AS
SELECT p.status, coalesce(p.device_type, 'other') AS device_type, count(*) AS users
FROM live.user_presence p
GROUP BY 1, 2;
COMMENT ON VIEW live_private.announced_presence IS 'The rows of live.presence_summary after a refresh. For the extension itself.';
COMMENT ON COLUMN live_private.announced_presence.status IS 'The announced status.';
COMMENT ON COLUMN live_private.announced_presence.device_type IS 'The device last used; other if none is known.';
COMMENT ON COLUMN live_private.announced_presence.users IS 'Number of users.';

CREATE MATERIALIZED VIEW live.presence_summary AS
SELECT a.status, a.device_type, a.users FROM live_private.announced_presence a;
COMMENT ON MATERIALIZED VIEW live.presence_summary IS
'Number of users by status and device, as of the last refresh; read it with live.get_presence_summary().';
COMMENT ON COLUMN live.presence_summary.status IS 'The announced status.';
COMMENT ON COLUMN live.presence_summary.device_type IS 'The device last used; other if none is known.';
COMMENT ON COLUMN live.presence_summary.users IS 'Number of users.';
CREATE UNIQUE INDEX presence_summary_key ON live.presence_summary (status, device_type);

-- Triggers, not a call in live_private.announce(): a restore also inserts rows, and live.erase_user() deletes them.
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
  -- Where visibility is limited, numbers of few users would reveal who is online.
  IF (SELECT r.rule FROM live_private.presence_rule_in_force() AS r) = 'everyone' THEN
    RETURN QUERY SELECT s.status, s.device_type, s.users FROM live.presence_summary s ORDER BY s.status, s.device_type;
  END IF;
END
$$;
COMMENT ON FUNCTION live.get_presence_summary() IS
'Number of users by announced status and device, refreshed at most every pg_live.refresh_interval. No rows unless presence is visible to everyone. Error 42501 when not signed in.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_presence_summary()');
