// Behaviour: the examples in JavaScript run as they stand in the README.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { eventually, startBridge } from './support.mjs';

const here = new URL('.', import.meta.url);
const readme = await readFile(new URL('../../../README.md', here), 'utf8');
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
const blockWith = (text) => blocks.find((block) => block.includes(text)) ?? assert.fail(`no example with ${text}`);

/** Runs examples as a page would, with the names that they leave to the app; `lines` is what they print. */
class Page {
  output = '';

  constructor(bridge, ...examples) {
    this.anonKey = bridge.anonKey;
    const program = `
      import WebSocket from 'ws';
      // Which browsers have, and this Node may not.
      globalThis.WebSocket = class extends WebSocket {
        constructor(address) {
          super(address);
          console.log('connects to', address);
        }
      };
      const anonKey = ${JSON.stringify(this.anonKey)};
      const userToken = () => ${JSON.stringify(bridge.token())};
      ${examples.join('\n')}`
      .replace("'@supabase/realtime-js'", "'realtime-js-2.119'")
      .replace('127.0.0.1:4000', `127.0.0.1:${bridge.port}`);
    this.process = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (piece) => (this.output += piece));
  }

  prints(pattern) {
    return eventually(`it prints ${pattern}`, () => pattern.exec(this.output)).catch((error) => {
      throw new Error(`${error.message}; it printed:\n${this.output}`);
    });
  }

  close() {
    this.process.kill();
    return this.exited;
  }
}

describe('the README', () => {
  let database, bridge;
  const receiving = blockWith('new RealtimeClient');
  const connecting = receiving.slice(0, receiving.indexOf('client.channel'));
  const closeLater = withBridge({ mode: 'in-transaction' }, async (made) => {
    ({ database, bridge } = made);
    const members = await database.topics({ receive: "live.user_id() = 'anna'" });
    await database.query('select live.set_topic_rule($1, $2::regprocedure, $2::regprocedure)', ['room:*', `${members}.receive(text)`]);
  });

  test('its client receives as the user, and comes back after a break, with a key in the address that is not of the user', async () => {
    const page = closeLater(new Page(bridge, receiving));
    for (const text of ['hello', 'welcome back']) {
      await eventually(`${text} is printed`, async () => {
        await database.emit('room:lobby', 'greeting', { text });
        return page.output.includes(text);
      });
      assert.match(page.output, new RegExp(`^\\d+-\\d+ \\{ text: '${text}' \\}$`, 'm'));
      await bridge.stop();
      bridge = closeLater(await startBridge(database, { secret: bridge.secret, port: bridge.port }));
    }
    const addresses = [...page.output.matchAll(/^connects to (.*)$/gm)].map(([, address]) => new URL(address));
    assert.ok(addresses.length > 1);
    for (const address of addresses) assert.equal(address.searchParams.get('apikey'), page.anonKey);
  });

  test('its client is seen in the channel', async () => {
    const page = closeLater(new Page(bridge, connecting, blockWith('channel.track')));
    await page.prints(/\{ anna: \[.*cursor: 3/s);
    assert.deepEqual(await database.channelMembers('room:lobby', 'anna'), { anna: [{ cursor: 3 }] });
  });

  test('its commands are carried out in the database', async () => {
    const page = closeLater(new Page(bridge, connecting, blockWith('activity:new')));
    await page.prints(/^anna liked$/m);
    const { rows } = await database.query(`
      select p.mode, p.custom_status, (select count(*)::int from live.activity_stream a where a.user_id = 'anna' and a.activity_type = 'liked') as liked,
        exists (select from live.fetch_events(0) e where e.topic = 'typing:document:7' and e.payload -> 'user_ids' = '["anna"]') as typed
      from live.user_presence p where p.user_id = 'anna'`);
    assert.deepEqual(rows, [{ mode: 'busy', custom_status: 'in a meeting', liked: 1, typed: true }]);
  });
});
