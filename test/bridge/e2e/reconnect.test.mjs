// Behaviour: the bridge loses its database, wholly or for a moment, and its clients lose nothing: not their connection,
// not their channels, not one durable event.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modes } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge } from './support.mjs';

for (const mode of modes) {
  describe(`${mode} mode, on a cluster of its own`, () => {
    let cluster, database, bridge, prefix;
    withBridge({ cluster: [], mode }, (made) => ({ cluster, database, bridge, prefix } = made));

    async function joined(name) {
      const socket = await RawSocket.open(bridge);
      const reply = await socket.join(`realtime:${prefix}:${name}`);
      assert.equal(reply.payload.status, 'ok');
      return socket;
    }

    const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => `e${from + index}`);

    async function emitRange(name, from, to) {
      for (const event of range(from, to)) await database.emit(`${prefix}:${name}`, event);
    }

    /** Waits for the last of `count` events and checks that all arrived, in order, once, each under a position of its own. */
    async function receivesExactly(socket, name, count) {
      const topic = `realtime:${prefix}:${name}`;
      await socket.broadcast(topic, `e${count}`);
      const frames = socket.broadcasts(topic);
      assert.deepEqual(frames.map((frame) => frame.payload.event), range(1, count));
      assert.equal(new Set(frames.map((frame) => frame.payload.meta.id)).size, count);
    }

    const bridgeConnections = `from pg_stat_activity where usename = 'live_bridge' and datname = current_database()`;

    test('all its connections are cut again and again while events flow', async () => {
      const socket = await joined('cut');
      for (let round = 0; round < 10; round++) {
        await emitRange('cut', round * 40 + 1, round * 40 + 20);
        const { rows } = await database.query(`select count(pg_terminate_backend(pid)) as cut ${bridgeConnections}`);
        await emitRange('cut', round * 40 + 21, round * 40 + 40);
        assert.ok(round > 0 || Number(rows[0].cut) > 0, 'there were connections to cut');
        await eventually('the bridge is back', async () => (await database.query(`select 1 ${bridgeConnections}`)).rowCount > 0);
      }
      await receivesExactly(socket, 'cut', 400);
      assert.equal(socket.closed, null);
      socket.close();
    });

    test('joins and sends work again after a cut', async () => {
      await database.query(`select pg_terminate_backend(pid) ${bridgeConnections}`);
      const socket = await RawSocket.open(bridge);
      const topic = `realtime:${prefix}:after-cut`;
      let attempt = 0;
      await eventually('a join is accepted', async () => {
        attempt += 1;
        return (await socket.join(topic, { ref: `${attempt}`, config: { broadcast: { self: true, ack: true } } })).payload.status === 'ok';
      });
      await eventually('a broadcast is accepted', async () => {
        attempt += 1;
        socket.send(null, `${attempt}`, topic, 'broadcast', { type: 'broadcast', event: 'said', payload: {} });
        return (await socket.reply(`${attempt}`)).payload.status === 'ok';
      });
      await socket.broadcast(topic, 'said');
      socket.close();
    });

    for (const [what, shutdown] of [
      ['is restarted', 'fast'],
      ['crashes and recovers', 'immediate'],
    ]) {
      test(`the database ${what}: what was committed before and after arrives, once`, async () => {
        const name = `restart-${shutdown}`;
        const socket = await joined(name);
        await emitRange(name, 1, 50);
        await cluster.restart(shutdown);
        await eventually('the database answers', () => database.reconnect());
        await emitRange(name, 51, 100);
        await receivesExactly(socket, name, 100);
        assert.equal(socket.closed, null);
        await eventually('the bridge says it is ready', async () => (await fetch(`${bridge.url}/readyz`)).status === 200);
        socket.close();
      });
    }

    test('a backend is killed with -9 again and again while events flow', async () => {
      const rounds = 6;
      const socket = await joined('killed');
      for (let round = 0; round < rounds; round++) {
        const victim = await database.connect();
        const { rows } = await victim.query('select pg_backend_pid() as pid');
        await emitRange('killed', round * 100 + 1, round * 100 + 50);
        // Until the server has ended all sessions, it would accept a new one only to end it too.
        const ended = new Promise((resolve) => database.main.once('end', resolve));
        process.kill(rows[0].pid, 'SIGKILL');
        await ended;
        await eventually('the database is back from its crash', () => database.reconnect());
        await emitRange('killed', round * 100 + 51, round * 100 + 100);
        await socket.broadcast(`realtime:${prefix}:killed`, `e${round * 100 + 100}`);
      }
      await receivesExactly(socket, 'killed', rounds * 100);
      socket.close();
    });

    test('readiness says what is true: not ready while the database is away, alive all the while', async () => {
      const away = await startBridge(database);
      await cluster.pause();
      await eventually('not ready', async () => (await fetch(`${away.url}/readyz`)).status === 503);
      assert.equal((await fetch(`${away.url}/healthz`)).status, 200);
      await cluster.resume();
      await eventually('the database answers', () => database.reconnect());
      await away.ready();
      await away.stop();
    });
  });
}
