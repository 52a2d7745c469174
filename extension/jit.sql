-- Just-in-time compilation is off in every function that runs queries. Their plans read a few rows by index, but are
-- estimated by what is kept: once that is much, PostgreSQL's defaults would compile them at each call, which takes a
-- hundred times as long as they run. One place for all, since a function that is forgotten is found only when a
-- database is old. C functions run nothing but calls of these; functions without settings are part of their caller's
-- query.
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
