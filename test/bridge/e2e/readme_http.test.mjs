// Behaviour: the README's way to get a token makes tokens that the bridge takes, and its requests run with them as they stand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { withBridge } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';

const run = promisify(execFile);
const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
const blockWith = (text) => blocks.find((block) => block.includes(text)) ?? assert.fail(`no commands with ${text}`);

describe('the commands of the README', () => {
  let database, bridge;
  const signing = blockWith('token()');
  withBridge({ mode: 'in-transaction' }, (made) => ({ database, bridge } = made));

  /** What a shell prints that runs them with the bridge's secret; it ends at the first command that fails. */
  async function outputOf(commands) {
    const script = `set -euo pipefail\ncurl() { command curl --silent --show-error --fail-with-body "$@"; }\n${commands}`;
    const env = { PATH: process.env.PATH, PG_LIVE_JWT_SECRET: bridge.secret };
    return (await run('bash', ['-c', script.replaceAll('127.0.0.1:4000', `127.0.0.1:${bridge.port}`)], { env })).stdout;
  }

  test('make a token of a user', async () => {
    const token = (await outputOf(`${signing}\necho "$TOKEN"`)).trim();
    const { status, body } = await ask(bridge, 'GET', '/api/presence', { token });
    assert.equal(status, 200);
    assert.equal(body.user_id, 'anna');
  });

  test('make the key of the role anon', async () => {
    const token = (await outputOf(`${signing}\necho "$ANON_KEY"`)).trim();
    const socket = await RawSocket.open(bridge, { token });
    assert.ok(await socket.answers());
    socket.close();
    assert.equal((await ask(bridge, 'GET', '/api/activity', { token })).status, 200);
    assert.equal((await ask(bridge, 'PATCH', '/api/presence', { token, body: { mode: 'busy' } })).status, 401);
  });

  test('ask and act by HTTP as that user', async () => {
    const output = await outputOf(`${signing}\n${blockWith('/api/presence/online')}`);
    assert.match(output, /"mode":\s*"busy"/);
    assert.match(output, /^Live-Position: /im);
    const { rows } = await database.query("select activity_type, visibility::text from live.activity_stream where user_id = 'anna'");
    assert.deepEqual(rows, [{ activity_type: 'liked', visibility: 'followers' }]);
  });
});
