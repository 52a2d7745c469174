// Behaviour: what the bridge answers to plain HTTP, and to pages of other origins.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

describe('HTTP', () => {
  let database, bridge, prefix;
  let receiver;
  let topic;
  withBridge({ flags: ['--allowed-origin', 'https://app.example, https://*.pages.example'], topics: { send: "live.user_id() = 'anna'" } }, async (made) => {
    ({ database, bridge, prefix } = made);
    topic = `${prefix}:http`;
    receiver = made.closeLater(await RawSocket.open(bridge));
    await receiver.join(`realtime:${topic}`);
  });

  const post = (path, body, { token = bridge.token(), ...headers } = {}) =>
    fetch(`${bridge.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  const message = (event, payload = {}) => ({ messages: [{ topic, event, payload, private: true }] });

  for (const [path, expected] of Object.entries({ '/healthz': 200, '/readyz': 200, '/nowhere': 404, '/realtime/v1/websocket': 426 })) {
    test(`GET ${path} is answered with ${expected}`, async () => {
      const response = await fetch(`${bridge.url}${path}`);
      assert.equal(response.status, expected);
      assert.match(response.headers.get('content-type'), /json/);
      await response.json();
    });
  }

  for (const path of ['/realtime/v1/api/broadcast', '/api/broadcast']) {
    test(`POST ${path} sends, as the user of the token`, async () => {
      const response = await post(path, message(`by ${path}`, { x: 1 }));
      assert.equal(response.status, 202);
      assert.equal(await response.text(), '');
      assert.deepEqual((await receiver.broadcast(`realtime:${topic}`, `by ${path}`)).payload.payload, { x: 1 });
    });
  }

  test('a topic and an event may stand in the path', async () => {
    const response = await post(`/realtime/v1/api/broadcast/${encodeURIComponent(topic)}/events/by%20path?private=true`, { x: 2 });
    assert.equal(response.status, 202);
    assert.deepEqual((await receiver.broadcast(`realtime:${topic}`, 'by path')).payload.payload, { x: 2 });
  });

  for (const client of clients.filter(({ name }) => /2\.(99|119)/.test(name))) {
    test(`${client.name} sends by HTTP`, async () => {
      const connection = client.connect(bridge, bridge.token());
      await connection.signedIn;
      const channel = connection.client.channel(topic, { config: { private: true } });
      const event = `by ${client.name}`;
      assert.deepEqual(await channel.httpSend(event, { x: 3 }), { success: true });
      assert.deepEqual((await receiver.broadcast(`realtime:${topic}`, event)).payload.payload, { x: 3 });
      await connection.close();
    });
  }

  for (const [what, send, status] of [
    ['without a token', () => post('/api/broadcast', message('x'), { token: null }), 401],
    ['with a token of another key', () => post('/api/broadcast', message('x'), { token: 'a.b.c' }), 401],
    ['by a user who may not send', () => post('/api/broadcast', message('x'), { token: bridge.token({ sub: 'carl' }) }), 403],
    ['that is not JSON', () => post('/api/broadcast', 'x'), 422],
    ['without messages', () => post('/api/broadcast', {}), 422],
    ['with messages that are none', () => post('/api/broadcast', { messages: [null, 7] }), 422],
    ['of another type', () => post('/api/broadcast', { messages: [{ topic: 7, event: [], payload: {} }] }), 422],
    ['of more than a megabyte', () => post('/api/broadcast', message('x', 'x'.repeat(2_000_000))), 413],
    ['by GET', () => fetch(`${bridge.url}/api/broadcast`), 405],
  ]) {
    test(`a broadcast ${what} is refused with ${status}, and nothing is sent`, async () => {
      assert.equal((await send()).status, status);
      await database.emit(topic, `after "${what}"`);
      await receiver.broadcast(`realtime:${topic}`, `after "${what}"`);
      assert.ok(!receiver.broadcasts(`realtime:${topic}`).some((frame) => frame.payload.event === 'x'));
    });
  }

  for (const [what, status, head] of [
    ['that is malformed', 400, 'GET /api/presence HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nbad header: 1\r\n\r\n'],
    ['without a length', 411, 'POST /api/presence HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['with a long body', 413, () => `POST /api/broadcast HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nAuthorization: Bearer ${bridge.token()}\r\nContent-Length: 9000000\r\n\r\n`],
    ['with a long head', 431, `GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX: ${'x'.repeat(20000)}\r\n\r\n`],
    ['by long poll', 501, 'POST /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nContent-Length: 0\r\n\r\n'],
  ]) {
    test(`a page of an allowed origin can read the refusal with ${status} of a request ${what}`, async () => {
      const socket = await connectTcp(bridge);
      socket.send(typeof head === 'string' ? head : head());
      await eventually('it is answered', () => /\r\n\r\n.*error/s.test(socket.text));
      assert.match(socket.text, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(socket.text, /^Access-Control-Allow-Origin: https:\/\/app\.example\r$/m);
      socket.destroy();
    });
  }

  test('a page of an allowed origin can read the refusal with 408 of a request that never ends, in the head or in the body', async () => {
    const impatient = await startBridge(database, { flags: ['--allowed-origin', 'https://app.example', '--request-timeout', '3'] });
    const head = 'POST /api/activity HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n';
    const begun = [`${head}X: x`, `${head}Authorization: Bearer ${impatient.token()}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`];
    const answers = await Promise.all(begun.map(async (bytes) => {
      const socket = await connectTcp(impatient);
      socket.send(bytes);
      await eventually('it is answered', () => /\r\n\r\n.*error/s.test(socket.text));
      socket.destroy();
      return socket.text;
    }));
    await impatient.stop();
    for (const text of answers) {
      assert.match(text, /^HTTP\/1.1 408 /);
      assert.match(text, /^Access-Control-Allow-Origin: https:\/\/app\.example\r$/m);
    }
  });

  test('a page of another origin cannot read the refusal of a malformed request', async () => {
    const socket = await connectTcp(bridge);
    socket.send('GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://other.example\r\nbad header: 1\r\n\r\n');
    await eventually('it is answered', () => /\r\n\r\n.*error/s.test(socket.text));
    assert.ok(!/Access-Control/i.test(socket.text));
    socket.destroy();
  });

  test('a client who is unknown is refused before the body is read', async () => {
    const socket = await connectTcp(bridge);
    socket.send('POST /api/activity HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{');
    await eventually('it is answered', () => /\r\n\r\n.*error/s.test(socket.text));
    assert.match(socket.text, /^HTTP\/1.1 401 /);
    socket.destroy();
  });

  test('a page of an allowed origin may send, and is told so before it does', async () => {
    const origin = 'https://app.example';
    const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
    const preflight = await fetch(`${bridge.url}/api/broadcast`, { method: 'OPTIONS', headers });
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    const response = await post('/api/broadcast', message('from a page'), { origin });
    assert.equal(response.status, 202);
    assert.equal(response.headers.get('access-control-allow-origin'), origin);
    const socket = await RawSocket.open(bridge, { options: { origin } });
    assert.ok(await socket.answers());
    socket.close();
  });

  test('a wildcard lets the pages of all hosts below it in', async () => {
    const origin = 'https://branch-7.preview.pages.example';
    const response = await post('/api/broadcast', message('from a preview'), { origin });
    assert.deepEqual([response.status, response.headers.get('access-control-allow-origin'), response.headers.get('vary')], [202, origin, 'Origin']);
    (await RawSocket.open(bridge, { options: { origin } })).close();
  });

  test('a cookie or the word of a browser makes nobody a user', async () => {
    const headers = { 'content-type': 'application/json', cookie: `sb-access-token=${bridge.token()}; apikey=${bridge.token()}`, 'sec-fetch-site': 'same-origin' };
    const response = await fetch(`${bridge.url}/api/broadcast`, { method: 'POST', headers, body: JSON.stringify(message('x')) });
    assert.equal(response.status, 401);
    await assert.rejects(RawSocket.open(bridge, { token: null, options: { headers } }), { status: 401 });
  });

  test('no answer may be framed, embedded by another site, taken for another type, or named to the next page', async () => {
    for (const path of ['/healthz', '/no-such-path', '/api/broadcast']) {
      const { headers } = await fetch(`${bridge.url}${path}`);
      assert.deepEqual(['x-frame-options', 'cross-origin-resource-policy', 'x-content-type-options', 'referrer-policy'].map((name) => headers.get(name)),
        ['DENY', 'same-origin', 'nosniff', 'no-referrer']);
    }
  });

  for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'https://pages.example', 'https://evil-pages.example', 'null']) {
    test(`a page of ${origin} may neither send nor connect`, async () => {
      const response = await post('/api/broadcast', message('x'), { origin });
      assert.equal(response.status, 403);
      assert.equal(response.headers.get('access-control-allow-origin'), null);
      await assert.rejects(RawSocket.open(bridge, { options: { origin } }), { status: 403 });
      await eventually('the log says which origin was refused, and why', () =>
        bridge.log.split('\n').some((line) => line.includes('refused a connection') && line.includes(`"${origin}"`) && line.includes('the origin is not allowed')));
    });
  }
});
