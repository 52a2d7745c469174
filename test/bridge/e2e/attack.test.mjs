// Behaviour: what an attacker tries who knows the protocol well and writes it right: topics of the bridge's own, SQL and
// paths in every field, roles above the app's, bodies that grow, requests behind requests. hostile.test.mjs has what is
// written wrong.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync, deflateRawSync } from 'node:zlib';
import { withBridge } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { Issuer } from './issuer.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, now, sign, startBridge, uniqueName } from './support.mjs';
import { connectTcp, upgrade, wireFrame } from './tcp-socket.mjs';

describe('an attacker', () => {
  let database, bridge, prefix, closeLater;
  withBridge({ flags: ['--public-channels', '--request-timeout', '1', '--join-timeout', '3'] }, (made) =>
    ({ database, bridge, prefix, closeLater } = made));

  const injections = [
    "'; drop table live.event; --", "$$; drop schema live cascade; $$", '" or 1=1 --', "1; select pg_sleep(10)", "\\'; --",
    '../../../etc/passwd', '..%2f..%2fetc/passwd', '${jndi:ldap://x}', '{{7*7}}', '%00', "x' union select null, null --",
  ];
  const tables = async () => (await database.query("select count(*)::integer as n from pg_class where relnamespace in ('live'::regnamespace, 'live_private'::regnamespace)")).rows[0].n;

  test('writes SQL into every argument of every route: it stays text, and no command fails inside', async () => {
    const before = await tables();
    const { body: { paths } } = await ask(bridge, 'GET', '/openapi.json');
    const user = uniqueName('sql');
    for (const [path, described] of Object.entries(paths).filter(([each]) => each.startsWith('/api/') && !each.includes('broadcast'))) {
      for (const [method, { parameters, requestBody }] of Object.entries(described)) {
        const names = parameters ? parameters.map(({ name }) => name) : Object.keys(requestBody.content['application/json'].schema.properties);
        await Promise.all(injections.map(async (text, n) => {
          const values = Object.fromEntries(names.map((name) => [name, text]));
          for (const given of [values, { [names[n % names.length]]: text }]) {
            const { status, text: said } = await ask(bridge, method.toUpperCase(), parameters ? `${path}?${new URLSearchParams(given)}` : path,
              { user, body: parameters ? undefined : given });
            assert.ok(status < 500, `${method} ${path} ${JSON.stringify(given)}: ${status} ${said}`);
          }
        }));
      }
    }
    assert.equal(await tables(), before);
  });

  test('writes SQL into every field of the protocol: it stays text', async () => {
    const before = await tables();
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: "x'; drop table live.event; --", team: '$1' }) });
    for (const [n, text] of injections.entries()) {
      const topic = `realtime:${prefix}:${text}`;
      const config = { private: true, broadcast: { ack: true, self: true }, presence: { key: text, enabled: true }, resume: text };
      assert.equal((await socket.join(topic, { ref: `${n}`, config })).payload.response.resume, 'lost');
      socket.send(`${n}`, `b${n}`, topic, 'broadcast', { type: 'broadcast', event: text, payload: { [text]: text } });
      assert.equal((await socket.reply(`b${n}`)).payload.status, 'ok');
      assert.deepEqual((await socket.broadcast(topic, text)).payload.payload, { [text]: text });
      socket.send(`${n}`, `t${n}`, topic, 'presence', { type: 'presence', event: 'track', payload: { [text]: text } });
      assert.equal((await socket.reply(`t${n}`)).payload.status, 'ok');
      socket.send(`${n}`, `c${n}`, topic, text, { [text]: text });
      assert.equal((await socket.reply(`c${n}`)).payload.response.reason, 'unknown event');
    }
    assert.equal(await tables(), before);
    socket.close();
  });

  test('joins and sends to the topics that are the bridge\u2019s own: none is open, as topic or as room', async () => {
    const victim = await RawSocket.open(bridge, { token: bridge.token({ sub: 'victim' }) });
    await victim.join(`realtime:${prefix}:x`);
    const socket = await RawSocket.open(bridge);
    const topics = ['$token', '$presence', '$connection', `$channel:${prefix}:x`, 'user:victim', 'followers:victim', 'session:00000000-0000-4000-8000-000000000000'];
    const payload = { user_id: 'victim', issued_before: now() + 1000, expires_at: now() + 1000, ids: [] };
    for (const [n, topic] of topics.entries()) {
      for (const isPrivate of [true, false]) {
        const { payload: { status } } = await socket.join(`realtime:${topic}`, { ref: `${n}${isPrivate}`, config: { private: isPrivate } });
        assert.equal(status, 'error', topic);
        const sent = await ask(bridge, 'POST', '/api/broadcast', { body: { messages: [{ topic, event: 'e', payload, private: isPrivate }] } });
        assert.ok([401, 403].includes(sent.status), `${topic}: ${sent.status} ${sent.text}`);
      }
    }
    assert.ok(await victim.answers());
    victim.close();
    socket.close();
  });

  test('has a token whose role is a superuser, that even is granted to the bridge: refused, by socket and by HTTP', async () => {
    const role = uniqueName('super');
    await database.query(`create role ${role} superuser; grant ${role} to live_bridge`);
    try {
      const token = bridge.token({ role });
      for (let n = 0; n < 2; n++) {
        const { status, body } = await ask(bridge, 'GET', '/api/presence', { token });
        assert.equal(status, 401, JSON.stringify(body));
        assert.match(body.error, /role of the token cannot be assumed/);
      }
      const socket = await RawSocket.open(bridge);
      const { payload } = await socket.join(`realtime:${prefix}:x`, { access_token: token });
      assert.equal(payload.status, 'error');
      assert.equal(payload.response.code, '28000');
      socket.close();
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test('could name any role if the bridge were a superuser: it does not serve then, and its log says why', async () => {
    const conninfo = database.bridgeConninfo.replace('user=live_bridge', `user=${database.server.user}`);
    const mighty = closeLater(await startBridge({ bridgeConninfo: conninfo }, {
      isUp: (at) => eventually('the log says why', () => /must not be a superuser/.test(at.log)),
    }));
    assert.equal((await fetch(`${mighty.url}/readyz`)).status, 503);
    assert.equal((await ask(mighty, 'GET', '/healthz', { user: null })).status, 200);
  });

  test('reads a secret key at the URL of the public ones: it is not accepted, so nothing signed with it is', async () => {
    const secret = 'a secret that everybody can read in the set';
    const issuer = closeLater(await Issuer.start());
    issuer.answer = (response) => response.end(JSON.stringify({ keys: [{ kty: 'oct', kid: 'open', alg: 'HS256', k: Buffer.from(secret).toString('base64url') }] }));
    const other = closeLater(await startBridge(database, { flags: ['--jwks', issuer.url] }));
    await eventually('the log says why', () => /a secret key must not be where others can read it/.test(other.log));
    const token = sign({ sub: 'anna' }, secret, { alg: 'HS256', kid: 'open' });
    assert.notEqual((await ask(other, 'GET', '/api/presence', { token })).status, 200);
    assert.equal((await ask(other, 'GET', '/api/presence')).status, 200);
  });

  test('keeps a token that is ahead of the clock over a revocation: it ends with the others', async () => {
    const sub = uniqueName('ahead');
    const token = bridge.token({ sub, iat: now() + 20 });
    const socket = await RawSocket.open(bridge, { token });
    assert.ok(await socket.answers());
    await database.query('select live.revoke_tokens($1)', [sub]);
    assert.equal((await socket.untilClosed()).code, 1008);
    assert.equal((await ask(bridge, 'GET', '/api/presence', { token })).status, 401);
  });

  test('sends compressed what grows a thousandfold: frames and bodies are not inflated', async () => {
    const socket = await upgrade(bridge);
    socket.send(wireFrame({ opcode: 1, payload: deflateRawSync('x'.repeat(10_000_000)), reserved: 0x40 }));
    await socket.untilClosed();
    const body = gzipSync(JSON.stringify({ activity_type: 'x'.repeat(10_000_000) }));
    const response = await fetch(`${bridge.url}/api/activity`, {
      method: 'POST', body, headers: { authorization: `Bearer ${bridge.token()}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    assert.equal(response.status, 400);
  });

  test('sends JSON that is deep by HTTP: refused with a reason', async () => {
    for (const body of [`{"metadata":${'['.repeat(50_000)}${']'.repeat(50_000)},"activity_type":"x"}`, `{"metadata":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`]) {
      const { status, body: { error } } = await ask(bridge, 'POST', '/api/activity', { body });
      assert.equal(status, 400);
      assert.match(error, /deep|nest/i);
    }
  });

  for (const [what, bytes] of Object.entries({
    'behind one with a length': () => `POST /api/activity HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`,
    'behind one without a body': () => 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
    'in the body of a GET': () => `GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n`,
  })) {
    test(`smuggles a request ${what}: only the first is answered`, async () => {
      const socket = await connectTcp(bridge);
      socket.send(`${bytes()}GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n`);
      await socket.untilClosed();
      assert.equal(socket.text.match(/HTTP\/1\.1 \d/g)?.length, 1, socket.text);
      assert.ok(!socket.text.includes('"events"'));
    });
  }

  test('drips the bytes of a frame, after an upgrade, without end: given up, since nothing was joined', async () => {
    const socket = await upgrade(bridge);
    socket.send(wireFrame({ opcode: 1, payload: '[', claimedLength: 900_000n }));
    await eventually('the bridge hangs up', () => {
      if (!socket.closed) socket.send('x');
      return socket.closed;
    });
  });

  test('walks out of the folders that are served: there is nothing', async () => {
    for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc%2fpasswd', '/\\..\\..\\etc\\passwd', '//etc/passwd', '/api/../metrics']) {
      const socket = await connectTcp(bridge);
      socket.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await socket.untilClosed();
      assert.match(socket.text, /^HTTP\/1\.1 4/, path);
    }
  });
});
