// Behaviour: the examples in JavaScript run as they stand in the README.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from './database.mjs';
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
  const receiving = blockWith('new RealtimeClient');
  const connecting = receiving.slice(0, receiving.indexOf('client.channel'));
  let database;
  let bridge;
  let page;
  before(async () => {
    database = await openDatabase('in-transaction');
    bridge = await startBridge(database);
    const members = await database.topics({ receive: "live.user_id() = 'anna'" });
    await database.query('select live.set_topic_rule($1, $2::regprocedure, $2::regprocedure)', ['room:*', `${members}.receive(text)`]);
  });
  after(async () => {
    await page?.close();
    await bridge?.stop();
    await database?.close();
  });

  test('its client receives as the user, and comes back after a break, with a key in the address that is not of the user', async () => {
    page = new Page(bridge, receiving);
    for (const text of ['hello', 'welcome back']) {
      await eventually(`${text} is printed`, async () => {
        await database.emit('room:lobby', 'greeting', { text });
        return page.output.includes(text);
      });
      assert.match(page.output, new RegExp(`^\\d+-\\d+ \\{ text: '${text}' \\}$`, 'm'));
      await bridge.stop();
      bridge = await startBridge(database, { secret: bridge.secret, port: bridge.port });
    }
    const addresses = [...page.output.matchAll(/^connects to (.*)$/gm)].map(([, address]) => new URL(address));
    assert.ok(addresses.length > 1);
    for (const address of addresses) assert.equal(address.searchParams.get('apikey'), page.anonKey);
    await page.close();
  });

  test('its client is seen in the channel', async () => {
    page = new Page(bridge, connecting, blockWith('channel.track'));
    await page.prints(/\{ anna: \[.*cursor: 3/s);
    assert.deepEqual(await database.channelMembers('room:lobby', 'anna'), { anna: [{ cursor: 3 }] });
    await page.close();
  });

  test('its commands are carried out in the database', async () => {
    page = new Page(bridge, connecting, blockWith('activity:new'));
    await page.prints(/^anna liked$/m);
    const { rows } = await database.query(`
      select p.mode, p.custom_status, (select count(*)::int from live.activity_stream a where a.user_id = 'anna' and a.activity_type = 'liked') as liked,
        exists (select from live.fetch_events(0) e where e.topic = 'typing:document:7' and e.payload -> 'user_ids' = '["anna"]') as typed
      from live.user_presence p where p.user_id = 'anna'`);
    assert.deepEqual(rows, [{ mode: 'busy', custom_status: 'in a meeting', liked: 1, typed: true }]);
    await page.close();
  });
});
