// Two editors write a recorded history together, in the time that is measured.
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { replay } from '../test/bridge/e2e/replay.mjs';
import { bridge } from './bridge.mjs';

const [file, most] = process.argv.slice(2);
const { txns, endContent } = JSON.parse(gunzipSync(await readFile(file)));
const history = txns.slice(0, most ? Number(most) : txns.length);

const started = process.hrtime.bigint();
const { contents, session_id } = await replay(bridge, { room_name: 'replay', create_if_missing: true }, history);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const { document } = await (await fetch(`${bridge.url}/api/collaboration/document?session_id=${session_id}`, {
  headers: { Authorization: `Bearer ${bridge.token({ sub: 'writer-0' })}` } })).json();
const asRecorded = history.length === txns.length ? document === endContent : null;
console.log(`${history.length} transactions of two editors in ${seconds.toFixed(1)} s; the editors ${contents[0] === contents[1] ? 'agree' : 'DIFFER'}, ` +
  `the database ${document === contents[0] ? 'agrees' : 'DIFFERS'}${asRecorded === null ? '' : asRecorded ? ', and the text is as recorded' : ', and the text is NOT AS RECORDED'}`);
process.exit(contents.every((content) => content === document) && asRecorded !== false ? 0 : 1);
