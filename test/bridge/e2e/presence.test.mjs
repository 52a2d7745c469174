// Behaviour: who comes and goes in the database is heard by clients, with a worker and without one; so is typing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clients } from './clients.mjs';
import { inEachMode, openDatabase } from './database.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

inEachMode((mode) => {
  let database;
  let bridge;
  before(async () => {
    database = await openDatabase(mode);
    bridge = await startBridge(database, { flags: ['--poll-interval', '1'] });
  });
  after(async () => {
    await bridge?.stop();
    await database?.close();
  });

  async function withClient(client, topic, work) {
    const connection = client.connect(bridge, bridge.token());
    try {
      const subscription = connection.subscribe(topic);
      await subscription.reported('SUBSCRIBED');
      await work(subscription);
    } finally {
      await connection.close();
    }
  }

  for (const client of clients) {
    test(`${client.name} hears that a user comes, and goes when the heartbeats end`, async () => {
      const user = uniqueName('user');
      await withClient(client, 'presence', async (subscription) => {
        await database.as(user, `live.heartbeat(gen_random_uuid(), ttl => '1 second')`);
        const statuses = () =>
          subscription.events.filter(({ payload }) => payload.user_id === user).map(({ payload }) => `${payload.previous_status}>${payload.status}`);
        await eventually('both events', () => statuses().length >= 2);
        assert.deepEqual(statuses(), ['offline>online', 'online>offline']);
      });
    });

    test(`${client.name} hears who is typing, and that nobody is any more`, async () => {
      const location = uniqueName('document');
      await withClient(client, `typing:${location}`, async (subscription) => {
        await database.as('anna', `live.set_typing('${location}', true)`);
        await eventually('both events', () => subscription.events.length >= 2);
        assert.deepEqual(subscription.events.map(({ payload }) => payload), [
          { location, user_ids: ['anna'] },
          { location, user_ids: [] },
        ]);
      });
    });
  }
});
