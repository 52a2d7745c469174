// Behaviour: a bridge that knows several servers goes to the one that takes writes. Clients lose nothing when a standby
// that has everything takes over, and are told to start over when it lacks what they have had.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { modes, openDatabase } from './database.mjs';
import { RawSocket } from './raw-socket.mjs';
import { Relay } from './relay.mjs';
import { eventually, startBridge } from './support.mjs';

for (const mode of modes) {
  describe(`${mode} mode`, () => {
    let primary, database, prefix;
    const opened = [];
    const closeLater = (each) => (opened.push(each), each);

    before(async () => {
      primary = closeLater(await Cluster.start());
      database = await openDatabase(mode, primary.server);
      prefix = await database.topics();
    });
    // The database goes with its clusters.
    after(async () => {
      for (const each of opened.reverse()) await (each.stop ? each.stop() : each.close());
    });

    /** A standby of the primary, a bridge that knows both, each behind a network of its own, and a client. */
    async function withStandby(name) {
      const replication = closeLater(await Relay.before({ port: database.server.port }));
      const standby = closeLater(await primary.startStandby(replication.port));
      const [front, back] = [closeLater(await Relay.before(database.server)), closeLater(await Relay.before(standby.server))];
      const bridgeConninfo = `host=127.0.0.1,127.0.0.1 port=${front.port},${back.port} user=live_bridge dbname=${database.name} target_session_attrs=read-write connect_timeout=2`;
      const bridge = closeLater(await startBridge({ bridgeConninfo }, { flags: ['--statement-timeout', '2'] }));
      const socket = await RawSocket.open(bridge);
      const topic = `realtime:${prefix}:${name}`;
      await socket.join(topic);
      const emit = async (event) => {
        await database.emit(`${prefix}:${name}`, event);
        return (await socket.broadcast(topic, event)).payload.meta.id;
      };
      return { standby, replication, front, bridge, socket, topic, emit };
    }

    const isReplayed = async () => (await database.query(
      'select 1 from pg_stat_replication where replay_lsn >= pg_current_wal_lsn()')).rowCount > 0;

    /** The standby takes over; what is written from now on is written there. */
    async function promote(standby) {
      await standby.promote();
      database.server = standby.server;
      await eventually('the new primary answers', () => database.reconnect());
      primary = standby;
    }

    const names = ({ socket, topic }) => socket.broadcasts(topic).map(({ payload }) => payload.event);

    for (const [what, fail] of [
      ['stops', () => primary.pause()],
      ['falls silent', (world) => world.front.breakAllSilently('both')],
    ]) {
      test(`the primary ${what}: its standby is found, and clients lose nothing`, async () => {
        const world = await withStandby(what.replace(' ', '-'));
        await world.emit('before');
        await eventually('the standby has it', isReplayed);
        await fail(world);
        await promote(world.standby);
        await world.emit('after');
        assert.deepEqual(names(world), ['before', 'after']);
        assert.ok(!world.socket.frames.some(({ event }) => event === 'phx_error'));
        await eventually('another client may join', async () => {
          const other = await RawSocket.open(world.bridge);
          const { status } = (await other.join(world.topic)).payload;
          other.close();
          return status === 'ok';
        });
        world.socket.close();
      });
    }

    test('a standby takes over that lacks what clients have had: they are told to start over', async () => {
      const world = await withStandby('behind');
      const kept = await world.emit('kept');
      await eventually('the standby has it', isReplayed);
      world.replication.breakAllSilently('both');
      const gone = await world.emit('gone');
      await primary.restart('immediate').then(() => primary.pause());
      await promote(world.standby);
      const told = await world.socket.frame('it is told', ({ event, topic }) => event === 'phx_error' && topic === world.topic);
      assert.match(JSON.stringify(told.payload), /earlier state/);
      for (const [resume, answer] of [[gone, 'lost'], [kept, 'ok']]) {
        const again = await RawSocket.open(world.bridge);
        const joined = await eventually('it joins', async () => {
          const { payload } = await again.join(world.topic, { ref: `${again.frames.length}`, config: { resume } });
          return payload.status === 'ok' && payload.response;
        });
        assert.equal(joined.resume, answer);
        again.close();
      }
      world.socket.close();
    });
  });
}
