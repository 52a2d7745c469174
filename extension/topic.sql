-- Topics: who may receive and who may send. Deny by default: built-in topics have built-in rules, topics of the app
-- have the rules the app sets, and a topic without a rule has no access.

CREATE TABLE live_private.topic_rule (
  pattern text COLLATE "C" PRIMARY KEY,
  receive_check text,
  send_check text,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE live_private.topic_rule IS 'Rules for the app''s own topics, set by live.set_topic_rule().';
COMMENT ON COLUMN live_private.topic_rule.pattern IS 'A topic, or a prefix of topics followed by *.';
COMMENT ON COLUMN live_private.topic_rule.receive_check IS 'Qualified name of a function (topic text) returning boolean; NULL: no user may receive. Not a regprocedure, which pg_upgrade refuses.';
COMMENT ON COLUMN live_private.topic_rule.send_check IS 'Qualified name of the function that decides about sending; NULL: no user may send.';
COMMENT ON COLUMN live_private.topic_rule.changed_at IS 'When the rule was last set.';
ALTER TABLE live_private.topic_rule ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.topic_rule', '');

CREATE FUNCTION live_private.is_built_in_topic(topic text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN topic IN ('presence', 'activity') OR topic ~ '^(user|followers|session|typing):' OR starts_with(topic, '$');
COMMENT ON FUNCTION live_private.is_built_in_topic(text) IS 'Whether the topic, or pattern, belongs to the extension.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.is_built_in_topic(text)');

-- The one rule for names of topics: what cannot be the topic of an event cannot be joined, tracked or typed in either.
CREATE FUNCTION live_private.is_topic_name(topic text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_is_topic_name';
COMMENT ON FUNCTION live_private.is_topic_name(text) IS
'Whether an event can have that topic: 1 to 1100 bytes, no control characters, and text with a form in UTF-8. Error 22004 for NULL.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.is_topic_name(text)');

-- SECURITY DEFINER, since every user needs the rules and no role has been granted the table. PL/pgSQL, since it keeps the
-- plan, which each join needs; an SQL function would be planned at every call.
CREATE FUNCTION live_private.topic_rule_of(topic text)
RETURNS TABLE (receive_check text, send_check text, pattern text, changed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text COLLATE "C" := topic;
BEGIN
  RETURN QUERY
  SELECT r.receive_check, r.send_check, r.pattern, r.changed_at
  FROM live_private.topic_rule r
  WHERE r.pattern = name OR (right(r.pattern, 1) = '*' AND starts_with(name, left(r.pattern, -1)))
  ORDER BY r.pattern = name DESC, length(r.pattern) DESC
  LIMIT 1;
END
$$;
COMMENT ON FUNCTION live_private.topic_rule_of(text) IS 'The most specific rule for a topic of the app, and when it was set; no row if there is none.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live_private.topic_rule_of(text)');

-- Clients may call this function, so it reads the rule itself and executes nothing but what an admin put into the table.
CREATE FUNCTION live.topic_access(topic text, OUT can_receive boolean, OUT can_send boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text COLLATE "C" := topic; -- names are compared byte by byte, whatever the caller's collation
  -- The topic that the users type in: its rule also decides who receives their typing.
  location text COLLATE "C" := CASE WHEN starts_with(name, 'typing:') THEN substr(name, length('typing:') + 1) ELSE name END;
  receive_check text;
  send_check text;
BEGIN
  IF name IS NULL THEN
    RAISE EXCEPTION 'topic must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  can_receive := false;
  can_send := false;
  IF NOT live_private.is_topic_name(name) THEN
    RETURN NEXT;
    RETURN;
  END IF;
  IF name = 'activity' THEN
    can_receive := true;
  ELSIF name = 'presence' THEN
    can_receive := live.user_id() IS NOT NULL;
  ELSIF starts_with(name, 'user:') THEN
    can_receive := coalesce(name = 'user:' || live.user_id(), false);
  ELSIF starts_with(name, 'followers:') THEN
    can_receive := coalesce(live.follows(substr(name, length('followers:') + 1)), false);
  ELSIF name ~ '^session:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    can_receive := live.is_participant(substr(name, length('session:') + 1)::uuid);
  ELSIF NOT live_private.is_built_in_topic(location) THEN
    SELECT rule.receive_check, rule.send_check INTO receive_check, send_check FROM live_private.topic_rule_of(location) AS rule;
    IF NOT FOUND THEN
      can_receive := location <> name AND live.user_id() IS NOT NULL;
    END IF;
    IF receive_check IS NOT NULL THEN
      EXECUTE format('SELECT coalesce(%s($1), false)', receive_check) INTO can_receive USING location;
    END IF;
    -- A request without "sub" may come from a service, by its role; anonymous requests never write.
    IF send_check IS NOT NULL AND location = name AND (live.user_id() IS NOT NULL OR coalesce(live.jwt_role(), 'anon') <> 'anon') THEN
      EXECUTE format('SELECT coalesce(%s($1), false)', send_check) INTO can_send USING location;
    END IF;
  ELSIF location <> name AND NOT starts_with(location, 'typing:') THEN
    can_receive := live.user_id() IS NOT NULL AND (SELECT access.can_receive FROM live.topic_access(location) AS access);
  END IF;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION live.topic_access(text) IS
'Whether the current user may receive and send on a topic. Built-in topics have fixed rules; others need live.set_topic_rule(). Without a user and a role other than anon, sending is denied. An invalid name, see live_private.is_topic_name(), has no access. Checks run with search_path pg_catalog, pg_temp. Error 22004 for NULL.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.topic_access(text)');

CREATE FUNCTION live.send(topic text, event text, payload jsonb, durable boolean DEFAULT false) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_send';
COMMENT ON FUNCTION live.send(text, text, jsonb, boolean) IS
'Emits an event as the current user, who needs can_send on the topic (error 42501). Error 54000 for a payload above pg_live.max_send_size, stored or as text. Otherwise as live.emit().';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.send(text, text, jsonb, boolean)');

CREATE FUNCTION live.revoke_access(topic text, user_id text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF topic IS NULL THEN
    RAISE EXCEPTION 'topic must not be null' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  PERFORM live.emit(coalesce('user:' || user_id, '$access'), 'access:revoked',
                    jsonb_build_object('topic', topic, 'reason', 'access was revoked'));
END
$$;
COMMENT ON FUNCTION live.revoke_access(text, text) IS
'Ends open subscriptions to a topic and to typing:<topic> when the transaction commits: those of one user, or, for user_id NULL, those of all users who may no longer receive it. A pattern that ends in * stands for all topics with that prefix.';

CREATE FUNCTION live_private.check_function_name(function regprocedure) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text;
BEGIN
  SELECT format('%I.%I', n.nspname, p.proname) INTO name
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.oid = function AND p.prorettype = 'boolean'::regtype AND NOT p.proretset
    AND p.pronargs = 1 AND p.proargtypes[0] = 'text'::regtype AND p.prokind = 'f';
  IF name IS NULL AND function IS NOT NULL THEN
    RAISE EXCEPTION 'function % cannot check access to a topic', function
      USING ERRCODE = 'invalid_function_definition', HINT = 'It must take one text, the topic, and return boolean.';
  END IF;
  RETURN name;
END
$$;
COMMENT ON FUNCTION live_private.check_function_name(regprocedure) IS 'The qualified name of a check function. Error 42P13 if the function cannot be one.';

CREATE FUNCTION live.set_topic_rule(pattern text, receive_check regprocedure DEFAULT NULL, send_check regprocedure DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text COLLATE "C" := pattern;
BEGIN
  IF name IS NULL OR NOT live_private.is_topic_name(name) OR strpos(left(name, -1), '*') > 0 OR live_private.is_built_in_topic(name) THEN
    RAISE EXCEPTION 'invalid topic pattern: "%"', coalesce(left(name, 60), 'NULL')
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A pattern is a topic of the app, or its beginning followed by *.';
  END IF;
  INSERT INTO live_private.topic_rule AS rule (pattern, receive_check, send_check)
  VALUES (name, live_private.check_function_name(set_topic_rule.receive_check),
          live_private.check_function_name(set_topic_rule.send_check))
  ON CONFLICT ON CONSTRAINT topic_rule_pkey DO UPDATE
  SET receive_check = excluded.receive_check, send_check = excluded.send_check, changed_at = excluded.changed_at;
  PERFORM live.revoke_access(pattern);
END
$$;
COMMENT ON FUNCTION live.set_topic_rule(text, regprocedure, regprocedure) IS
'Sets who may receive and send on the topics that match a pattern: a topic, or a prefix followed by *. The most specific pattern counts. A check is a function (topic text) returning boolean, called as the user; NULL denies all. Open subscriptions are checked again. For admins.';

CREATE FUNCTION live.drop_topic_rule(pattern text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM live_private.topic_rule r WHERE r.pattern = drop_topic_rule.pattern COLLATE "C";
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no rule for pattern "%"', coalesce(left(pattern, 60), 'NULL') USING ERRCODE = 'undefined_object';
  END IF;
  PERFORM live.revoke_access(pattern);
END
$$;
COMMENT ON FUNCTION live.drop_topic_rule(text) IS 'Removes a rule; open subscriptions are checked again. Error 42704 if there is none.';
