// Behaviour: the elements of the package in a browser, over a bridge and a database.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { launchBrowser } from './browser.mjs';
import { withDatabase } from './fixture.mjs';
import { makePageFolder, openAs, show } from './package_page.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';
import { violations } from './violations.mjs';

describe('the elements', () => {
  let database, bridge, browser;
  let pages = [];
  const closeLater = withDatabase({}, async (made) => {
    ({ database } = made);
    const { folder } = made.closeLater(await makePageFolder());
    bridge = made.closeLater(await startBridge(database, { flags: ['--demo-dir', folder] }));
    browser = made.closeLater(await launchBrowser());
  });

  async function open(user, elements, options) {
    const page = await openAs(browser, bridge, user, { body: elements, ...options });
    pages.push(page);
    return page;
  }

  afterEach(async () => {
    const opened = pages.splice(0);
    const problems = (await Promise.all(opened.map((page) => page.problemsSeen()))).flat();
    for (const page of opened) await page.close();
    assert.deepEqual(problems, []);
  });

  const log = (user, type, entity, metadata = {}) =>
    database.as(user, `(live.log_activity('${type}', 'book', '${entity}', '${JSON.stringify(metadata).replaceAll("'", "''")}')).id`);

  test('a user appears as online, changes, and disappears when the page is closed', async () => {
    const [anna, ben] = [uniqueName('anna'), uniqueName('ben')];
    const page = await open(anna, [['presence-indicator', { user: ben, label: '' }], ['online-users-list', {}]]);
    const dot = page.locator('presence-indicator [role=img]');
    await page.locator(`presence-indicator [role=img][aria-label*="offline"]`).waitFor();
    const other = await open(ben, []);
    await page.locator('presence-indicator [data-status=online]').waitFor();
    await page.locator('online-users-list li', { hasText: ben }).waitFor();
    await other.evaluate(() => window.live.presence.getState().update({ mode: 'busy', custom_status: 'reading' }));
    await page.locator('presence-indicator [data-status=busy]').waitFor();
    assert.match(await dot.getAttribute('aria-label'), new RegExp(`^${ben}: busy, reading`));
    assert.deepEqual(await violations(page), []);
    await other.evaluate(() => window.live.disconnect());
    await page.locator('presence-indicator [data-status=offline]').waitFor();
    await page.locator('online-users-list li', { hasText: ben }).waitFor({ state: 'detached' });
  });

  test('typing shows, with several names, and hides when it ends', async () => {
    const location = uniqueName('book');
    const page = await open('anna', [['typing-indicator', { location }]]);
    const other = await open('ben', [['input', { id: 'comment', 'aria-label': 'Comment' }], ['typing-indicator', { location, for: 'comment' }]]);
    for (const each of [page, other]) await each.waitForFunction((name) => window.live.client.topic(`typing:${name}`).isJoined, location);
    await other.locator('#comment').pressSequentially('hello');
    await page.locator('typing-indicator', { hasText: 'ben is typing' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await eventually('it hides', async () => (await page.locator('typing-indicator p').textContent()) === '');
  });

  test('an activity logged in SQL appears in two pages, and its markup is text', async () => {
    const type = uniqueName('liked');
    const markup = '<img src=x onerror="document.title=1"><script>document.title = 1</script>';
    const feed = [['activity-feed', { types: type }]];
    const [page, other] = [await open('anna', feed), await open('ben', feed)];
    for (const each of [page, other]) await each.locator('activity-feed .end:visible').waitFor();
    assert.deepEqual(await violations(page), []);
    await log(`<b>eve</b>`, type, '7', { title: markup });
    for (const each of [page, other]) {
      await each.locator('activity-feed article', { hasText: markup }).waitFor();
      assert.equal(await each.locator('activity-feed :is(img, script, b)').count(), 0);
      assert.equal(await each.title(), 'test');
    }
    assert.deepEqual(await violations(page), []);
  });

  test('two people edit one text, and both have it saved', async () => {
    const room = uniqueName('minutes');
    const editor = [['collaborative-editor', { room, create: '', label: 'Minutes' }]];
    const [page, other] = [await open('anna', editor), await open('ben', editor)];
    for (const each of [page, other]) await each.locator('collaborative-editor .cm-content').waitFor();
    await page.locator('.cm-content').click();
    await page.keyboard.type('one ');
    await other.locator('.cm-content', { hasText: 'one' }).waitFor();
    await other.locator('.cm-content').click();
    await other.keyboard.press('Control+End');
    await other.keyboard.type('two');
    await page.locator('.cm-content', { hasText: 'one two' }).waitFor();
    for (const each of [page, other]) await each.locator('collaborative-editor [data-state=saved]').waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('collaborative-editor').value), 'one two');
    await page.locator('.pg-live-caret-name', { hasText: 'ben' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+z');
    for (const each of [page, other]) await eventually('what anna wrote is undone, and not what ben did', () => each.evaluate(() => document.querySelector('collaborative-editor').value === 'two'));
  });

  test('a value of a form is the text of its editor; a viewer can read it and not write it', async () => {
    const room = uniqueName('minutes');
    await database.as('ben', `live.create_session('${room}', initial_document => 'Minutes', is_public => true)`);
    const page = await open('anna', [['form', {}]]);
    await page.evaluate((name) => {
      const editor = document.createElement('collaborative-editor');
      for (const [attribute, value] of Object.entries({ room: name, name: 'text', readonly: '' })) editor.setAttribute(attribute, value);
      document.querySelector('form').append(editor);
    }, room);
    await page.locator('collaborative-editor [data-state=readonly]').waitFor();
    assert.equal(await page.evaluate(() => new FormData(document.querySelector('form')).get('text')), 'Minutes');
    assert.equal(await page.locator('.cm-content').getAttribute('contenteditable'), 'false');
    assert.deepEqual(await violations(page), []);
  });

  test('while nothing has answered they say that they load, in the texts of the app', async () => {
    const all = [['activity-feed', {}], ['online-users-list', {}], ['presence-indicator', { user: 'ben' }], ['typing-indicator', { location: 'x' }], ['collaborative-editor', { room: 'x' }]];
    const page = await open('anna', []);
    await page.route('**/api/**', () => {});
    await show(page, all);
    for (const name of ['activity-feed', 'online-users-list']) await page.locator(`${name} [part~=loading]`, { hasText: 'Loading' }).waitFor();
    await page.locator('collaborative-editor [data-state=loading]').waitFor();
    await page.locator('presence-indicator [data-status=unknown]').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.evaluate(() => pgLive.setTexts({ loading: 'Einen Augenblick …' }));
    await show(page, [['activity-feed', { types: 'none' }]]);
    await page.locator('activity-feed [part~=loading]', { hasText: 'Augenblick' }).waitFor();
  });

  test('a worker keeps the time of a page in the background', async () => {
    const page = await open('anna', []);
    await page.isOnline();
    await eventually('the worker runs, which the policy of the page allows', () => page.workers().length === 1);
    await page.evaluate(() => live.disconnect());
    await eventually('it is ended', () => page.workers().length === 0);
  });
});
