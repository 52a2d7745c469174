// Behaviour: opaque API keys of a file stand for roles, wherever Supabase's clients send keys, and change without a restart.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { withDatabase } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge } from './support.mjs';

describe('API keys of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pg_live_api_keys_'));
  const file = join(folder, 'keys');
  after(() => rmSync(folder, { recursive: true }));

  let database, prefix;
  const receive = "live.jwt_role() = 'service_role' or topic like '%:open'";
  const closeLater = withDatabase({ topics: { receive } }, async (made) => {
    ({ database, prefix } = made);
    await database.query(`grant usage on schema ${prefix} to service_role`);
  });
  const write = (keys) =>
    writeFileSync(file, Object.entries(keys).map(([key, role], i) => `key-${i} ${role} ${createHash('sha256').update(key).digest('hex')}\n`).join(''));
  const aBridge = async () => closeLater(await startBridge(database, { flags: ['--api-key-file', file] }));
  const change = async (bridge, keys) => {
    const before = bridge.log.split('read the API keys again').length;
    if (typeof keys === 'string') writeFileSync(file, keys);
    else write(keys);
    process.kill(bridge.pid, 'SIGHUP');
    await eventually('the bridge has read the file', () => bridge.log.split('read the API keys again').length > before);
  };
  const emit = (bridge, headers, query = '') =>
    ask(bridge, 'POST', `/realtime/v1/api/broadcast${query}`, { token: null, headers, body: { messages: [{ topic: `${prefix}:x`, event: 'e', payload: {}, private: true }] } });

  test('a key acts as its role, as apikey, as bearer and in the address', async () => {
    write({ sb_secret_1: 'service_role' });
    const bridge = await aBridge();
    const socket = await RawSocket.open(bridge, { token: 'sb_secret_1' });
    assert.equal((await socket.join(`realtime:${prefix}:x`)).payload.status, 'ok');
    assert.equal((await emit(bridge, { apikey: 'sb_secret_1' })).status, 202);
    assert.equal((await emit(bridge, { authorization: 'Bearer sb_secret_1' })).status, 202);
    assert.equal((await emit(bridge, {}, '?apikey=sb_secret_1')).status, 202);
    assert.equal((await emit(bridge, { apikey: 'sb_secret_2' })).status, 401);
    assert.equal((await emit(bridge, { apikey: createHash('sha256').update('sb_secret_1').digest('hex') })).status, 401, 'what is in the file is no key');
    socket.close();
  });

  test('a key that is taken out ends what was opened with it, and one that stays notices nothing', async () => {
    write({ stays: 'anon', goes: 'service_role' });
    const bridge = await aBridge();
    const [staying, going] = [await RawSocket.open(bridge, { token: 'stays' }), await RawSocket.open(bridge, { token: 'goes' })];
    assert.equal((await staying.join(`realtime:${prefix}:open`)).payload.status, 'ok');
    assert.equal((await going.join(`realtime:${prefix}:x`)).payload.status, 'ok');
    await change(bridge, 'key-0 anon nothing\n');
    assert.ok((await staying.answers()) && (await going.answers()), 'a broken file changes nothing');
    await change(bridge, { stays: 'anon', comes: 'service_role' });
    assert.equal((await going.untilClosed()).code, 1008);
    await assert.rejects(RawSocket.open(bridge, { token: 'goes' }), (error) => error.status === 401);
    (await RawSocket.open(bridge, { token: 'comes' })).close();
    await database.emit(`${prefix}:open`, 'still here');
    await staying.broadcast(`realtime:${prefix}:open`, 'still here');
    staying.close();
  });

  test('a key has no rights that the bridge could not take', async () => {
    write({ k1: 'postgres', k2: 'live_bridge', k3: 'none', k4: 'no_such_role' });
    const bridge = await aBridge();
    for (const key of ['k1', 'k2', 'k3', 'k4']) assert.ok([401, 403].includes((await emit(bridge, { apikey: key })).status), key);
    for (const key of ['k1', 'k4']) {
      const socket = await RawSocket.open(bridge, { token: key });
      assert.equal((await socket.join(`realtime:${prefix}:open`)).payload.status, 'error');
      socket.close();
    }
  });

  test('a bad file ends the start, and the log names the line and no key', async () => {
    writeFileSync(file, `# keys\nweb anon sb_secret_in_plain_text\n`);
    await assert.rejects(startBridge(database, { flags: ['--api-key-file', file] }), (error) => /line 2: expected a name/.test(error.message) && !/plain_text/.test(error.message));
  });
});
