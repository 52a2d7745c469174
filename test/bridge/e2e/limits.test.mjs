// Behaviour: what sockets and requests of one user, or of one address, use together is limited; what is too much is
// refused in words, with the time to try again, and counted; neighbours notice nothing, and after that time it works.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, freePort, startBridge, uniqueName } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

let lastAddress = 0;
/** An address of this machine that no other test uses. */
const newAddress = () => `127.0.1.${++lastAddress}`;

describe('limits', () => {
  let bridge, database, prefix, metricsPort;
  const limits = {
    'connections-by-user': 3, 'connections-by-address': 6,
    'topics-by-socket': 4, 'topics-by-user': 5, 'topics-by-address': 7,
    'messages-by-user': 4, 'messages-by-address': 6, // 20 and 30 at once
    'joins-by-user': 2, 'joins-by-address': 3, // 10 and 15 at once
    'requests-by-user': 2, 'requests-by-address': 4, // 10 and 20 at once
    'bytes-by-user': 2000, 'body-bytes': 4000, 'message-bytes': 4000, // 10,000 at once
    'tracked-bytes-by-address': 300, 'commands-by-address': 3,
  };
  const closeLater = withDatabase({}, async (made) => {
    ({ database, prefix } = made);
    metricsPort = await freePort();
    const flags = Object.entries(limits).flatMap(([name, value]) => [`--limit-${name}`, `${value}`]);
    bridge = made.closeLater(await startBridge(database, { flags: [...flags, '--public-channels', '--statement-timeout', '60', '--metrics-port', `${metricsPort}`] }));
  });

  const open = async (user, { from = newAddress(), token = user ? bridge.token({ sub: user }) : bridge.anonKey } = {}) =>
    closeLater(await RawSocket.open(bridge, { token, options: { localAddress: from } }));

  /** One request from an address: {status, headers, body}. */
  function ask(method, path, { user, from = newAddress(), body, token = user ? bridge.token({ sub: user }) : bridge.anonKey } = {}) {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } : {}) };
      const request = httpRequest(`${bridge.url}${path}`, { method, localAddress: from, agent: false, headers }, (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString() }));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  const hits = async (limit) => Number((await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).match(`pg_live_limits_hit_total{limit="${limit}"} (\\d+)`)[1]);

  /** Checks the words of a refusal: what was too much, and when to try again. */
  function isRefusal({ reason, code, retry_after }, limit) {
    assert.equal(code, '53400', reason);
    assert.match(reason, new RegExp(`too many .*: at most ${limits[limit]} \\(--limit-${limit}\\); try again in ${retry_after} s`));
    assert.ok(retry_after >= 1, reason);
  }

  /** The same of an answer by HTTP. */
  function isRefused({ status, headers, body }, limit) {
    assert.equal(status, 429, body);
    const { error, code } = JSON.parse(body);
    isRefusal({ reason: error, code, retry_after: Number(headers['retry-after']) }, limit);
  }

  /** Sends messages until one is refused; the response of that one. */
  async function refusedPush(socket, most) {
    const first = socket.frames.length;
    for (let n = 0; n < most; n++) socket.send(null, `${first}.${n}`, 'phoenix', 'heartbeat', {});
    return (await socket.frame('a refusal', (frame) => frame.ref?.startsWith(`${first}.`) && frame.payload.status === 'error')).payload.response;
  }

  /** Joins topics one after the other until one is refused; the response of that one. */
  async function refusedJoin(socket, most) {
    for (let n = 0; n < most; n++) {
      const ref = `j${socket.frames.length}`;
      const { payload } = await socket.join(`realtime:${prefix}:${uniqueName('t')}`, { ref });
      if (payload.status === 'error') return payload.response;
    }
    return assert.fail(`${most} joins, and none is refused`);
  }

  const joins = async (socket, options) => (await socket.join(`realtime:${prefix}:${uniqueName('t')}`, { ref: `j${socket.frames.length}`, ...options })).payload;

  test('connections of one user, whatever their addresses: refused with 429, until another one ends', async () => {
    const user = uniqueName('user');
    const before = await hits('connections-by-user');
    const sockets = [];
    for (let n = 0; n < 3; n++) sockets.push(await open(user));
    const refused = await open(user).catch((error) => error);
    assert.equal(refused.status, 429);
    assert.match(JSON.parse(refused.body).error, /at most 3 \(--limit-connections-by-user\); try again in \d+ s/);
    assert.equal(await hits('connections-by-user'), before + 1);
    await open(uniqueName('neighbour'));
    sockets[0].close();
    await eventually('there is room again', () => open(user).catch(() => null));
  });

  test('connections of one user count also where the user comes with the token of a join', async () => {
    const user = uniqueName('user');
    const access_token = bridge.token({ sub: user });
    const sockets = [];
    for (let n = 0; n < 4; n++) sockets.push(await open(null));
    for (const socket of sockets.slice(0, 3)) assert.equal((await joins(socket, { access_token })).status, 'ok');
    const { status, response } = await joins(sockets[3], { access_token });
    assert.equal(status, 'error');
    isRefusal(response, 'connections-by-user');
    assert.match(response.reason, /^ConnectionRateLimitReached/);
    sockets[0].close();
    await eventually('there is room again', async () => (await joins(sockets[3], { access_token })).status === 'ok');
  });

  test('connections of one address, whoever their users are; probes are answered all the same', async () => {
    const from = newAddress();
    for (let n = 0; n < 6; n++) await open(uniqueName('user'), { from });
    const refused = await open(uniqueName('user'), { from }).catch((error) => error);
    assert.equal(refused.status, 429);
    assert.match(JSON.parse(refused.body).error, /--limit-connections-by-address/);
    isRefused(await ask('GET', '/api/presence/online', { from }), 'connections-by-address');
    assert.equal((await ask('GET', '/healthz', { from })).status, 200);
    await open(uniqueName('neighbour'));
  });

  test('an address with far more sockets than it may have is not even heard', async () => {
    const from = newAddress();
    const silent = [];
    for (let n = 0; n < 120; n++) silent.push(closeLater({ tcp: await connectTcp(bridge, { from }), close() { this.tcp.destroy(); } }));
    await eventually('those that are too many are closed', () => silent.filter(({ tcp }) => tcp.closed).length >= 120 - 6 - 64);
    assert.ok(silent.slice(0, 6).every(({ tcp }) => !tcp.closed));
    assert.equal((await ask('GET', '/healthz')).status, 200);
  });

  for (const [whose, limit, make] of [
    ['user', 'messages-by-user', () => { const user = uniqueName('user'); return () => open(user); }],
    ['address', 'messages-by-address', () => { const from = newAddress(); return () => open(uniqueName('user'), { from }); }],
  ]) {
    test(`messages of all sockets of one ${whose}: a neighbour is answered, and so is the ${whose} after the time that was told`, async () => {
      const openOne = make();
      const [first, second, neighbour] = [await openOne(), await openOne(), await open(uniqueName('neighbour'))];
      const before = await hits(limit);
      for (let n = 0; n < 15; n++) assert.ok(await first.answers(`a${n}`));
      isRefusal(await refusedPush(second, 40), limit);
      assert.ok((await hits(limit)) > before);
      assert.ok(await neighbour.answers());
      await eventually('it is answered again', () => second.answers(uniqueName('ref')));
      assert.deepEqual([first.closed, second.closed], [null, null]);
    });
  }

  test('messages of a broadcast by HTTP count as many as they are', async () => {
    const user = uniqueName('user');
    const broadcast = (count, options) => ask('POST', '/realtime/v1/api/broadcast', { user, ...options,
      body: JSON.stringify({ messages: Array.from({ length: count }, () => ({ topic: 'x', event: 'e', payload: {} })) }) });
    const socket = await open(user);
    assert.equal((await broadcast(18)).status, 202);
    isRefusal(await refusedPush(socket, 10), 'messages-by-user');
    isRefused(await broadcast(18), 'messages-by-user');
    assert.match(JSON.parse((await broadcast(21)).body).error, /--limit-messages-by-user\)$/, 'never at once, so without a time');
    assert.equal((await broadcast(18, { user: uniqueName('neighbour') })).status, 202);
  });

  test('joins of all sockets of one user: what comes too often is refused, then joins again', async () => {
    const user = uniqueName('user');
    const [first, second, neighbour] = [await open(user), await open(user), await open(uniqueName('neighbour'))];
    const topic = `realtime:${prefix}:same`;
    for (let n = 0; n < 9; n++) await first.join(topic, { ref: `${n}` });
    for (let n = 0; n < 9; n++) second.send(`${n}`, `${n}`, topic, 'phx_join', { config: { private: true } });
    const refused = await second.frame('a refusal', (frame) => frame.event === 'phx_reply' && frame.payload.status === 'error');
    isRefusal(refused.payload.response, 'joins-by-user');
    assert.match(refused.payload.response.reason, /^ClientJoinRateLimitReached/);
    assert.equal((await joins(neighbour)).status, 'ok');
    await eventually('it joins', async () => (await joins(second)).status === 'ok');
  });

  test('joins of one address, whoever the users are', async () => {
    const from = newAddress();
    const sockets = [await open(uniqueName('user'), { from }), await open(null, { from })];
    const topic = `realtime:${prefix}:same`;
    for (const socket of sockets) for (let n = 0; n < 10; n++) socket.send(`${n}`, `${n}`, topic, 'phx_join', { config: { private: true } });
    const refusal = (socket) => socket.frames.find((frame) => frame.payload.response?.retry_after);
    isRefusal((await eventually('a refusal', () => refusal(sockets[0]) ?? refusal(sockets[1]))).payload.response, 'joins-by-address');
    assert.equal((await joins(await open(uniqueName('neighbour')))).status, 'ok');
  });

  test('topics of one socket, of one user and of one address: refused until another one is left', async () => {
    const [user, from] = [uniqueName('user'), newAddress()];
    const [first, second] = [await open(user, { from }), await open(user, { from })];
    isRefusal(await refusedJoin(first, 5), 'topics-by-socket');
    isRefusal(await refusedJoin(second, 2), 'topics-by-user');
    const other = await open(uniqueName('user'), { from });
    isRefusal(await refusedJoin(other, 3), 'topics-by-address');
    assert.equal((await joins(await open(uniqueName('neighbour')))).status, 'ok');
    first.close();
    await eventually('there is room again', async () => (await joins(other)).status === 'ok');
  });

  test('requests of one user, whatever the addresses: 429 with the time to try again, after which they are answered', async () => {
    const user = uniqueName('user');
    const get = (options) => ask('GET', '/api/presence', { user, ...options });
    const answers = await Promise.all(Array.from({ length: 14 }, () => get()));
    const refused = answers.filter(({ status }) => status !== 200);
    assert.ok(refused.length > 0 && refused.length <= 4);
    isRefused(refused[0], 'requests-by-user');
    assert.equal((await get({ user: uniqueName('neighbour') })).status, 200);
    await eventually('it is answered', async () => (await get()).status === 200);
  });

  test('requests of one address, before anything is done for them: a wrong token is not even looked at', async () => {
    const from = newAddress();
    const answers = [];
    for (let n = 0; n < 60; n++) answers.push(await ask('GET', '/api/presence', { from, token: 'wrong' }));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [401, 429]);
    isRefused(answers.find(({ status }) => status === 429), 'requests-by-address');
    assert.equal((await ask('GET', '/healthz', { from })).status, 200);
    assert.equal((await ask('GET', '/api/presence', { user: 'anna' })).status, 200);
    await eventually('it is answered', async () => (await ask('GET', '/api/activity', { from })).status === 200);
  });

  test('bodies of one user count as bytes, those that have not arrived too', async () => {
    const user = uniqueName('user');
    const body = JSON.stringify({ metadata: { x: 'x'.repeat(3000) } });
    const patch = (whose) => ask('PATCH', '/api/presence', { user: whose, body });
    for (let n = 0; n < 3; n++) assert.equal((await patch(user)).status, 200);
    isRefused(await patch(user), 'bytes-by-user');
    assert.equal((await patch(uniqueName('neighbour'))).status, 200);
    await eventually('there is room again', async () => (await patch(user)).status === 200);
  });

  test('what one address tracks in all channels: refused until something else is tracked no more', async () => {
    const from = newAddress();
    const topic = `realtime:${prefix}:tracked`;
    const track = async (socket, ref, bytes) => {
      socket.send('1', ref, topic, 'presence', { type: 'presence', event: 'track', payload: { x: 'x'.repeat(bytes) } });
      return (await socket.reply(ref)).payload;
    };
    const [first, second, neighbour] = [await open(uniqueName('user'), { from }), await open(uniqueName('user'), { from }), await open(uniqueName('neighbour'))];
    for (const socket of [first, second, neighbour]) await socket.join(topic, { config: { presence: { enabled: true } } });
    assert.equal((await track(first, 't1', 200)).status, 'ok');
    const { status, response } = await track(second, 't2', 200);
    assert.equal(status, 'error');
    assert.match(response.reason, /--limit-tracked-bytes-by-address/);
    assert.equal((await track(neighbour, 't3', 200)).status, 'ok');
    first.send('1', 'u1', topic, 'presence', { type: 'presence', event: 'untrack' });
    assert.equal((await first.reply('u1')).payload.status, 'ok');
    await eventually('there is room again', async () => (await track(second, uniqueName('t'), 200)).status === 'ok');
  });

  test('the anonymous are told apart by address: those of one, whose commands wait, delay no others', async () => {
    const own = await database.connect();
    await own.query('begin; select pg_advisory_xact_lock(71)');
    const slow = await database.topics({ receive: "topic not like '%slow' or (select true from (select pg_advisory_xact_lock_shared(71)) as waits)" });
    const from = newAddress();
    const [first, second, neighbour] = [await open(null, { from }), await open(null, { from }), await open(null)];
    for (let n = 0; n < 4; n++) first.send(`${n}`, `${n}`, `realtime:${slow}:${n}:slow`, 'phx_join', { config: { private: true } });
    assert.ok(await first.answers()); // they have arrived
    const { payload } = await second.join(`realtime:${slow}:5:slow`); // one runs, three wait
    assert.equal(payload.response.code, '53400');
    assert.match(payload.response.reason, /--limit-commands-by-address/);
    assert.equal((await neighbour.join(`realtime:${slow}:quick`)).payload.status, 'ok');
    await own.query('rollback');
    for (let n = 0; n < 4; n++) assert.equal((await first.reply(`${n}`)).payload.status, 'ok');
    assert.equal((await second.join(`realtime:${slow}:6`, { ref: '2' })).payload.status, 'ok');
  });
});
