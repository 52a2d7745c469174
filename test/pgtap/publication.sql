-- Every table of the extension that is logged has a primary key, so it works under CREATE PUBLICATION ... FOR ALL TABLES.
\unset ECHO
BEGIN;
SELECT no_plan();

SELECT ok(EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AND c.relreplident = 'd',
          format('table %s has a primary key, which is its replica identity', c.oid::regclass))
FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND x.extname = 'pg_live'
JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
WHERE c.relkind = 'r' AND c.relpersistence = 'p'
ORDER BY c.oid::regclass::text;

SELECT finish();
ROLLBACK;
