// Behaviour: on bad days the bridge says once what is wrong, goes on trying at a bounded rate, and is as before once they
// are over.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withDatabase } from './fixture.mjs';
import { ask } from './http-client.mjs';
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
