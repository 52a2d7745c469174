-- The functions for updates of Yjs: golden cases made with the library, and bytes that are none. test/bridge/unit/yjs_* has the rest.
\unset ECHO
BEGIN;
SELECT no_plan();
\ir support/as_user.sql

CREATE TEMP TABLE golden (updates bytea[], state_vector bytea, merged bytea, half bytea, diff bytea);
INSERT INTO golden VALUES
  ('{"\\x01018e08000701016c0100","\\x0101a6d293ad03000401017404f09f918d00","\\x0101a6d293ad0302c4a6d293ad0300a6d293ad030104f09f918d00"}'::bytea[], '\x02a6d293ad03048e0801'::bytea, '\x0202a6d293ad03000401017404f09f918dc4a6d293ad0300a6d293ad030104f09f918d018e08000701016c0100'::bytea, '\x018e0801'::bytea, '\x0102a6d293ad03000401017404f09f918dc4a6d293ad0300a6d293ad030104f09f918d00'::bytea),
  ('{"\\x01018708000701016c0100","\\x01019fd293ad03000701016c0100","\\x01018708012801016d026b32017d0100","\\x01019fd293ad0301879fd293ad03000100","\\x01019fd293ad030204010174016100","\\x0101870802878708000100","\\x010187080304010174016100","\\x01019fd293ad0303879fd293ad03010100"}'::bytea[], '\x029fd293ad0304870804'::bytea, '\x02049fd293ad03000701016c01879fd293ad030001040101740161879fd293ad030101048708000701016c012801016d026b32017d01878708000104010174016100'::bytea, '\x029fd293ad0302870802'::bytea, '\x02029fd293ad0302040101740161879fd293ad03010102870802878708000104010174016100'::bytea),
  ('{"\\x0101e907000701016c0100","\\x0101e9070187e907000100","\\x0101e9070287e907010100","\\x0101e9070387e907020100","\\x0101e9070487e907030100","\\x010181d293ad03000701016c0100","\\x010181d293ad03012801016d026b30017e00","\\x010181d293ad03028781d293ad03000100","\\x0101e9070587e907040100"}'::bytea[], '\x0281d293ad0303e90706'::bytea, '\x020381d293ad03000701016c012801016d026b30017e8781d293ad03000106e907000701016c0187e907000187e907010187e907020187e907030187e907040100'::bytea, '\x01e90704'::bytea, '\x020381d293ad03000701016c012801016d026b30017e8781d293ad03000102e9070487e907030187e907040100'::bytea),
  ('{"\\x0101ec070004010174016100","\\x0101ec070184ec07000378797a00","\\x010184d293ad030004010174016100","\\x0101ec070444ec0700016100","\\x0101ec07052801016d026b30017601016175027d017d0200","\\x0001ec07010201","\\x010184d293ad03012801016d026b31017e00","\\x0001ec07010001"}'::bytea[], '\x0284d293ad0302ec0706'::bytea, '\x020284d293ad03000401017401612801016d026b31017e04ec070004010174016184ec07000378797a44ec070001612801016d026b30017601016175027d017d0201ec070200010201'::bytea, '\x0284d293ad0301ec0705'::bytea, '\x020184d293ad03012801016d026b31017e01ec07052801016d026b30017601016175027d017d0201ec070200010201'::bytea);
SELECT is(live.yjs_state_vector(updates), state_vector, 'the state vector is that of the library') FROM golden;
SELECT is(live.yjs_merge(updates), merged, 'the merged update is that of the library') FROM golden;
SELECT is(live.yjs_diff(merged, half), diff, 'what is lacking is that of the library') FROM golden;
SELECT is(live.yjs_state_vector('{"\\x0101e9070187e907000100"}'), '\x00', 'structs behind a gap do not count');
SELECT is(live.yjs_merge(ARRAY[updates, updates]), merged, 'an array of two dimensions is read as one') FROM golden LIMIT 1;
SELECT is(live.yjs_merge('{}'), '\x0000', 'no updates make an empty one');
SELECT is(live.yjs_state_vector('{}'), '\x00', 'and an empty state vector');
SELECT is(num_nulls(live.yjs_merge(NULL), live.yjs_state_vector(NULL), live.yjs_diff(NULL, '\x00'), live.yjs_diff('\x0000', NULL)), 4, 'null for null');

SELECT throws_ok(format('SELECT live.%s(ARRAY[%L, NULL]::bytea[])', name, '\x0000'), '22004', NULL, name || ' takes no null') FROM unnest('{yjs_state_vector,yjs_merge}'::text[]) AS name;
CREATE TEMP TABLE bad (bytes bytea, fault text);
INSERT INTO bad VALUES
  ('\x', 'the bytes end too early'), ('\x00', 'the bytes end too early'), ('\x01', 'the bytes end too early'), ('\x0000ff', 'there are bytes after the end'),
  ('\xffffffffffffff7f00', 'a number is larger than 2^53 - 1'), ('\xffffffffffffff0f', 'the bytes end too early'), (decode(repeat('ff', 100000), 'hex'), 'a number is larger than 2^53 - 1'),
  ('\x0101010004010174ffffffffffffff0f', 'the bytes end too early'), ('\x010101ffffffffffffff0f0401017401610000', 'a clock is larger than 2^53 - 1'), ('\x00010101ffffffffffffff0fffffffffffffff0f', 'a clock is larger than 2^53 - 1'),
  ('\x010101001f00', 'a struct is of an unknown kind'), ('\x01010100040101740180', 'a string is not valid UTF-8');
SELECT throws_ok(format(call, bytes), '22023', 'invalid update of Yjs: ' || fault, left(format(call, bytes), 80))
FROM bad, unnest(ARRAY['SELECT live.yjs_merge(ARRAY[%L]::bytea[])', 'SELECT live.yjs_state_vector(ARRAY[%L]::bytea[])', 'SELECT live.yjs_diff(%L, ''\x00'')']) AS call;
SELECT throws_ok(format('SELECT live.yjs_diff(''\x0000'', %L)', bytes), '22023', 'invalid state vector of Yjs: ' || fault, 'state vector ' || left(bytes::text, 60))
FROM (VALUES ('\x'::bytea, 'the bytes end too early'), ('\x0101', 'the bytes end too early'), ('\x0001', 'there are bytes after the end'), ('\xffffffffffffff0f', 'the bytes end too early'),
             ('\xffffffffffffffffff7f', 'a number is larger than 2^53 - 1'), ('\x0201010102', 'a client occurs twice')) AS v (bytes, fault);
SELECT is(pg_temp.as_user('anna', format('SELECT live.yjs_merge(ARRAY[%L]::bytea[])', merged)), merged::text, 'a client may call them') FROM golden LIMIT 1;
SELECT is(octet_length(live.yjs_merge(array_agg(merged))), octet_length(live.yjs_merge((SELECT array_agg(merged) FROM golden))), 'many repetitions of updates merge to one') FROM golden, generate_series(1, 1000);

SELECT finish();
ROLLBACK;
