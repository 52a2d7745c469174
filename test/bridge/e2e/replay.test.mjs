// Behaviour: two editors that write what two people once wrote at the same time come to the text that they came to.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { withBridge } from './fixture.mjs';
import { replay } from './replay.mjs';
import { uniqueName } from './support.mjs';

const { txns, endContent } = JSON.parse(gunzipSync(await readFile(new URL('traces/friendsforever.json.gz', import.meta.url))));

describe('a recorded history of two writers', () => {
  let database, bridge;
  withBridge({}, (made) => ({ database, bridge } = made));

  test(`of ${txns.length} edits ends in the same text in both editors and in the database`, async () => {
    const { contents, session_id } = await replay(bridge, { room_name: uniqueName('replay'), create_if_missing: true }, txns);
    const { rows: [{ document, checked }] } = await database.query(
      'select live_private.document_text($1) as document, live.check_session($1) as checked', [session_id]);
    assert.deepEqual([...contents, document], [endContent, endContent, endContent]);
    assert.deepEqual(checked.faults, []);
  });
});
