// Behaviour: an operator with the token sees what goes on and why somebody was refused; without it, nobody sees anything.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { launchBrowser } from './browser.mjs';
import { withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, freePort, startBridge, uniqueName } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

const token = 'a-token-of-sixteen-characters-or-more';

describe('the operator\u2019s page', () => {
  let database, prefix, bridge, url, folder, flags;
  const closeLater = withDatabase({}, async (made) => {
    ({ database, prefix } = made);
    folder = mkdtempSync(join(tmpdir(), 'pg_live_admin.'));
    made.closeLater({ close: () => rmSync(folder, { recursive: true }) });
    writeFileSync(join(folder, 'token'), `${token}\n`);
    const port = await freePort();
    flags = ['--metrics-port', `${port}`, '--admin-token-file', join(folder, 'token')];
    bridge = made.closeLater(await startBridge(database, { flags }));
    url = `http://127.0.0.1:${port}`;
  });
  const get = (path, authorization = `Bearer ${token}`) => fetch(`${url}${path}`, { headers: authorization ? { authorization } : {} });
  const state = async () => (await get('/admin/state')).json();
  const follow = async (of, name, after = 0) => {
    const response = await get(`/admin/events?${new URLSearchParams({ of, name, after })}`);
    assert.equal(response.status, 200);
    return response.json();
  };
  const joined = async (topic, claims) => {
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.token(claims) }));
    await socket.join(`realtime:${topic}`);
    return socket;
  };

  test('tells nothing without the token, and nothing at the port of clients', async () => {
    for (const path of ['/admin/state', '/admin/events?of=user&name=anna', '/admin/anything']) {
      for (const authorization of [null, 'Bearer wrong', `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, `Basic ${token}`, 'Bearer ']) {
        const response = await get(path, authorization);
        assert.equal(response.status, 401, `${path} ${authorization}`);
        assert.deepEqual(Object.keys(await response.json()), ['error']);
      }
    }
    for (const path of ['/admin', '/admin/state', '/admin/script.js']) {
      assert.equal((await fetch(`${bridge.url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status, 404);
    }
    assert.equal((await fetch(`${url}/admin/state?token=${encodeURIComponent(token)}`)).status, 401);
    assert.equal((await fetch(`${url}/admin/state`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status, 405);
  });

  test('shows topics with their channels, and connections for which bytes wait', async () => {
    const topic = `${prefix}:${uniqueName('shown')}`;
    const [slow] = [await joined(topic, { sub: 'slow-reader' }), await joined(topic)];
    slow.socket.pause();
    await eventually('bytes wait', async () => {
      await database.query("select live.emit($1, 'large', to_jsonb(repeat('x', 300000)))", [topic]);
      const { topics, slowest, totals } = await state();
      assert.equal(topics.find((each) => each.topic === topic)?.channels, 2);
      assert.ok(totals.connections >= 2);
      const [first] = slowest;
      return first?.user === 'slow-reader' && first.address === '127.0.0.1' && first['queued bytes'] > 0;
    });
    slow.close();
  });

  test('says why a connection, a request and a join were refused, and to whom', async () => {
    await assert.rejects(RawSocket.open(bridge, { token: 'forged' }), { status: 401 });
    assert.equal((await fetch(`${bridge.url}/api/activity`)).status, 401);
    const socket = await joined(`${prefix}:x`, { sub: 'carla' });
    assert.equal((await socket.join('realtime:secret', { ref: '9' })).payload.status, 'error');
    const refusals = await eventually('the join is told', async () => {
      const told = (await state()).refusals;
      return told.some(({ what }) => what === 'join') && told;
    });
    const [join] = refusals;
    assert.deepEqual([join.what, join.code, join.user, join.address, join.topic], ['join', '42501', 'carla', '127.0.0.1', 'secret']);
    assert.match(join.reason, /Unauthorized/);
    assert.ok(Math.abs(join.at - Date.now()) < 60_000);
    assert.ok(refusals.some(({ what, code, reason }) => what === 'connection' && code === '401' && /error/.test(reason)));
    assert.ok(refusals.some(({ what, code, topic }) => what === 'request' && code === '401' && topic === '/api/activity'));
  });

  test('shows the events of one topic as they pass, without their payloads', async () => {
    const topic = `${prefix}:${uniqueName('followed')}`;
    await joined(topic);
    assert.deepEqual(await follow('topic', topic), { next: 0, events: [] });
    await database.emit(topic, 'first', { secret: 1 });
    await database.emit(`${prefix}:other`, 'elsewhere');
    const { next, events } = await eventually('the event', async () => {
      const read = await follow('topic', topic);
      return read.next > 0 && read;
    });
    assert.equal(events.length, 1);
    const [{ position, ...rest }] = events;
    assert.match(position, /^\d+-\d+$/);
    assert.deepEqual(rest, { topic, event: 'first', durable: true, bytes: 13, receivers: 1 });
    assert.deepEqual((await follow('topic', topic, next)).events, []);
  });

  test('shows the events that reach one user', async () => {
    const topic = `${prefix}:${uniqueName('reached')}`;
    const [dora] = [await joined(topic, { sub: 'dora' }), await joined(topic)];
    await follow('user', 'dora');
    await follow('user', 'emil');
    await database.emit(topic, 'for_all');
    await dora.broadcast(`realtime:${topic}`, 'for_all');
    const { events } = await eventually('the event', async () => {
      const read = await follow('user', 'dora');
      return read.next > 0 && read;
    });
    assert.deepEqual(events.map(({ event, receivers }) => [event, receivers]), [['for_all', 1]]);
    assert.deepEqual((await follow('user', 'emil')).events, []);
  });

  test('keeps a hundred events of each topic, and follows eight at most', async () => {
    const topic = `${prefix}:${uniqueName('many')}`;
    await eventually('there is room', async () => (await get(`/admin/events?of=topic&name=${topic}`)).status === 200);
    await database.query("select live.emit($1, 'n', to_jsonb(n)) from generate_series(1, 250) n", [topic]);
    const { events } = await eventually('all have passed', async () => {
      const read = await follow('topic', topic);
      return read.next === 250 && read;
    });
    assert.equal(events.length, 100);
    const statuses = [];
    for (let n = 0; n < 9; n++) statuses.push((await get(`/admin/events?of=topic&name=${topic}-${n}`)).status);
    assert.equal(statuses.at(-1), 503);
  });

  test('asks for what it needs', async () => {
    for (const query of ['', '?of=topic', '?of=payload&name=x', '?name=x']) assert.equal((await get(`/admin/events${query}`)).status, 400, query);
  });

  test('runs no script but its own, and shows hostile names as text', async () => {
    const topic = `${prefix}:<img src=x onerror="document.title='broken'">`;
    await joined(topic, { sub: '<script>document.title="broken"</script>' });
    const socket = await joined(`${prefix}:y`, { sub: '"><svg onload=alert(1)>' });
    await socket.join('realtime:<b>forbidden</b>', { ref: '7' });
    const page = await fetch(`${url}/admin`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
    assert.doesNotMatch(await page.text(), /<script>|<style>| on\w+=|javascript:/);
    const browser = closeLater(await launchBrowser());
    const tab = await browser.newPage();
    const problems = [];
    tab.on('pageerror', (error) => problems.push(error.message));
    tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await tab.goto(`${url}/admin`);
    await tab.fill('#token', token);
    await tab.click('#entry button');
    await tab.waitForSelector('#topics td');
    assert.ok((await tab.textContent('#topics')).includes(topic));
    assert.ok((await tab.textContent('#refusals')).includes('<b>forbidden</b>'));
    assert.equal(await tab.locator('main img, main svg, main b, main script').count(), 0);
    assert.equal(await tab.title(), 'pg_live bridge');
    assert.deepEqual(problems.filter((text) => !/favicon/.test(text)), []);
  });

  test('is not there unless a token is set, and a bridge does not start with a bad one', async () => {
    const port = await freePort();
    const other = closeLater(await startBridge(database, { flags: ['--metrics-port', `${port}`] }));
    assert.equal((await fetch(`http://127.0.0.1:${port}/admin`)).status, 404);
    await other.stop();
    writeFileSync(join(folder, 'short'), 'short');
    writeFileSync(join(folder, 'two'), 'two words, and more than sixteen characters');
    for (const [file, words] of [['short', /at least 16 characters/], ['two', /no white space/], ['none', /could not read the token/]]) {
      const bad = ['--metrics-port', `${await freePort()}`, '--admin-token-file', join(folder, file)];
      await assert.rejects(startBridge(database, { flags: bad }), (error) => words.test(error.message) && /"code":1/.test(error.message));
    }
  });

  test('shows payloads where the operator has said so', async () => {
    const port = await freePort();
    const other = closeLater(await startBridge(database, { flags: ['--metrics-port', `${port}`, '--admin-token-file', join(folder, 'token'), '--admin-payloads'] }));
    const topic = `${prefix}:${uniqueName('open')}`;
    const read = async () => (await fetch(`http://127.0.0.1:${port}/admin/events?of=topic&name=${topic}`, { headers: { authorization: `Bearer ${token}` } })).json();
    await read();
    await database.emit(topic, 'seen', { a: 1 });
    const { events } = await eventually('the event', async () => {
      const answer = await read();
      return answer.next > 0 && answer;
    });
    assert.deepEqual(events[0].payload, { a: 1 });
    await other.stop();
  });

  test('does not hold up a client, however many ask at once', async () => {
    const half = [];
    for (let n = 0; n < 20; n++) half.push(await connectTcp({ port: new URL(url).port }));
    const socket = await joined(`${prefix}:z`);
    assert.ok(await socket.answers());
    for (const each of half) each.destroy();
  });
});
