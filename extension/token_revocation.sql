-- Revoked tokens. Bridges read them when they begin to follow the events, and then from the events of topic $token.

CREATE TABLE live_private.token_revocation (
  user_id text COLLATE "C" CHECK (char_length(user_id) BETWEEN 1 AND 255),
  jti text COLLATE "C" CHECK (char_length(jti) BETWEEN 1 AND 255),
  issued_before timestamptz,
  expires_at timestamptz NOT NULL,
  revoked text COLLATE "C" PRIMARY KEY GENERATED ALWAYS AS (coalesce('sub ' || user_id, 'jti ' || jti)) STORED,
  CHECK (num_nonnulls(user_id, jti) = 1),
  CHECK ((user_id IS NULL) = (issued_before IS NULL))
);
CREATE INDEX token_revocation_expires_at ON live_private.token_revocation (expires_at);
COMMENT ON TABLE live_private.token_revocation IS
'Tokens that bridges refuse although they have not expired: those of a user, or a single one. Expired rows are deleted by the next revocation.';
COMMENT ON COLUMN live_private.token_revocation.user_id IS 'Claim sub of the tokens; NULL in the row of a single token.';
COMMENT ON COLUMN live_private.token_revocation.jti IS 'Claim jti of a single token; NULL in the row of a user.';
COMMENT ON COLUMN live_private.token_revocation.issued_before IS 'Tokens of the user are refused if their claim iat is earlier than this, or missing.';
COMMENT ON COLUMN live_private.token_revocation.revoked IS 'Name of the claim and its value: the key of the row.';
COMMENT ON COLUMN live_private.token_revocation.expires_at IS 'From when on the row has no effect: all tokens that it is for have expired by then.';
ALTER TABLE live_private.token_revocation ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.token_revocation', '');

CREATE FUNCTION live_private.revocation_payload(revocation live_private.token_revocation) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
  'user_id', revocation.user_id, 'jti', revocation.jti,
  'issued_before', extract(epoch from revocation.issued_before), 'expires_at', extract(epoch from revocation.expires_at)));
COMMENT ON FUNCTION live_private.revocation_payload(live_private.token_revocation) IS
'A revocation as bridges read it: members user_id and issued_before, or jti, and expires_at; times in seconds since 1970.';

CREATE FUNCTION live_private.token_revocations() RETURNS SETOF jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT live_private.revocation_payload(r) FROM live_private.token_revocation r WHERE r.expires_at > clock_timestamp()
$$;
COMMENT ON FUNCTION live_private.token_revocations() IS 'All revocations that have an effect, as in live_private.revocation_payload().';
INSERT INTO live_private.privilege VALUES ('bridge', 'EXECUTE ON FUNCTION live_private.token_revocations()');

-- Skips rows that another revocation deletes or renews at this moment.
CREATE FUNCTION live_private.drop_expired_revocations() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM live_private.token_revocation r
  WHERE r.ctid = ANY (ARRAY(SELECT old.ctid FROM live_private.token_revocation old WHERE old.expires_at <= clock_timestamp()
                            ORDER BY old.expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
$$;
COMMENT ON FUNCTION live_private.drop_expired_revocations() IS 'Deletes up to 1,000 revocations that have no effect any more. Part of a revocation.';

CREATE FUNCTION live_private.check_revocation_time(name text, value timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT isfinite(value) THEN
    RAISE EXCEPTION '% must be finite', name USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.check_revocation_time(text, timestamptz) IS 'Error 22023 for an infinite time, which no token has.';

CREATE FUNCTION live.revoke_tokens(user_id text, issued_before timestamptz DEFAULT now(), expires_at timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  revocation live_private.token_revocation;
  last_expiry timestamptz := coalesce(expires_at, greatest(issued_before, now()) + interval '30 days');
BEGIN
  IF user_id IS NULL OR issued_before IS NULL THEN
    RAISE EXCEPTION 'user_id and issued_before must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF char_length(user_id) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION 'user_id must have 1 to 255 characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.check_revocation_time('issued_before', issued_before), live_private.check_revocation_time('expires_at', expires_at);
  IF last_expiry <= clock_timestamp() THEN
    RETURN;
  END IF;
  PERFORM live_private.drop_expired_revocations();
  INSERT INTO live_private.token_revocation AS kept (user_id, issued_before, expires_at)
  VALUES (revoke_tokens.user_id, revoke_tokens.issued_before, last_expiry)
  ON CONFLICT ON CONSTRAINT token_revocation_pkey DO UPDATE
  SET issued_before = greatest(kept.issued_before, excluded.issued_before), expires_at = greatest(kept.expires_at, excluded.expires_at)
  RETURNING kept.* INTO revocation;
  PERFORM live.emit('$token', 'token:revoked', live_private.revocation_payload(revocation));
END
$$;
COMMENT ON FUNCTION live.revoke_tokens(text, timestamptz, timestamptz) IS
'Makes all bridges refuse the tokens of a user (claim sub) that were issued before a time (claim iat, in whole seconds) or say no time, and close what was opened with them, when the transaction commits. expires_at: when the last of these tokens expires; the revocation is kept until then, by default for 30 days, also when the user is erased. A time that has passed revokes nothing. For admins. Errors: 22004, 22023.';

CREATE FUNCTION live.revoke_token(jti text, expires_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  revocation live_private.token_revocation;
BEGIN
  IF jti IS NULL OR expires_at IS NULL THEN
    RAISE EXCEPTION 'jti and expires_at must not be null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF char_length(jti) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION 'jti must have 1 to 255 characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM live_private.check_revocation_time('expires_at', expires_at);
  IF expires_at <= clock_timestamp() THEN
    RETURN;
  END IF;
  PERFORM live_private.drop_expired_revocations();
  INSERT INTO live_private.token_revocation AS kept (jti, expires_at)
  VALUES (revoke_token.jti, revoke_token.expires_at)
  ON CONFLICT ON CONSTRAINT token_revocation_pkey DO UPDATE SET expires_at = greatest(kept.expires_at, excluded.expires_at)
  RETURNING kept.* INTO revocation;
  PERFORM live.emit('$token', 'token:revoked', live_private.revocation_payload(revocation));
END
$$;
COMMENT ON FUNCTION live.revoke_token(text, timestamptz) IS
'Makes all bridges refuse the token with that claim jti, and close what was opened with it, when the transaction commits. expires_at: claim exp of the token; the revocation is kept until then, and a token that has expired needs none. For admins. Errors: 22004, 22023.';
