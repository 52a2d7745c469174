-- Runs a statement as a user, NULL for an anonymous request: its single value as text, or the error's code.
CREATE FUNCTION pg_temp.as_user(user_id text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  PERFORM set_config('role', CASE WHEN user_id IS NULL THEN 'anon' ELSE 'authenticated' END, true),
          set_config('request.jwt.claims', coalesce(jsonb_build_object('sub', user_id)::text, ''), true);
  EXECUTE statement INTO result;
  PERFORM set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('role', 'none', true);
  RETURN SQLSTATE;
END
$$;
