-- Disables just-in-time compilation in every function that runs queries. Their plans read a few rows by index, but their
-- costs are estimated from the size of the tables: once these are large, PostgreSQL would compile the plans at each call,
-- which takes a hundred times as long as running them. Done in one place, since a forgotten function would show only in an
-- old database. C functions only call these; functions without settings are part of the caller's query.
DO $$
DECLARE
  signature regprocedure;
BEGIN
  FOR signature IN
    SELECT p.oid
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
    JOIN pg_language l ON l.oid = p.prolang
    WHERE e.extname = 'pg_live' AND l.lanname IN ('sql', 'plpgsql') AND p.proconfig IS NOT NULL
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET jit = off', signature);
  END LOOP;
END
$$;
