// Behaviour: revoked tokens are refused by every bridge at once, and what was opened with them ends, with the reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, now, startBridge, uniqueName } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

inEachMode((mode) => {
  let database, bridge, other, prefix;
  const closeLater = withBridge({ mode, topics: {} }, async (made) => {
    ({ database, bridge, prefix } = made);
    other = made.closeLater(await startBridge(database, { secret: bridge.secret }));
  });

  const statusOf = async (at, token) => (await ask(at, 'GET', '/api/presence/online', { token })).status;
  const revokeUser = (user, time = "now() + interval '1 hour'") => database.query(`select live.revoke_tokens($1, ${time})`, [user]);

  async function open(at, token, apikey = token) {
    const socket = await RawSocket.open(at, { token: apikey });
    assert.equal((await socket.join(`realtime:${prefix}:x`, { access_token: token })).payload.status, 'ok');
    return socket;
  }

  async function endsChannel(socket) {
    const system = await socket.frame('a system message', (frame) => frame.event === 'system');
    assert.equal(system.payload.message, 'Token has been revoked');
    await socket.frame('phx_close', (frame) => frame.event === 'phx_close');
  }

  test("the sockets of a user's tokens are closed, at both bridges, and nobody else's", async () => {
    const [anna, ben] = [uniqueName('anna'), uniqueName('ben')];
    const token = bridge.token({ sub: anna, iat: now() });
    const sockets = await Promise.all([open(bridge, token), open(other, token)]);
    const witness = await open(bridge, bridge.token({ sub: ben, iat: now() }));
    await revokeUser(anna);
    for (const socket of sockets) {
      await endsChannel(socket);
      assert.deepEqual(await socket.untilClosed(), { code: 1008, reason: 'the token has been revoked' });
    }
    for (const at of [bridge, other]) {
      assert.equal(await statusOf(at, token), 401);
      assert.equal(await statusOf(at, bridge.token({ sub: anna })), 401, 'a token that does not say when it was issued');
      assert.equal(await statusOf(at, bridge.token({ sub: ben })), 200);
      await assert.rejects(RawSocket.open(at, { token }), (error) => error.status === 401 && /revoked/.test(error.body));
    }
    await database.emit(`${prefix}:x`, 'still here');
    await witness.broadcast(`realtime:${prefix}:x`, 'still here');
    assert.ok(!witness.frames.some((frame) => frame.event === 'phx_close'));
    witness.close();
  });

  test('of a socket with a key of the app only the channels of the revoked token end', async () => {
    const anna = uniqueName('anna');
    const socket = await open(bridge, bridge.token({ sub: anna, iat: now() - 10 }), bridge.anonKey);
    await revokeUser(anna, "now() - interval '5 seconds'");
    await endsChannel(socket);
    assert.ok(await socket.answers());
    const { payload } = await socket.join(`realtime:${prefix}:x`, { ref: '2', access_token: bridge.token({ sub: anna, iat: now() - 10 }) });
    assert.equal(payload.response.reason, 'InvalidJWTToken: Token has been revoked');
    assert.equal((await socket.join(`realtime:${prefix}:x`, { ref: '3', access_token: bridge.token({ sub: anna, iat: now() }) })).payload.status, 'ok', 'a later token');
    socket.close();
  });

  test('one token is revoked by its id, and the other tokens of its user are not', async () => {
    const anna = uniqueName('anna');
    const [one, two] = [1, 2].map((i) => bridge.token({ sub: anna, jti: `${anna}-${i}` }));
    const [first, second] = await Promise.all([open(other, one), open(other, two)]);
    await database.query("select live.revoke_token($1, now() + interval '1 hour')", [`${anna}-1`]);
    await first.untilClosed();
    assert.equal(await statusOf(other, one), 401);
    assert.equal(await statusOf(other, two), 200);
    assert.ok(await second.answers());
    second.close();
  });

  test('a request whose token is revoked while its body arrives is refused', async () => {
    const anna = uniqueName('anna');
    const token = bridge.token({ sub: anna, iat: now() });
    const body = '{"messages":[]}';
    const request = await connectTcp(bridge);
    request.send(`POST /api/broadcast HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`);
    assert.equal(await statusOf(bridge, token), 200, 'the head, which came earlier, was accepted too');
    await revokeUser(anna);
    await eventually('the bridge knows', async () => (await statusOf(bridge, token)) === 401);
    assert.equal(request.text, '', 'it waits for the body');
    request.send(body);
    await request.untilClosed();
    assert.match(request.text, /^HTTP\/1.1 401 [^]*Token has been revoked/);
  });

  test('a revoked user is no longer present', async () => {
    const anna = uniqueName('anna');
    const isPresent = async () => (await database.query('select from live.connection where user_id = $1', [anna])).rowCount === 1;
    const socket = await open(bridge, bridge.token({ sub: anna, iat: now() }));
    await eventually('anna is present', isPresent);
    await revokeUser(anna);
    await socket.untilClosed();
    await eventually('her connection has ended', async () => (await database.query("select from live.connection where user_id = $1 and expires_at > now() + interval '15 seconds'", [anna])).rowCount === 0);
  });

  test('what is rolled back revokes nothing', async () => {
    const anna = uniqueName('anna');
    const token = bridge.token({ sub: anna, iat: now() });
    const socket = await open(bridge, token);
    await database.query(`do $$ begin perform live.revoke_tokens('${anna}', now() + interval '1 hour'); raise exception 'undone'; exception when others then null; end $$`);
    await revokeUser(uniqueName('marker'));
    await database.emit(`${prefix}:x`, 'marker');
    await socket.broadcast(`realtime:${prefix}:x`, 'marker');
    assert.equal(await statusOf(bridge, token), 200);
    socket.close();
  });

  test('a bridge that starts later knows them', async () => {
    const anna = uniqueName('anna');
    await revokeUser(anna);
    const late = closeLater(await startBridge(database, { secret: bridge.secret, isUp: (starting) => eventually('it listens', () => starting.log.includes('listening')) }));
    assert.equal(await statusOf(late, bridge.token({ sub: anna, iat: now() })), 401);
  });

  // In the shared database this would cut off the bridges of other tests.
  if (mode === 'worker') return;
  test('a bridge that was cut off from the database learns what it missed', async () => {
    const anna = uniqueName('anna');
    const token = bridge.token({ sub: anna, iat: now() });
    const socket = await open(bridge, token);
    await database.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'live_bridge' and datname = current_database()");
    await revokeUser(anna);
    await socket.untilClosed();
    assert.equal(await statusOf(bridge, token), 401);
  });
});
