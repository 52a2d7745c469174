// Behaviour: on bad days the bridge says once what is wrong, goes on trying at a bounded rate, and is as before once they
// are over.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge, withDatabase } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { Relay } from './relay.mjs';
import { eventually, now, startBridge, uniqueName } from './support.mjs';

/** How often a line of the bridge's log has all of these texts. */
const lines = (bridge, ...texts) => bridge.log.split('\n').filter((line) => texts.every((text) => line.includes(text))).length;

describe('while the database is away', () => {
  let cluster, database;
  withDatabase({ cluster: [], mode: 'worker' }, (made) => ({ cluster, database } = made));

  test('that the revoked tokens cannot be read is said once, and what was revoked is known once they can', async () => {
    const bridge = await startBridge(database, { flags: ['--statement-timeout', '1'] });
    await cluster.pause();
    await eventually('reads have failed several times', () => lines(bridge, 'could not connect', '"own 1"') >= 7);
    assert.equal(lines(bridge, 'could not read the revoked tokens'), 1);
    await cluster.resume();
    await eventually('the database answers', () => database.reconnect());
    const anna = uniqueName('anna');
    await database.query("select live.revoke_tokens($1, now() + interval '1 hour')", [anna]);
    const token = bridge.token({ sub: anna, iat: now() });
    await eventually('they were read', () => lines(bridge, 'the revoked tokens could be read again') === 1);
    await eventually('her token is refused', async () => (await ask(bridge, 'GET', '/api/presence/online', { token })).status === 401);
    assert.equal(lines(bridge, 'could not read the revoked tokens'), 1);
    await bridge.stop();
  });
});

describe('when all clients come back at once', () => {
  let database, bridge, prefix;
  withBridge({ cluster: [] }, (made) => ({ database, bridge, prefix } = made));

  test('each is let in, each misses nothing, and the database sees no more connections than before', async () => {
    const relay = await Relay.before(bridge);
    const users = Array.from({ length: 400 }, (_, number) => `${prefix}-${number}`);
    const topic = `realtime:${prefix}:storm`;
    const enter = async (sub, config = {}) => {
      const socket = await RawSocket.open(relay, { token: bridge.token({ sub }) });
      const { status, response } = (await socket.join(topic, { config })).payload;
      assert.equal(status, 'ok', JSON.stringify(response));
      return socket;
    };
    const sockets = await Promise.all(users.map((user) => enter(user)));
    await database.emit(`${prefix}:storm`, 'before');
    const { payload } = await sockets[0].broadcast(topic, 'before');
    const connections = async () =>
      (await database.query("select count(*)::integer as n from pg_stat_activity where usename = 'live_bridge'")).rows[0].n;
    const before = await connections();
    relay.cut();
    await Promise.all(sockets.map((socket) => socket.untilClosed()));
    await database.emit(`${prefix}:storm`, 'meanwhile');
    let isBack = false;
    const most = (async () => {
      for (let highest = 0; ; highest = Math.max(highest, await connections())) if (isBack) return highest;
    })();
    const returned = await Promise.all(users.map((user) => enter(user, { resume: payload.meta.id })));
    await Promise.all(returned.map((socket) => socket.broadcast(topic, 'meanwhile')));
    isBack = true;
    assert.equal(await most, before);
    for (const socket of returned) assert.equal(socket.broadcasts(topic).length, 1);
    for (const socket of returned) socket.close();
    relay.close();
  });
});
