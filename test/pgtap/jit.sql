-- How much is kept does not decide how long a call takes: nothing of ours is compiled just in time.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE TEMP TABLE ours AS
SELECT p.oid::regprocedure AS signature, p.proname, l.lanname, p.proconfig, p.prosrc, p.prosqlbody IS NOT NULL AS has_body
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE e.extname = 'pg_live';

SELECT is_empty($$SELECT signature FROM ours WHERE lanname = 'plpgsql' AND NOT 'jit=off' = ANY (coalesce(proconfig, '{}'))$$,
  'every PL/pgSQL function turns it off');
-- Without settings an SQL function is a part of its caller's query, if it can be.
SELECT is_empty($$SELECT signature FROM ours WHERE lanname = 'sql' AND proconfig IS NOT NULL AND NOT 'jit=off' = ANY (proconfig)$$,
  'every SQL function that has settings turns it off');
SELECT is_empty($$SELECT signature FROM ours WHERE lanname NOT IN ('sql', 'plpgsql', 'c')$$, 'there are no functions of other languages');

SELECT finish();
ROLLBACK;
