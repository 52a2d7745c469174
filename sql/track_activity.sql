-- The warnings about tracked rows name the table and the columns.
\set SHOW_CONTEXT never
CREATE SCHEMA tracked;
CREATE TABLE tracked."Odd Table" (id text, title json, "constructor" integer);
SELECT live.track_activity('tracked."Odd Table"', metadata_columns => '{title,constructor}');
SET request.jwt.claim.sub = 'anna';
INSERT INTO tracked."Odd Table" VALUES ('1', '{"a": "\u0000"}', 1), ('2', '{}', 1), (NULL, '1', 1), ('', '1', 1);
ALTER TABLE tracked."Odd Table" RENAME title TO heading;
UPDATE tracked."Odd Table" SET heading = '2' WHERE id = '2';
ALTER TABLE tracked."Odd Table" RENAME id TO key;
DELETE FROM tracked."Odd Table" WHERE key = '2';
RESET request.jwt.claim.sub;
INSERT INTO tracked."Odd Table" VALUES (NULL);
SELECT activity_type, entity_id, metadata FROM live.activity_stream WHERE entity_type = 'Odd Table' ORDER BY id;
SELECT live.track_activity('tracked."Odd Table"', key_column => 'id');
DROP SCHEMA tracked CASCADE;
DELETE FROM live.activity_stream WHERE entity_type = 'Odd Table';
DELETE FROM live_private.trend_change WHERE entity_type = 'Odd Table';
