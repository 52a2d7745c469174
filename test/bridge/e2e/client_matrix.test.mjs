// Behaviour: each npm client that is served does all of the protocol's everyday work, unmodified: joins and refusals,
// broadcasts with and without ack and self, bytes, presence, tokens, leaving, a bridge that restarts, replay and resume.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { allClients } from './all_clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, now, startBridge } from './support.mjs';

const hour = 3600;
const isPhoenix = (client) => client.name.startsWith('phoenix');

describe('every npm client', () => {
  let database, bridge, prefix, witness, closeLater;
  withBridge({ flags: ['--public-channels'], topics: { receive: "topic not like '%:secret'", send: "topic not like '%:read-only'" } }, async (made) => {
    ({ database, bridge, prefix, closeLater } = made);
    witness = made.closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: 'witness' }) }));
  });

  /** What another socket hears on a topic: it joins, and returns the wire name. */
  async function watch(topic) {
    const wire = `realtime:${topic}`;
    assert.equal((await witness.join(wire, { ref: topic })).payload.status, 'ok');
    return wire;
  }

  /** A subscription that is up, of a client with these claims. */
  async function up(client, topic, config, claims) {
    const connection = client.connect(bridge, bridge.token(claims));
    const subscription = connection.subscribe(topic, config);
    await subscription.reported('SUBSCRIBED');
    return Object.assign(subscription, { connection });
  }

  describe('of them', { concurrency: 3 }, () => {
    for (const client of allClients) {
      const named = (what) => `${prefix}:${what}-${allClients.indexOf(client)}`;
      describe(client.name, () => {
        test('joins what it may receive, is told why it may not join what it may not, leaves, and joins again', async () => {
          const topic = named('join');
          const subscription = await up(client, topic);
          const { message } = await subscription.connection.subscribe(`${prefix}:secret`).reported('CHANNEL_ERROR');
          assert.match(message, /Unauthorized: You do not have permissions to read from this Channel topic: /);
          subscription.leave();
          await subscription.reported('CLOSED');
          const again = subscription.connection.subscribe(topic);
          await again.reported('SUBSCRIBED');
          await database.emit(topic, 'later');
          await again.arrived('later');
          assert.deepEqual(subscription.names(), []);
          await subscription.connection.close();
        });

        for (const ack of [true, false]) {
          test(`broadcasts to others and itself ${ack ? 'with' : 'without'} ack, and not to itself unless it asked for it`, async () => {
            const [own, silent] = [named(`own-${ack}`), named(`silent-${ack}`)];
            const [wireOwn, wireSilent] = [await watch(own), await watch(silent)];
            const loud = await up(client, own, { broadcast: { self: true, ack } });
            const quiet = loud.connection.subscribe(silent, { broadcast: { self: false, ack } });
            await quiet.reported('SUBSCRIBED');
            for (const subscription of [loud, quiet]) {
              const sent = subscription.send('said', { n: 1, text: 'ä\u{1f600}' });
              // phoenix waits for every reply, and none comes that was not asked for.
              if (ack || !isPhoenix(client)) assert.equal(await sent, 'ok');
            }
            await Promise.all([witness.broadcast(wireOwn, 'said'), witness.broadcast(wireSilent, 'said')]);
            assert.deepEqual((await loud.arrived('said')).payload, { n: 1, text: 'ä\u{1f600}' });
            await database.emit(silent, 'marker');
            await quiet.arrived('marker');
            assert.deepEqual(quiet.names(), ['marker']);
            await loud.connection.close();
          });
        }

        test('that asked for acks is not told "ok" for what it may not send', async () => {
          const subscription = await up(client, `${prefix}:read-only`, { broadcast: { ack: true } });
          assert.equal(await subscription.send('forbidden', {}), 'error');
          await subscription.connection.close();
        });

        test('broadcasts in a room of clients, with bytes where it knows them and undisturbed by them where not', async () => {
          const topic = `room of ${client.name}`;
          const config = { private: false, broadcast: { ack: true } };
          const [sender, receiver] = [await up(client, topic, config), await up(client, topic, config)];
          const other = await up(allClients[4], topic, config);
          const bytes = new Uint8Array([0, 1, 127, 128, 255]);
          if (client.binary) assert.equal(await sender.send('bytes', bytes.buffer), 'ok');
          assert.equal(await other.send('foreign bytes', bytes.buffer), 'ok');
          assert.equal(await sender.send('text', { n: 2 }), 'ok');
          assert.deepEqual((await receiver.arrived('text')).payload, { n: 2 });
          await other.arrived('text');
          if (client.binary) {
            for (const [subscription, event] of [[receiver, 'bytes'], [receiver, 'foreign bytes'], [other, 'bytes']])
              assert.deepEqual(new Uint8Array((await subscription.arrived(event)).payload), bytes);
          }
          for (const { connection } of [sender, receiver, other]) await connection.close();
        });

        test('is present for others with what it tracks, sees them, changes and goes', async () => {
          const topic = named('presence');
          const other = await up(allClients[4], topic, { presence: { key: 'other', enabled: true } }, { sub: 'other' });
          assert.equal(await other.track({ n: 0 }), 'ok');
          const subscription = await up(client, topic, { presence: { key: 'mine', enabled: true } }, { sub: `user-${client.name}` });
          await eventually('who was there before is seen', () => isDeepStrictEqual(subscription.members(), { other: [{ n: 0 }] }));
          for (const meta of [{ n: 1 }, { n: 2 }]) {
            assert.equal(await subscription.track(meta), 'ok');
            await eventually(`the other sees ${JSON.stringify(meta)}`, () => isDeepStrictEqual(other.members().mine, [meta]));
          }
          assert.equal(await subscription.untrack(), 'ok');
          const witnesses = client.keepsGhosts ? [other] : [subscription, other];
          await eventually('only the other is there', () => witnesses.every((each) => isDeepStrictEqual(each.members(), { other: [{ n: 0 }] })));
          await Promise.all([subscription.connection.close(), other.connection.close()]);
        });

        test('goes on with a fresh token when the old one ends, and hears the end of one that it does not replace', async () => {
          const short = { exp: now() + 4 };
          const subscription = await up(client, named('refreshed'), {}, short);
          const left = await up(client, named('expired'), {}, short);
          await subscription.connection.refresh(bridge.token({ exp: now() + hour }));
          await left.reported('CLOSED');
          assert.match(left.system.at(-1).message, /expired/i);
          await database.emit(named('refreshed'), 'still here');
          await subscription.arrived('still here');
          assert.deepEqual(subscription.statuses.map(({ status }) => status), ['SUBSCRIBED']);
          await Promise.all([subscription.connection.close(), left.connection.close()]);
        });

        test('gets what was missed: by replay since a time, and by resume from a position', async () => {
          const topic = named('history');
          const wire = await watch(topic);
          const began = Date.now() - hour * 1000;
          for (const event of ['e1', 'e2', 'e3']) await database.emit(topic, event);
          const { payload: { meta } } = await witness.broadcast(wire, 'e1');
          await witness.broadcast(wire, 'e3');
          const replayed = await up(client, topic, { broadcast: { replay: { since: began, limit: 2 } } });
          // realtime-js makes the config of a join itself, and passes on only what is in `broadcast`.
          const resumed = await up(client, topic, isPhoenix(client) ? { resume: meta.id } : { broadcast: { resume: meta.id } });
          await database.emit(topic, 'live');
          for (const subscription of [replayed, resumed]) {
            await subscription.arrived('live');
            assert.deepEqual(subscription.names(), ['e2', 'e3', 'live']);
            assert.deepEqual(subscription.events.map((event) => event.meta.replayed ?? false), [true, true, false]);
            await subscription.connection.close();
          }
        });
      });
    }
  });

  describe('whose bridge is killed and started again', () => {
    const open = [];
    before(async () => {
      const first = closeLater(await startBridge(database));
      for (const client of allClients) {
        const connection = client.connect(first, first.token());
        open.push({ client, connection, subscription: connection.subscribe(`${prefix}:restart`) });
      }
      await Promise.all(open.map(({ subscription }) => subscription.reported('SUBSCRIBED')));
      await first.stop('SIGKILL');
      closeLater(await startBridge(database, { port: first.port, secret: first.secret }));
    });
    for (const [index, { name, forgetsTopics }] of allClients.entries()) {
      test(`${name} comes back by itself and hears what follows`, async () => {
        const { connection } = open[index];
        if (forgetsTopics) {
          await eventually('it is connected again', () => connection.client.isConnected());
          await open[index].subscription.leave();
        }
        const subscription = forgetsTopics ? connection.subscribe(`${prefix}:restart`) : open[index].subscription;
        await eventually('an event arrives', async () => {
          await database.emit(`${prefix}:restart`, 'after');
          return subscription.names().includes('after');
        });
        await connection.close();
      });
    }
  });
});
