// Behaviour: who comes and goes in the database is heard by clients, with a worker and without one; so is typing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clients, withSubscription } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';

// Most of a test is the wait until something expires, so the clients wait at the same time.
inEachMode((mode) => {
  let database, bridge;
  withBridge({ mode, flags: ['--poll-interval', '1'] }, (made) => ({ database, bridge } = made));

  for (const client of clients) {
    test(`${client.name} hears that a user comes, and goes when the heartbeats end`, async () => {
      const user = uniqueName('user');
      await withSubscription(client, bridge, 'presence', async (subscription) => {
        await database.as(user, `live.heartbeat(gen_random_uuid(), ttl => '1 second')`);
        const statuses = () =>
          subscription.events.filter(({ payload }) => payload.user_id === user).map(({ payload }) => `${payload.previous_status}>${payload.status}`);
        await eventually('both events', () => statuses().length >= 2);
        assert.deepEqual(statuses(), ['offline>online', 'online>offline']);
      });
    });

    test(`${client.name} hears who is typing, and that nobody is any more`, async () => {
      const location = uniqueName('document');
      await withSubscription(client, bridge, `typing:${location}`, async (subscription) => {
        await database.as('anna', `live.set_typing('${location}', true)`);
        await eventually('both events', () => subscription.events.length >= 2);
        assert.deepEqual(subscription.events.map(({ payload }) => payload), [
          { location, user_ids: ['anna'] },
          { location, user_ids: [] },
        ]);
      });
    });
  }
}, { concurrency: clients.length });
