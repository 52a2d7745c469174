// Behaviour: the demo page in a real browser shows what was committed, and a visitor can cause an event by mouse or keyboard.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from './browser.mjs';
import { Carets } from '../../../bridge/client/lib/collaboration/carets.js';
import { mappingOf, selectionOf, sides } from '../../../bridge/client/lib/collaboration/codemirror_carets.js';
import { newestRealtime, subscribed } from './clients.mjs';
import { Author, TextEditor } from './editors.mjs';
import { withDatabase } from './fixture.mjs';
import { eventually, startBridge } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';
import { violations } from './violations.mjs';

const client = fileURLToPath(new URL('../../../bridge/client/', import.meta.url));

describe('the demo page', () => {
  let database, bridge;
  let directory;
  let browser;
  const closeLater = withDatabase({}, async (made) => {
    ({ database } = made);
    await database.query(await readFile(join(client, 'demo.sql'), 'utf8'));
    directory = await mkdtemp(join(tmpdir(), 'pg_live_demo.'));
    made.closeLater({ close: () => rm(directory, { recursive: true }) });
    await cp(join(client, 'dist'), directory, { recursive: true });
    bridge = made.closeLater(await startBridge(database, { flags: ['--demo-dir', directory] }));
    const users = { anna: bridge.token({ sub: 'anna' }), ben: bridge.token({ sub: 'ben' }) };
    await writeFile(join(directory, 'config.json'), JSON.stringify({ anonKey: bridge.anonKey, users }));
    browser = made.closeLater(await launchBrowser());
  });

  describe('in a browser', () => {
    let page;
    let problems;
    beforeEach(async () => {
      problems = [];
      page = await openPage();
    });
    afterEach(async () => {
      await page?.context().close();
      assert.deepEqual(problems, [], 'the page reports no problem and asks no other host');
    });

    async function openPage(query = '', settings = {}) {
      const context = await browser.newContext(settings);
      const opened = await context.newPage();
      opened.on('pageerror', (error) => problems.push(String(error)));
      opened.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      opened.on('request', (request) => new URL(request.url()).host === `127.0.0.1:${bridge.port}` || problems.push(request.url()));
      await opened.goto(`${bridge.url}/${query}`);
      await opened.locator('[data-testid=stream-state][data-state=live]').waitFor();
      return opened;
    }

    const left = (where) => where.locator('[data-pane=left]');
    const right = (where) => where.locator('[data-pane=right]');
    const eventOf = (where, text) => where.locator('[data-testid=event]', { hasText: text });

    test('two visitors write one note, which the database has', async () => {
      const other = await openPage('?user=ben');
      const editorOf = (where) => left(where).locator('[data-testid=note] .cm-content');
      await editorOf(page).click();
      await page.keyboard.type('one ');
      await editorOf(other).getByText('one').waitFor();
      await editorOf(other).click();
      await other.keyboard.press('Control+End');
      await other.keyboard.type('two');
      await editorOf(page).getByText('two').waitFor();
      await left(page).locator('[data-testid=note] [data-state=saved]').waitFor();
      const { rows: [{ document }] } = await database.query(`select live_private.document_text(id) as document from live.collaboration_sessions where room_name = 'note'`);
      assert.match(document, /one.*two/);
      await other.context().close();
    });

    test('the note shows where others are, with their names as text, and tells them where its visitor is', async () => {
      const name = '<b onmouseover="document.title = 1">eve</b>';
      const eve = closeLater(await Author.join(TextEditor, { bridge, user: name, room: { room_name: 'note', create_if_missing: true } }));
      const { session, editor: { view } } = eve;
      eve.editor.change({ from: 0, insert: 'shown ' });
      const carets = new Carets(session, { mappingOf, sides, selection: () => ({ ...selectionOf(view.state, session.version), anchor: 0, head: 5 }), changed: () => {} });
      const note = left(page).locator('[data-testid=note]');
      await note.locator('.pg-live-caret-name', { hasText: name }).waitFor();
      await note.locator('.pg-live-selection', { hasText: 'shown' }).waitFor();
      assert.equal(await note.locator('b').count(), 0);
      await note.locator('.cm-content').click();
      await page.keyboard.press('Control+Home');
      await eventually('eve sees the caret of the visitor', () => carets.all.some(({ userId, head }) => userId === 'anna' && head === 0));
      await eve.close();
      await note.locator('.pg-live-caret', { hasText: name }).waitFor({ state: 'detached' });
    });

    test('an event emitted in SQL appears, with its topic, name and position', async () => {
      await database.emit('room:lobby', 'greeting', { from: 'SQL', text: 'from a committed row' });
      const shown = eventOf(page, 'SQL: from a committed row');
      await shown.waitFor();
      assert.equal(await shown.getAttribute('data-topic'), 'room:lobby');
      assert.equal(await shown.getAttribute('data-event'), 'greeting');
      assert.match(await shown.getAttribute('data-position'), /^\d+-\d+$/);
    });

    test('an event on the topic activity appears', async () => {
      await database.emit('activity', 'activity:new', { activity_type: 'published', entity_id: 'book 7' });
      await eventOf(page, 'book 7').waitFor();
    });

    test('a click causes an event that another browser and a Node client receive', async () => {
      const other = await openPage('?user=ben');
      const subscription = await subscribed(newestRealtime, bridge, 'room:lobby', { claims: { sub: 'carl' } });
      await left(page).locator('[data-testid=text]').fill('hello from the page');
      await left(page).locator('[data-testid=send]').click();
      assert.deepEqual((await subscription.arrived('message')).payload, { from: 'anna', text: 'hello from the page' });
      await eventOf(page, 'anna: hello from the page').waitFor();
      await eventOf(other, 'anna: hello from the page').waitFor();
      await left(page).locator('[data-testid=outcome]', { hasText: 'Committed' }).waitFor();
      assert.equal(await left(page).locator('[data-testid=text]').inputValue(), '');
      await other.context().close();
      await subscription.close();
    });

    test('the keyboard is enough: to choose who one is, to write and to send', async () => {
      await left(page).locator('[data-testid=users] input:checked').focus();
      await page.keyboard.press('ArrowDown');
      await page.locator('[data-testid=stream-state][data-state=live]').waitFor();
      await eventually('the page is ben\u2019s', () => page.url().endsWith('?user=ben'));
      await left(page).locator('[data-testid=send]:enabled').waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.type('no mouse needed');
      await page.keyboard.press('Enter');
      await eventOf(page, 'ben: no mouse needed').waitFor();
    });

    test('two visitors side by side see each other type, read and write', async () => {
      await right(page).locator('online-users-list li', { hasText: 'Anna' }).waitFor();
      await left(page).locator('presence-indicator [data-status=online]').waitFor();
      await left(page).locator('[data-testid=text]').pressSequentially('about');
      await right(page).locator('typing-indicator', { hasText: 'Anna is typing' }).waitFor();
      await left(page).locator('.book').selectOption('Walden');
      await left(page).getByRole('button', { name: 'Finished' }).first().click();
      for (const pane of [left(page), right(page)]) await pane.locator('activity-feed article', { hasText: 'Anna finished Walden' }).waitFor();
      await left(page).locator('[data-testid=note] .cm-content').click();
      await page.keyboard.type('side by side ');
      await right(page).locator('[data-testid=note] .cm-content', { hasText: 'side by side' }).waitFor();
      await right(page).locator('[data-testid=note] .pg-live-caret-name', { hasText: 'Anna' }).first().waitFor();
    });

    test('an event that both visitors receive is one row, with the latency of each', async () => {
      await left(page).getByRole('button', { name: 'Liked' }).first().click();
      const row = page.locator('[data-testid=event][data-topic=activity]', { hasText: 'Anna liked Middlemarch' });
      for (const name of ['Anna', 'Ben']) await row.locator('.receiver').filter({ hasText: new RegExp(`^${name} \\d+ ms$`) }).waitFor();
      assert.equal(await row.count(), 1);
    });

    test('a visitor whose connection was cut has what was missed when it is back, and the other what was written meanwhile', async () => {
      await right(page).locator('[data-testid=note] [data-state=saved]').waitFor();
      await right(page).getByRole('button', { name: 'Cut the connection' }).click();
      await page.locator('[data-testid=stream-state][data-state=off]').waitFor();
      await right(page).locator('[data-testid=note] .cm-content').click();
      await page.keyboard.type('written offline ');
      await left(page).locator('.book').selectOption('Emma');
      await left(page).getByRole('button', { name: 'Started' }).first().click();
      const row = page.locator('[data-testid=event][data-topic=activity]', { hasText: 'Anna started Emma' });
      await row.locator('.receiver', { hasText: 'Anna' }).waitFor();
      assert.equal(await row.locator('.receiver', { hasText: 'Ben' }).count(), 0);
      await right(page).getByRole('button', { name: 'Connect again' }).click();
      await row.locator('.receiver', { hasText: 'Ben' }).waitFor();
      await right(page).locator('activity-feed article', { hasText: 'Anna started Emma' }).waitFor();
      await left(page).locator('[data-testid=note] .cm-content', { hasText: 'written offline' }).waitFor();
    });

    test('what a visitor wrote without a connection is submitted as theirs, though another one takes their place', async () => {
      await right(page).locator('[data-testid=note] [data-state=saved]').waitFor();
      await right(page).getByRole('button', { name: 'Cut the connection' }).click();
      await right(page).locator('[data-testid=note] .cm-content').click();
      await page.keyboard.insertText('by Ben alone');
      await right(page).getByRole('radio', { name: 'Anna' }).check();
      for (const pane of [left(page), right(page)]) await pane.locator('[data-testid=note] .cm-content', { hasText: 'by Ben alone' }).waitFor();
      const { rows } = await database.query("select user_id from live.operation where operation::text like '%by Ben alone%'");
      assert.deepEqual(rows, [{ user_id: 'ben' }]);
    });

    test('markup in an event is text', async () => {
      const markup = '<img src="https://example.org/x.png" onerror="document.title = 1"><script>document.title = 1</script>';
      await database.emit('room:lobby', '<b>bold</b>', { from: '<i>x</i>', text: markup });
      await database.emit('room:lobby', 'marker', { from: 'SQL', text: 'after the markup' });
      await eventOf(page, 'after the markup').waitFor();
      await eventOf(page, markup).waitFor();
      assert.equal(await page.locator('[data-testid=events] :is(img, script, b, i)').count(), 0);
      assert.equal(await page.title(), 'pg_live');
    });

    test('the page stays light: the oldest rows go', async () => {
      await database.query("select live.emit('room:lobby', 'many', to_jsonb(n)) from generate_series(1, 300) as n");
      await database.emit('room:lobby', 'marker', { from: 'SQL', text: 'after the many' });
      await eventOf(page, 'after the many').waitFor();
      assert.equal(await page.locator('[data-testid=event]').count(), 200);
    });

    test('the page says so when the bridge is gone, and comes back with it', async () => {
      const { port, secret } = bridge;
      await bridge.stop('SIGKILL');
      await page.locator('[data-testid=stream-state][data-state=waiting]').waitFor();
      assert.ok(await left(page).locator('[data-testid=send]').isDisabled());
      bridge = closeLater(await startBridge(database, { flags: ['--demo-dir', directory], port, secret }));
      await page.locator('[data-testid=stream-state][data-state=live]').waitFor({ timeout: 60_000 });
      await database.emit('room:lobby', 'again', { from: 'SQL', text: 'after the restart' });
      await eventOf(page, 'after the restart').waitFor();
      problems = problems.filter((problem) => !/WebSocket|ERR_CONNECTION/.test(problem));
    });

    test('it follows the dark theme, and moves nothing for those who want no motion', async () => {
      const style = (where, property) => where.evaluate((name) => getComputedStyle(document.body)[name], property);
      const dark = await openPage('', { colorScheme: 'dark', reducedMotion: 'reduce' });
      assert.notEqual(await style(dark, 'backgroundColor'), await style(page, 'backgroundColor'));
      await database.emit('room:lobby', 'still', { from: 'SQL', text: 'keep still' });
      const animation = await eventOf(dark, 'keep still').evaluate((row) => getComputedStyle(row).animationName);
      assert.equal(animation, 'none');
      await dark.context().close();
    });

    test('every control has a name, and what changes is announced', async () => {
      for (const pane of [left(page), right(page)]) {
        assert.equal(await pane.getByRole('textbox', { name: 'Say something to the club' }).count(), 1);
        assert.equal(await pane.getByRole('button', { name: 'Send' }).count(), 1);
        assert.equal(await pane.getByRole('group', { name: 'You are' }).getByRole('radio').count(), 2);
      }
      assert.deepEqual(await violations(page), []);
      assert.equal(await page.getByRole('status').first().textContent(), 'Live');
      assert.equal(await page.locator('[data-testid=events]').getAttribute('aria-live'), 'polite');
    });
  });

  for (const path of ['/../package.json', '/%2e%2e/package.json', '/assets/../../package.json', '/..%2f..%2fetc/passwd',
    '/%00', '/config.json%00.html', '//etc/passwd', '/assets/']) {
    test(`${path} leads nowhere outside the folder`, async () => {
      const socket = await connectTcp(bridge);
      socket.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${bridge.port}\r\nConnection: close\r\n\r\n`);
      await socket.untilClosed();
      assert.match(socket.text, /^HTTP\/1\.[01] [34]\d\d/);
      assert.ok(!/root:|"dependencies"/.test(socket.text));
    });
  }
});
