// Behaviour: what the package does when things go wrong: a bridge that goes away, tokens that end, servers that answer nonsense,
// storage that is forbidden, and pages that use it badly. A visible state, one line on the console, no unhandled rejection.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { launchBrowser } from './browser.mjs';
import { withDatabase } from './fixture.mjs';
import { makePageFolder, openAs } from './package_page.mjs';
import { eventually, now, startBridge, uniqueName } from './support.mjs';
import { violations } from './violations.mjs';

describe('the package, when things go wrong', () => {
  let database, bridge, browser, flags;
  let pages = [];
  const closeLater = withDatabase({}, async (made) => {
    ({ database } = made);
    const { folder } = made.closeLater(await makePageFolder());
    flags = ['--demo-dir', folder, '--allowed-origin', '*'];
    bridge = made.closeLater(await startBridge(database, { flags }));
    browser = made.closeLater(await launchBrowser());
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
  });

  async function open(user, elements, options) {
    const page = await openAs(browser, bridge, user, { body: elements, ...options });
    pages.push(page);
    return page;
  }

  /** A page that says what is wrong on one line of the console each, and rejects nothing unhandled. */
  async function saysOnce(page, ...patterns) {
    const problems = await page.problemsSeen();
    for (const pattern of patterns) assert.equal(problems.filter((problem) => pattern.test(problem)).length, 1, `${pattern} in ${JSON.stringify(problems)}`);
    assert.deepEqual(problems.filter((problem) => !/^pg-live: /.test(problem)), []);
  }

  const log = (type, entity) => database.as('eve', `live.log_activity('${type}', 'book', '${entity}')`);

  test('a bridge that restarts in the middle: the page says so, keeps what it shows, and misses nothing', async () => {
    const [type, room] = [uniqueName('read'), uniqueName('room')];
    const page = await open('anna', [['activity-feed', { types: type }], ['presence-indicator', { user: 'anna' }], ['online-users-list', {}], ['collaborative-editor', { room, create: '', label: 'Text' }]]);
    await log(type, 'before');
    await page.locator('activity-feed article', { hasText: 'before' }).waitFor();
    await page.locator('collaborative-editor .cm-content').click();
    await page.keyboard.type('online ');
    await page.locator('collaborative-editor [data-state=saved]').waitFor();
    await page.evaluate(() => {
      window.heard = [];
      live.client.on('lost', () => heard.push('lost'));
      live.client.on('restored', () => heard.push('restored'));
    });
    const { port, secret } = bridge;
    await bridge.stop('SIGKILL');
    await page.locator('activity-feed [part~=lost]').waitFor();
    await page.locator('presence-indicator .stale').waitFor();
    await page.locator('activity-feed article', { hasText: 'before' }).waitFor();
    await page.locator('collaborative-editor [data-state=offline]').waitFor();
    await page.keyboard.type('offline');
    assert.deepEqual(await violations(page), []);
    for (let n = 0; n < 30; n++) await log(type, `meanwhile${n}`);
    bridge = closeLater(await startBridge(database, { flags, port, secret }));
    await page.locator('activity-feed article', { hasText: 'meanwhile29' }).waitFor({ timeout: 60_000 });
    await eventually('all are there, each once', async () => {
      const shown = await page.locator('activity-feed article p').allTextContents();
      return shown.length === 31 && new Set(shown).size === 31;
    });
    await page.locator('collaborative-editor [data-state=saved]').waitFor();
    const [{ value }] = await database.as('anna', `live.get_document((live.join_session('${room}') ->> 'session_id')::uuid)`);
    assert.equal(value, 'online offline');
    assert.deepEqual(await page.evaluate(() => window.heard), ['lost', 'restored']);
    await saysOnce(page, /no connection to/);
  });

  test('a token is asked for again before it ends, and nothing is missed', async () => {
    const type = uniqueName('liked');
    const end = now() + 6;
    const page = await open('anna', [['activity-feed', { types: type }]], { token: bridge.token({ sub: 'anna', exp: end }) });
    await page.waitForFunction(() => live.client.topic('activity').isJoined);
    await page.evaluate((fresh) => (window.token = fresh), bridge.token({ sub: 'anna' }));
    await page.waitForFunction((seconds) => Date.now() > seconds * 1000 + 1000, end);
    await log(type, 'later');
    await page.locator('activity-feed article', { hasText: 'later' }).waitFor();
    assert.equal(await page.evaluate(() => live.connection.getState().state), 'online');
    assert.deepEqual(await page.problemsSeen(), []);
  });

  test('a token that ended, and a new one only later: the page joins again by itself, and gets what it missed', async () => {
    const type = uniqueName('liked');
    const page = await open('anna', [['activity-feed', { types: type }]], { token: bridge.token({ sub: 'anna', exp: now() + 4 }) });
    await page.waitForFunction(() => live.client.topic('activity').isJoined);
    await page.waitForFunction(() => !live.client.topic('activity').isJoined);
    await log(type, 'missed');
    await page.evaluate((fresh) => (window.token = fresh), bridge.token({ sub: 'anna' }));
    await page.locator('activity-feed article', { hasText: 'missed' }).waitFor();
  });

  test('a server that is not there, and one that answers HTML: the element says why, and offers to try again', async () => {
    const html = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' });
      response.end('<!doctype html><p>hello');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => html.once('listening', resolve));
    closeLater({ close: () => html.close() });
    const servers = { 'http://127.0.0.1:1': /cannot be reached/, [`http://127.0.0.1:${html.address().port}`]: /something else than JSON/ };
    for (const [url, says] of Object.entries(servers)) {
      const page = await open('anna', [['activity-feed', {}], ['online-users-list', {}], ['typing-indicator', { location: 'x' }], ['presence-indicator', { user: 'ben' }], ['collaborative-editor', { room: 'x' }]], { url });
      for (const place of ['activity-feed', 'online-users-list']) await page.locator(`${place} [role=alert]`, { hasText: says }).waitFor();
      await page.locator('collaborative-editor [data-state=error]', { hasText: says }).waitFor();
      await page.locator('presence-indicator [data-status=unknown]').waitFor();
      assert.deepEqual(await violations(page), []);
      assert.ok(await page.locator('activity-feed').getByRole('button', { name: 'Try again' }).isVisible());
      await saysOnce(page, /no connection to/);
    }
  });

  test('nonsense and events of a newer version are passed over, and the rest goes on', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'phoenix' });
    closeLater({ close: () => server.close() });
    server.on('connection', (socket) => socket.on('message', (data) => {
      const [join, ref, topic, event] = JSON.parse(data);
      socket.send(JSON.stringify([join, ref, topic, 'phx_reply', { status: 'ok', response: {} }]));
      if (event !== 'phx_join' || topic !== 'activity') return;
      const sent = (payload) => socket.send(JSON.stringify([null, null, topic, 'broadcast', payload]));
      for (const text of ['no json', '{}', '[1]', 'null', '[null,null,"activity","broadcast",null]']) socket.send(text);
      sent({ event: 'activity:new', payload: null });
      sent({ event: 'activity:new', payload: { id: 'seven' } });
      sent({ event: 'activity:renamed', payload: { of: 'a newer version' }, meta: { id: 'later' } });
      sent({ event: 'activity:new', payload: { id: 9_000_007, user_id: {}, activity_type: ['x'], created_at: 'never', metadata: 4, surplus: true } });
      const good = { event: 'activity:new', payload: { id: 9_000_008, user_id: 'ben', activity_type: 'arrived', entity_type: null, entity_id: null, metadata: {}, created_at: new Date().toISOString() } };
      const again = setInterval(() => sent(good), 50); // a load of the state takes away what the database does not have
      socket.on('close', () => clearInterval(again));
    }));
    const page = await open('anna', []);
    await page.evaluate((address) => {
      window.WebSocket = new Proxy(WebSocket, { construct: (Real, [, protocols]) => new Real(address, protocols) });
      const other = pgLive.connect({ url: location.origin, token: () => window.token });
      document.querySelector('main').append(Object.assign(document.createElement('activity-feed'), { live: other }));
    }, `ws://127.0.0.1:${server.address().port}`);
    await page.locator('activity-feed article', { hasText: 'ben arrived' }).waitFor();
    await saysOnce(page, /no message of Phoenix/, /it has no id/, /reading 'id'/, /an event without a name/);
  });

  test('a token callback that rejects, or hangs: the state says so', async () => {
    const page = await open('anna', []);
    await page.evaluate(() => {
      const broken = (token) => Object.assign(document.createElement('activity-feed'), { live: pgLive.connect({ url: location.origin, token }) });
      document.querySelector('main').append(broken(() => Promise.reject(new Error('signed out'))), broken(() => 7), broken(() => new Promise(() => {})));
    });
    const notices = page.locator('activity-feed [role=alert]');
    await notices.filter({ hasText: 'gave no token: signed out' }).waitFor();
    await notices.filter({ hasText: 'gave no token: it is no text' }).waitFor();
    await notices.filter({ hasText: 'gave no token: no answer within' }).waitFor();
    await saysOnce(page, /signed out/, /no text/, /no answer within/);
  });

  test('storage that is full or forbidden: the number of unread notifications is counted without', async () => {
    const page = await open('anna', []);
    await page.evaluate(() => {
      const refuse = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
      Object.defineProperty(window, 'localStorage', { get: refuse });
      document.querySelector('main').append(Object.assign(document.createElement('activity-feed'), { id: 'own' }));
      document.querySelector('#own').setAttribute('source', 'notifications');
    });
    await page.locator('activity-feed .end:visible').waitFor();
    await database.as('eve', "live.log_activity('recommended', 'book', '7', visibility => 'users', audience => '{anna}')");
    await page.locator('activity-feed [part=unread-count]', { hasText: '1 unread' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.locator('activity-feed').getByRole('button', { name: 'Mark all as read' }).click();
    await page.locator('activity-feed [part=unread-count]').waitFor({ state: 'detached' });
    await saysOnce(page, /full or forbidden/);
  });

  test('two copies of the package on one page, an element that is moved while it loads, and attributes of the wrong type', async () => {
    const page = await open('anna', [['activity-feed', { 'page-size': 'many' }], ['online-users-list', { height: '-1' }], ['presence-indicator', { user: '' }], ['typing-indicator', {}], ['collaborative-editor', {}]]);
    await page.evaluate(async () => {
      const feed = document.querySelector('activity-feed');
      const place = document.createElement('section');
      document.querySelector('main').append(place);
      place.append(feed);
      feed.nameOf = 7;
      feed.sentence = 'no function';
      await import('./pg-live.js');
    });
    await page.locator('section activity-feed .end:visible, section activity-feed article').first().waitFor();
    await page.locator('collaborative-editor [data-state=error]', { hasText: 'room or session is missing' }).waitFor();
    await saysOnce(page, /<activity-feed> is defined already/);
  });
});
