// Behaviour: the elements with a lot to show keep their place and stay light, and their keyboard and React forms work.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { launchBrowser } from './browser.mjs';
import { withDatabase } from './fixture.mjs';
import { makePageFolder, openAs, packageFolder } from './package_page.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';
import { violations } from './violations.mjs';

const { build } = createRequire(packageFolder)('esbuild');

describe('the elements', () => {
  let database, bridge, browser, folder;
  let pages = [];
  withDatabase({}, async (made) => {
    ({ database } = made);
    ({ folder } = made.closeLater(await makePageFolder()));
    bridge = made.closeLater(await startBridge(database, { flags: ['--demo-dir', folder] }));
    browser = made.closeLater(await launchBrowser());
  });
  afterEach(async () => {
    const opened = pages.splice(0);
    const problems = (await Promise.all(opened.map((page) => page.problemsSeen()))).flat();
    for (const page of opened) await page.close();
    assert.deepEqual(problems, []);
  });

  async function open(user, elements, options) {
    const page = await openAs(browser, bridge, user, { body: elements, ...options });
    pages.push(page);
    return page;
  }

  const logMany = (type, count, from = 0) =>
    database.as('eve', `(select count(*) from generate_series(${from}, ${from + count - 1}) as n, lateral (select live.log_activity('${type}', 'book', n::text)) as made)`);

  test('a feed of a thousand rows loads them as it is scrolled, and keeps its place while new ones arrive', async () => {
    const type = uniqueName('read');
    await logMany(type, 1000);
    const page = await open('anna', [['activity-feed', { types: type, 'page-size': 100 }]]);
    const rows = page.locator('activity-feed article');
    await rows.first().waitFor();
    await eventually('all are shown', async () => {
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      return (await rows.count()) === 1000;
    });
    assert.equal(new Set(await page.locator('activity-feed article p').allTextContents()).size, 1000);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
    const inView = () =>
      page.evaluate(() => {
        const all = [...document.querySelector('activity-feed').shadowRoot.querySelectorAll('article')];
        const first = all.find((row) => row.getBoundingClientRect().top >= 0);
        return [first.textContent.split(' ').slice(0, 4).join(' '), Math.round(first.getBoundingClientRect().top)];
      });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const before = await inView();
    await logMany(type, 20, 1000);
    const fresh = page.locator('activity-feed [part=new]', { hasText: '20 new' });
    await fresh.waitFor();
    const [row, top] = await inView();
    assert.equal(row, before[0]);
    assert.ok(Math.abs(top - before[1]) <= 2, `${top} is where ${before[1]} was`);
    await fresh.click();
    await page.locator('activity-feed article', { hasText: 'book 1019' }).waitFor();
  });

  test('a list of a thousand people has the rows in view, and goes by the keyboard to the last', async () => {
    const page = await open('anna', [['online-users-list', {}]]);
    await page.locator('online-users-list li', { hasText: 'anna (you)' }).waitFor();
    await page.evaluate(() => {
      const user = (n) => ({ user_id: `many${String(n + 1).padStart(4, '0')}`, status: 'online', custom_status: null, device_type: 'web', last_seen_at: null });
      const many = Array.from({ length: 1000 }, (_, n) => user(n));
      live.presence.setState({ users: new Map([...live.presence.getState().users, ...many.map((each) => [each.user_id, each])]) });
    });
    await page.locator('online-users-list .count', { hasText: /^1\d\d\d people$/ }).waitFor();
    assert.ok((await page.locator('online-users-list li').count()) < 40);
    await page.locator('online-users-list .open').first().focus();
    await page.keyboard.press('End');
    await page.locator('online-users-list li', { hasText: 'many1000' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.evaluate(() => document.addEventListener('user-message', ({ detail }) => (window.opened = detail.user_id)));
    await page.locator('online-users-list').getByRole('button', { name: 'Message many1000' }).click();
    assert.equal(await page.evaluate(() => window.opened), 'many1000');
  });

  test('a feed is walked with the keyboard, filtered, and grouped', async () => {
    const [liked, read] = [uniqueName('liked'), uniqueName('read')];
    for (const user of ['ben', 'clara', 'dora', 'eve']) await database.as(user, `live.log_activity('${liked}', 'book', '7')`);
    await database.as('ben', `live.log_activity('${read}', 'book', '8')`);
    const page = await open('anna', [['activity-feed', { types: `${liked},${read}`, filters: `${liked},${read}`, grouped: '' }]]);
    const rows = page.locator('activity-feed article');
    await eventually('the group is one row', async () => (await rows.count()) === 2);
    assert.match(await rows.nth(1).textContent(), /eve, dora and 2 others liked_\w+ book 7/);
    await rows.first().focus();
    await page.keyboard.press('PageDown');
    const focused = () => page.evaluate(() => document.activeElement.shadowRoot.activeElement.getAttribute('aria-posinset'));
    assert.equal(await focused(), '2');
    await page.evaluate(() => document.addEventListener('activity-open', ({ detail }) => (window.opened = detail.entity_id)));
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => window.opened), '8');
    await page.locator('activity-feed').getByRole('button', { name: read }).click();
    await eventually('one row is left', async () => (await rows.count()) === 1);
    assert.deepEqual(await violations(page), []);
  });

  test('the components of React show the same, and hooks render for nothing else', async () => {
    const type = uniqueName('liked');
    const { outputFiles } = await build({
      stdin: {
        resolveDir: packageFolder,
        contents: `
          import { createElement as h } from 'react';
          import { createRoot } from 'react-dom/client';
          import { ActivityFeed, CollaborativeEditor, LiveProvider, OnlineUsersList, PresenceIndicator, TypingIndicator, useActivityFeed, useOnlineUsers, usePresence, useTyping, useUnreadCount } from 'pg-live/react';
          import 'pg-live/editor';
          window.renders = { presence: 0, typing: 0 };
          const Presence = () => { renders.presence++; return h('output', { id: 'presence' }, usePresence('ben')?.status); };
          const Typing = () => { renders.typing++; return h('output', { id: 'typing' }, useTyping('react')[0].join()); };
          const Rest = () => h('output', { id: 'rest' }, useOnlineUsers().length, ' ', useActivityFeed({ types: ['${type}'] }).activities.length, ' ', useUnreadCount());
          createRoot(document.querySelector('main')).render(h(LiveProvider, { live: window.live },
            h(Presence), h(Typing), h(Rest), h(PresenceIndicator, { user: 'ben', label: true }), h(OnlineUsersList, { onUserMessage: ({ detail }) => (window.messaged = detail.user_id) }),
            h(ActivityFeed, { types: '${type}', sentence: ([{ user_id }]) => user_id + ' was here' }), h(TypingIndicator, { location: 'react' }), h(CollaborativeEditor, { room: '${type}', create: true })));`,
      },
      bundle: true, format: 'esm', target: 'es2022', write: false, define: { 'process.env.NODE_ENV': '"production"' },
    });
    await writeFile(join(folder, 'react.js'), outputFiles[0].text);
    const page = await openAs(browser, bridge, 'anna');
    await page.evaluate(() => import('./react.js'));
    await page.locator('collaborative-editor .cm-content').waitFor();
    await page.locator('#presence', { hasText: 'offline' }).waitFor();
    const before = await page.evaluate(() => ({ ...window.renders }));
    await database.as('eve', `live.log_activity('${type}', 'book', '7')`);
    await page.locator('activity-feed article', { hasText: 'eve was here' }).waitFor();
    await page.locator('#rest', { hasText: /^\d+ 1 0$/ }).waitFor();
    const other = await open('ben', []);
    await page.locator('#presence', { hasText: 'online' }).waitFor();
    await page.locator('presence-indicator [data-status=online]').waitFor();
    await page.locator('online-users-list').getByRole('button', { name: 'Message ben' }).click();
    assert.equal(await page.evaluate(() => window.messaged), 'ben');
    const after = await page.evaluate(() => window.renders);
    assert.deepEqual([after.presence - before.presence, after.typing - before.typing], [1, 0]);
    await other.isOnline();
    await page.close();
  });
});
