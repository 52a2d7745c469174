// Behaviour: the examples in JavaScript run as they stand in the README.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from './browser.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, freePort, startBridge } from './support.mjs';

const packageFolder = fileURLToPath(new URL('../../../bridge/client/', import.meta.url));
const { build } = createRequire(packageFolder)('esbuild');
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

  /** Serves a page with an example, bundled; returns what opens it as a user, whose token is in the address. */
  async function serve(example, body = '') {
    const port = await freePort();
    const contents = example.replaceAll('127.0.0.1:4000', `127.0.0.1:${port}`);
    const { outputFiles } = await build({ stdin: { contents, resolveDir: packageFolder }, bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error' });
    const directory = await mkdtemp(join(tmpdir(), 'pg_live_readme.'));
    closeLater({ close: () => rm(directory, { recursive: true }) });
    await writeFile(join(directory, 'index.html'), `<!doctype html><body>${body}<script type="module" src="./page.js"></script>`);
    await writeFile(join(directory, 'page.js'), `const userToken = () => location.hash.slice(1);\n${outputFiles[0].text}`);
    const ofPage = closeLater(await startBridge(database, { port, flags: ['--demo-dir', directory] }));
    const browser = closeLater(await launchBrowser());
    return async (user) => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${ofPage.url}/#${ofPage.token({ sub: user })}`);
      await page.locator('.cm-content').waitFor();
      return page;
    };
  }

  test('its page of elements shows who is there, what happened and a text', async () => {
    const elements = /^```html\n(.*?)^```$/ms.exec(readme)[1];
    const page = await (await serve(blockWith('provide(live)'), elements))('anna');
    await page.locator('presence-indicator :is([data-status=online], [data-status=busy])').waitFor(); // busy by the commands above
    await page.locator('online-users-list li', { hasText: 'anna' }).waitFor();
    await page.locator('activity-feed article', { hasText: 'anna liked book 7' }).waitFor();
    assert.equal((await database.as('anna', "(select count(*)::int from live.activity_stream where entity_id = '7')"))[0].value > 0, true);
  });

  test('two who open its page with an editor write one text', async () => {
    const open = await serve(blockWith('new EditorView'));
    const pages = [await open('anna'), await open('ben')];
    let written = '';
    for (const page of pages) {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('some words. ');
      written += 'some words. ';
      for (const each of pages) {
        await eventually(`it is shown: ${written}`, async () => (await each.locator('.cm-line').evaluate((line) => line.textContent)) === written);
      }
    }
    const [{ value }] = await database.as('anna', "live.get_document((live.join_session('minutes') ->> 'session_id')::uuid)");
    assert.equal(value, written);
  });
});
