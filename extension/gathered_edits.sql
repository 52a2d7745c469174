-- Gathered edits: what several clients submit at about the same time, in one transaction of a bridge, so that a session is
-- locked, and a commit awaited, once for all of them.

-- An edit that fails is undone alone, even one that jsonb cannot hold: each is a text that is read in its own block. A deadlock, a lack of resources, a lock that is not free or a cancellation says
-- nothing about the edit that met it: such an error ends the call, of which nothing is done then.
--
-- Lock order: a call that holds several sessions waits for none, so two of them cannot wait for one another.
CREATE FUNCTION live_private.submit_each(sessions uuid[], edits text[], skip_locked boolean)
RETURNS TABLE (answer jsonb, code text, message text, hint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  edit record;
  free uuid[];
  able_roles text[] := '{}'; -- those that may submit, looked up once
BEGIN
  IF skip_locked THEN
    free := array(SELECT s.id FROM live.collaboration_sessions s WHERE s.id = ANY (sessions) FOR NO KEY UPDATE SKIP LOCKED);
  END IF;
  FOR place IN 1 .. cardinality(edits) LOOP
    answer := NULL; code := NULL; message := NULL; hint := NULL;
    BEGIN
      IF skip_locked AND sessions[place] <> ALL (free) THEN
        code := '55P03';
      ELSE
        SELECT * INTO edit FROM jsonb_to_record(edits[place]::jsonb)
          AS e (claims text, role text, base_version bigint, operations jsonb, client_id text, key text);
        PERFORM set_config('request.jwt.claims', edit.claims, true);
        IF edit.role = ANY (able_roles) THEN
          NULL;
        ELSIF pg_has_role(session_user, edit.role, 'MEMBER')
           AND has_function_privilege(edit.role, 'live.submit_operations(uuid, bigint, jsonb, text, text)', 'execute') THEN
          able_roles := able_roles || edit.role;
        ELSE
          RAISE EXCEPTION 'permission denied for function submit_operations' USING ERRCODE = 'insufficient_privilege';
        END IF;
        answer := live.submit_operations(sessions[place], edit.base_version, edit.operations, edit.client_id, edit.key);
      END IF;
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE COLLATE "C" ~ '^(40|53[12]|55P03|57|58|XX)' THEN
        RAISE;
      END IF;
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    END;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('request.jwt.claims', '', true);
END
$$;
COMMENT ON FUNCTION live_private.submit_each(uuid[], text[], boolean) IS
'Submits several edits, each to the session at its place and with the claims and the role of its user: {claims, role, base_version, operations, client_id, key}. A row for each, in their order: the answer of live.submit_operations(), or its error. With skip_locked, those of sessions that another transaction has locked, or that do not exist, are left out and have the code 55P03; without it, all must be of one session. For bridges, which have verified the claims.';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.submit_each(uuid[], text[], boolean)');
