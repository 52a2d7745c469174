// Behaviour: what one user asks for, however much or slow, delays no answer to another user; every request is
// answered in time, and what its client has given up is not carried out later.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { ask as askBridge } from './http-client.mjs';
import { openDatabase } from './database.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

describe('fairness', () => {
  let database, bridge;
  const ask = (...request) => askBridge(bridge, ...request);
  const closeLater = withBridge({ flags: ['--statement-timeout', '60', '--limit-messages-by-socket', '100000', '--limit-messages-by-user', '0', '--limit-queue-bytes', '20000000'] }, (made) => ({ database, bridge } = made));

  async function socketOf(user) {
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: user }) }));
    assert.equal((await socket.join('realtime:presence')).payload.status, 'ok');
    return socket;
  }

  test('20,000 waiting commands of one user: the others are answered before them, and what is too much is refused', async () => {
    const [user, other] = [uniqueName('user'), uniqueName('user')];
    const socket = await socketOf(user);
    const holder = await database.connect();
    await holder.query('begin; lock table live.activity_stream in share mode'); // the first waits for it
    const refs = Array.from({ length: 20_000 }, (_, n) => `c${n}`);
    for (const [n, ref] of refs.entries()) socket.send('1', ref, 'realtime:presence', 'activity:new', { activity_type: 'said', metadata: { n } });
    const refused = await socket.reply(refs.at(-1));
    assert.deepEqual([refused.payload.status, refused.payload.response.code], ['error', '53400'], refused.text);
    assert.match(refused.payload.response.reason, /too many commands/);
    assert.equal((await ask('POST', '/api/activity', { user, body: { activity_type: 'said' } })).status, 429);
    // No command of the user is answered with "ok" yet; those of others are.
    for (let n = 0; n < 20; n++) {
      assert.equal((await ask('PATCH', '/api/presence', { user: `${other}${n}`, body: { mode: 'busy' } })).status, 200);
      assert.equal((await ask('GET', '/api/presence', { user: `${other}${n}` })).body.mode, 'busy');
    }
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_reply' && refs.includes(frame.ref) && frame.payload.status === 'ok'));
    await holder.query('rollback');
    await eventually('every one is answered', () => {
      const answered = new Set(socket.frames.filter((frame) => frame.event === 'phx_reply').map((frame) => frame.ref));
      return refs.every((ref) => answered.has(ref));
    });
    const done = socket.frames.filter((frame) => frame.event === 'phx_reply' && frame.payload.status === 'ok' && frame.ref.startsWith('c'));
    assert.deepEqual(done.map((frame) => `c${frame.payload.response.metadata.n}`), done.map((frame) => frame.ref));
    assert.deepEqual(done.map((frame) => Number(frame.ref.slice(1))), done.map((_, n) => n), 'in order, and the first ones');
  });

  test("slow requests of one user delay neither another's join nor another's requests", async () => {
    const own = await openDatabase('in-transaction');
    const other = await startBridge(own, { flags: ['--statement-timeout', '60'] });
    const holder = await own.connect();
    await holder.query('begin; lock table live.activity_stream');
    await holder.query("select pg_advisory_xact_lock(7)");
    const slow = '(select true from (select pg_advisory_xact_lock_shared(7)) as waits)';
    const topics = await own.topics({ receive: `live.user_id() <> 'slow' or ${slow}` });
    const waiting = async (type) =>
      (await own.query('select from pg_locks where not granted and locktype = $1', [type])).rows.length;
    // More than there are connections, of both kinds.
    const feeds = Array.from({ length: 30 }, () => askBridge(other, 'GET', '/api/activity', { user: 'slow' }));
    const joining = await RawSocket.open(other, { token: other.token({ sub: 'slow' }) });
    for (let n = 0; n < 30; n++) joining.send(`j${n}`, `j${n}`, `realtime:${topics}:${n}`, 'phx_join', { config: { private: true } });
    await eventually('both wait', async () => (await waiting('relation')) > 0 && (await waiting('advisory')) > 0);
    const socket = await RawSocket.open(other, { token: other.token({ sub: 'ben' }) });
    assert.equal((await socket.join(`realtime:${topics}:x`)).payload.status, 'ok');
    assert.equal((await askBridge(other, 'GET', '/api/presence', { user: 'ben' })).status, 200);
    assert.equal((await askBridge(other, 'PATCH', '/api/presence', { user: 'ben', body: { mode: 'busy' } })).status, 200);
    assert.ok((await waiting('relation')) > 0 && (await waiting('advisory')) > 0, 'they are still waiting');
    await holder.query('commit');
    for (let n = 0; n < 30; n++) assert.equal((await joining.reply(`j${n}`)).payload.status, 'ok');
    for (const each of feeds) assert.equal((await each).status, 200);
    await joining.close();
    await socket.close();
    await other.stop();
    await own.close();
  });
});

