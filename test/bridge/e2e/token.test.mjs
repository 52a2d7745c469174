// Behaviour: who a connection is, and until when: tokens at the upgrade, at the join, refreshed and run out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newestRealtime } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, now, sign, unsignedToken } from './support.mjs';

describe('a token', () => {
  let database, bridge, prefix;
  withBridge({ topics: { receive: "topic not like '%:anna' or live.user_id() is not distinct from 'anna'" } }, (made) => ({ database, bridge, prefix } = made));

  const hour = 3600;
  const otherKey = 'another secret of quite sufficient length, yes';
  const bad = {
    'no token': { make: () => null, says: /^API key is missing$/ },
    'an expired token': { make: () => bridge.token({ exp: now() - hour }), says: /expired/i },
    'a token that is not valid yet': { make: () => bridge.token({ nbf: now() + hour }), says: /valid/i },
    'a token of another key': { make: () => sign({ sub: 'anna' }, otherKey), says: /signature/i },
    'a token with alg none': { make: () => unsignedToken({ sub: 'anna' }), says: /./ },
    'a signed token that says alg none': { make: () => sign({ sub: 'anna' }, bridge.secret, { alg: 'none' }), says: /./ },
    'a token of an algorithm without a key here': { make: () => sign({}, bridge.secret, { alg: 'RS256', typ: 'JWT' }), says: /./ },
    'a token without a role': { make: () => bridge.token({ role: undefined }), says: /role/ },
    'a token without an end': { make: () => bridge.token({ exp: undefined }), says: /exp/ },
    'a token whose role is a number': { make: () => bridge.token({ role: 7 }), says: /role/ },
    'a token whose end is a text': { make: () => bridge.token({ exp: 'never' }), says: /exp/ },
    'what is no token': { make: () => 'not a token', says: /token|JWT/i },
    'a token cut short': { make: () => bridge.token().slice(0, -3), says: /./ },
    'a token of four parts': { make: () => `${bridge.token()}.x`, says: /./ },
    'a token of ten thousand letters': { make: () => `${'a'.repeat(10_000)}.b.c`, says: /./ },
  };

  for (const [what, { make, says }] of Object.entries(bad)) {
    test(`${what} is refused at the upgrade, with the reason`, async () => {
      const refusal = await RawSocket.open(bridge, { token: make() }).then(
        () => assert.fail('the upgrade was accepted'),
        (error) => error,
      );
      assert.equal(refusal.status, 401, refusal.message);
      assert.match(JSON.parse(refusal.body).error, says);
    });

    if (what === 'no token') continue;
    test(`${what} is refused at a join, with the reason, and the connection lives on`, async () => {
      const socket = await RawSocket.open(bridge);
      const { payload } = await socket.join(`realtime:${prefix}:x`, { access_token: make() });
      assert.equal(payload.status, 'error');
      assert.match(payload.response.reason, says);
      assert.equal(payload.response.code, '28000');
      assert.ok(await socket.answers());
      socket.close();
    });

    test(`${what} as a fresh token of a channel ends the channel, with the reason`, async () => {
      const topic = `realtime:${prefix}:x`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      socket.send('1', '2', topic, 'access_token', { access_token: make() });
      const system = await socket.frame('a system message', (frame) => frame.event === 'system');
      assert.equal(system.payload.status, 'error');
      assert.match(system.payload.message, says);
      await socket.frame('phx_close', (frame) => frame.event === 'phx_close' && frame.topic === topic);
      assert.ok(await socket.answers());
      socket.close();
    });
  }

  test('the token of the join decides, not the one of the upgrade', async () => {
    const socket = await RawSocket.open(bridge, { token: bridge.anonKey });
    const topic = `realtime:${prefix}:anna`;
    assert.equal((await socket.join(topic, { ref: '1' })).payload.status, 'error');
    assert.equal((await socket.join(topic, { ref: '2', access_token: bridge.token() })).payload.status, 'ok');
    socket.close();
  });

  test('claims of the token are what the rule sees', async () => {
    const claims = await database.topics({ receive: "live.claim('team') is not distinct from 'blue'" });
    const socket = await RawSocket.open(bridge, { token: bridge.token({ team: 'blue' }) });
    assert.equal((await socket.join(`realtime:${claims}:x`, { ref: '1' })).payload.status, 'ok');
    const other = await RawSocket.open(bridge, { token: bridge.token({ team: 'red' }) });
    assert.equal((await other.join(`realtime:${claims}:x`, { ref: '1' })).payload.status, 'error');
    socket.close();
    other.close();
  });

  test('a role that the bridge may not become is refused, and takes nobody else down', async () => {
    const socket = await RawSocket.open(bridge);
    for (const [index, role] of ['postgres', 'live_bridge', 'no such role', ''].entries()) {
      const { payload } = await socket.join(`realtime:${prefix}:x`, { ref: `${index}`, access_token: bridge.token({ role }) });
      assert.equal(payload.status, 'error', `role "${role}"`);
    }
    assert.equal((await socket.join(`realtime:${prefix}:x`, { ref: 'good' })).payload.status, 'ok');
    socket.close();
  });

  test('a fresh token of a user who may not receive ends the channel', async () => {
    const topic = `realtime:${prefix}:anna`;
    const socket = await RawSocket.open(bridge);
    const witness = await RawSocket.open(bridge);
    await Promise.all([socket.join(topic), witness.join(topic)]);
    socket.send('1', '2', topic, 'access_token', { access_token: bridge.token({ sub: 'ben' }) });
    const system = await socket.frame('a system message', (frame) => frame.event === 'system');
    assert.match(system.payload.message, /permission/i);
    await socket.frame('phx_close', (frame) => frame.event === 'phx_close');
    await database.emit(`${prefix}:anna`, 'too late');
    await witness.broadcast(topic, 'too late');
    assert.ok(await socket.answers());
    assert.deepEqual(socket.broadcasts(topic), []);
    socket.close();
    witness.close();
  });

  test('the end of a token ends the channels of an open connection', async () => {
    const topic = `realtime:${prefix}:short`;
    const token = bridge.token({ exp: now() + 3 });
    const socket = await RawSocket.open(bridge);
    assert.equal((await socket.join(topic, { access_token: token })).payload.status, 'ok');
    const system = await socket.frame('a system message', (frame) => frame.event === 'system');
    assert.equal(system.payload.status, 'error');
    assert.match(system.payload.message, /expired/i);
    await socket.frame('phx_close', (frame) => frame.event === 'phx_close' && frame.topic === topic);
    socket.close();
  });

  test('a channel lives on with a fresh token when the old one ends', async () => {
    const socket = await RawSocket.open(bridge);
    const token = bridge.token({ exp: now() + 3 });
    await socket.join(`realtime:${prefix}:refreshed`, { ref: '1', access_token: token });
    await socket.join(`realtime:${prefix}:left-alone`, { ref: '2', access_token: token });
    socket.send('1', '3', `realtime:${prefix}:refreshed`, 'access_token', { access_token: bridge.token({ exp: now() + hour }) });
    await socket.frame('the other channel ends', (frame) => frame.event === 'phx_close' && frame.topic === `realtime:${prefix}:left-alone`);
    await database.emit(`${prefix}:refreshed`, 'still here');
    await socket.broadcast(`realtime:${prefix}:refreshed`, 'still here');
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_close' && frame.topic === `realtime:${prefix}:refreshed`));
    socket.close();
  });

  test('null and opaque keys as a fresh token change nothing', async () => {
    const topic = `realtime:${prefix}:opaque`;
    const socket = await RawSocket.open(bridge);
    await socket.join(topic);
    for (const token of [null, 'sb_publishable_x', 'sb_secret_x']) socket.send('1', '2', topic, 'access_token', { access_token: token });
    assert.ok(await socket.answers());
    await database.emit(`${prefix}:opaque`, 'still here');
    await socket.broadcast(topic, 'still here');
    assert.ok(!socket.frames.some((frame) => frame.event === 'system' || frame.event === 'phx_close'));
    socket.close();
  });

  test('realtime-js refreshes its token while events flow', async () => {
    const connection = newestRealtime.connect(bridge, bridge.token({ exp: now() + 3 }));
    const subscription = connection.subscribe(`${prefix}:client`);
    await subscription.reported('SUBSCRIBED');
    await connection.refresh(bridge.token({ exp: now() + hour }));
    const old = await RawSocket.open(bridge);
    await old.join(`realtime:${prefix}:old`, { access_token: bridge.token({ exp: now() + 4 }) });
    await old.frame('a token as short as the first one ends', (frame) => frame.event === 'phx_close');
    await database.emit(`${prefix}:client`, 'still here');
    await subscription.arrived('still here');
    assert.equal(subscription.status, 'SUBSCRIBED');
    await connection.close();
    old.close();
  });

  test('no token and no payload is written to the log', async () => {
    const token = bridge.token({ sub: 'log-reader' });
    const socket = await RawSocket.open(bridge, { token });
    await socket.join(`realtime:${prefix}:log`, { access_token: token });
    await database.emit(`${prefix}:log`, 'e', { secret: 'xyzzy-payload' });
    await socket.broadcast(`realtime:${prefix}:log`, 'e');
    socket.close();
    await eventually('the log speaks of the connection', () => bridge.log.length > 0);
    assert.ok(!bridge.log.includes(token.split('.')[2]) && !bridge.log.includes('xyzzy-payload'));
    assert.ok(!bridge.log.includes(bridge.secret));
  });
});
