-- Explains why an event did not arrive: the rule that decides about a topic, and the answer of each check for a user.

-- Runs as the user in a subtransaction that is rolled back, which restores settings and undoes writes of the check.
CREATE FUNCTION live_private.answer_as(user_id text, role name, question text, topic text, OUT first boolean, OUT second boolean, OUT failure text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', jsonb_strip_nulls(jsonb_build_object('sub', user_id, 'role', role))::text, true),
          set_config('request.jwt.claim.sub', '', true), set_config('request.jwt.claim.role', '', true),
          set_config('role', role, true);
  EXECUTE question INTO first, second USING topic;
  RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
EXCEPTION
  WHEN SQLSTATE 'UNDO0' THEN
    NULL;
  WHEN OTHERS THEN
    failure := SQLERRM;
END
$$;
COMMENT ON FUNCTION live_private.answer_as(text, name, text, text) IS
'The first two columns that a query about a topic returns for a user, or why it fails; changes nothing. Part of live.explain_access().';

CREATE FUNCTION live.explain_access(topic text, user_id text DEFAULT NULL, role name DEFAULT 'authenticated')
RETURNS TABLE (step text, decided_by text, can_receive boolean, can_send boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text COLLATE "C" := topic;
  location text COLLATE "C" := CASE WHEN starts_with(name, 'typing:') THEN substr(name, length('typing:') + 1) ELSE name END;
  rule record;
  answer record;
BEGIN
  IF name IS NULL OR role IS NULL THEN
    RAISE EXCEPTION 'topic and role must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role) THEN
    RAISE EXCEPTION 'role "%" does not exist', role USING ERRCODE = 'undefined_object';
  ELSIF NOT pg_has_role(session_user, role, 'MEMBER') THEN
    RAISE EXCEPTION 'permission denied to act as role "%"', role USING ERRCODE = 'insufficient_privilege',
      HINT = 'You must be a member of the role.';
  ELSIF user_id IS NOT NULL THEN
    PERFORM live_private.checked_text(user_id, 'user_id', 255);
  END IF;

  IF NOT live_private.is_topic_name(name) THEN
    RETURN QUERY VALUES ('name', 'no event can have this topic', false, false);
  ELSIF live_private.is_built_in_topic(location) THEN
    RETURN QUERY SELECT 'built-in rule', CASE
      WHEN location <> name THEN 'users who may receive ' || location
      WHEN name = 'activity' THEN 'everyone receives'
      WHEN name = 'presence' THEN 'signed-in users receive'
      WHEN starts_with(name, 'user:') THEN 'that user receives'
      WHEN starts_with(name, 'followers:') THEN 'live.follows(text)'
      WHEN starts_with(name, 'session:') THEN 'live.is_participant(uuid, live.participant_role)'
      ELSE 'no user receives' END, NULL::boolean, false;
  ELSE
    SELECT r.* INTO rule FROM live_private.topic_rule_of(location) AS r;
    RETURN QUERY SELECT 'rule', coalesce(rule.pattern || ', since ' || rule.changed_at, 'there is none for ' || location),
      CASE WHEN rule.pattern IS NULL THEN location <> name AND user_id IS NOT NULL END, CASE WHEN rule.pattern IS NULL THEN false END;
    IF rule.receive_check IS NOT NULL THEN
      answer := live_private.answer_as(user_id, role, format('SELECT coalesce(%s($1), false), NULL', rule.receive_check), location);
      RETURN QUERY SELECT 'check for receiving', rule.receive_check || coalesce(' fails: ' || answer.failure, ''), answer.first, NULL::boolean;
    END IF;
    IF rule.send_check IS NOT NULL AND location = name THEN
      answer := live_private.answer_as(user_id, role, format('SELECT coalesce(%s($1), false), NULL', rule.send_check), location);
      RETURN QUERY SELECT 'check for sending', rule.send_check || coalesce(' fails: ' || answer.failure, ''), NULL::boolean, answer.first;
      IF user_id IS NULL AND role = 'anon' THEN
        RETURN QUERY VALUES ('sender', 'anonymous requests cannot send', NULL::boolean, false);
      END IF;
    END IF;
  END IF;

  answer := live_private.answer_as(user_id, role, 'SELECT access.can_receive, access.can_send FROM live.topic_access($1) AS access', name);
  RETURN QUERY SELECT 'result', 'live.topic_access(text)' || coalesce(' fails: ' || answer.failure, ''),
    coalesce(answer.first, false), coalesce(answer.second, false);
END
$$;
COMMENT ON FUNCTION live.explain_access(text, text, name) IS
'Why a user may or may not receive and send on a topic: the rule in force, since when, and the answers of its checks for the user (NULL: none) with that role. The last row is the decision; elsewhere NULL means that the step does not decide. Checks run as the user; their writes are undone. For admins, who need EXECUTE on what it calls unless they own the extension. Errors: 22004, 22023; 42704 for an unknown role; 42501 for a role that the session''s user is not a member of.';