test('those without a user share half of the places for waiting commands, whatever they ask for: users are answered beside them', async () => {
  const database = await openDatabase('in-transaction');
  const bridge = await startBridge(database, { flags: ['--statement-timeout', '60', '--limit-commands', '40'] });
  const token = bridge.anonKey;
  const topics = await database.topics();
  const holder = await database.connect();
  await holder.query('begin; lock table live.activity_stream');
  const answers = [];
  const asked = Array.from({ length: 50 }, async () => answers.push(await askBridge(bridge, 'GET', '/api/activity', { token })));
  await eventually('what is too much is refused', () => answers.length === 30);
  for (const { status, body } of answers) assert.deepEqual([status, body.code], [429, '53400']);
  const anonymous = await RawSocket.open(bridge, { token });
  const join = (socket, ref) => socket.join(`realtime:${topics}:x`, { ref });
  assert.equal((await join(anonymous, '1')).payload.response.code, '53400', 'a join of theirs is one more');
  const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'ben' }) });
  assert.equal((await join(socket, '1')).payload.status, 'ok');
  for (let n = 0; n < 10; n++) {
    assert.equal((await askBridge(bridge, 'GET', '/api/presence', { user: `ben${n}` })).status, 200);
    assert.equal((await askBridge(bridge, 'PATCH', '/api/presence', { user: `ben${n}`, body: { mode: 'busy' } })).status, 200);
  }
  assert.equal(answers.length, 30, 'twenty are still waiting');
  await holder.query('commit');
  await Promise.all(asked);
  for (const { status } of answers.slice(30)) assert.equal(status, 200);
  assert.equal((await join(anonymous, '2')).payload.status, 'ok', 'there is room again');
  await Promise.all([anonymous.close(), socket.close()]);
  await bridge.stop();
  await database.close();
});

describe('a database that takes no writes, or is away', () => {
  let cluster, database, bridge;
  withBridge({ cluster: [], flags: ['--statement-timeout', '2'] }, (made) => ({ cluster, database, bridge } = made));

  test('each request is answered with a code, track() too, and nothing is carried out later', async () => {
    const user = uniqueName('user');
    const ask = (...request) => askBridge(bridge, ...request);
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: user }) });
    assert.equal((await socket.join('realtime:presence')).payload.status, 'ok');
    await cluster.becomeStandby();
    const log = (n) => ({ user, body: { activity_type: 'saw', metadata: { n } } });
    await eventually('a write is refused', async () => {
      const { status, body } = await ask('POST', '/api/activity', log(0));
      return status === 503 && body.code === '25006';
    });
    for (const [ref, event, payload] of [
      ['a1', 'activity:new', { activity_type: 'saw' }], ['a2', 'presence:update', { mode: 'busy' }],
      ['a3', 'presence', { type: 'presence', event: 'track', payload: { x: 1 } }],
    ]) socket.send('1', ref, 'realtime:presence', event, payload);
    for (const ref of ['a1', 'a2', 'a3']) {
      const { payload } = await socket.reply(ref);
      assert.equal(payload.status, 'error', ref);
      assert.match(payload.response.code, /^(25006|08...|53...|55000|57...)$/, ref);
      assert.ok(payload.response.reason, ref);
    }
    socket.send('1', 'late', 'realtime:presence', 'activity:new', { activity_type: 'late' });
    await socket.close();
    await cluster.promote();
    await database.reconnect();
    await eventually('writes are taken again', async () => (await ask('POST', '/api/activity', log(1))).status === 201);
    const { rows } = await database.query('select activity_type, metadata from live.activity_stream where user_id = $1', [user]);
    assert.deepEqual(rows, [{ activity_type: 'saw', metadata: { n: 1 } }]);
    await cluster.pause();
    const { status, body } = await eventually('the database is away', async () => {
      const answer = await ask('POST', '/api/activity', log(2));
      return answer.body.code === '08001' && answer;
    });
    assert.equal(status, 503);
    assert.ok(body.error);
    await cluster.resume();
    await database.reconnect();
    await eventually('it is back', async () => (await ask('POST', '/api/activity', log(3))).status === 201);
  });
});
