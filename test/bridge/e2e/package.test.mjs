// Behaviour: the package pg-live is what an app can install: its types are those of the extension, it has what its exports name,
// and it works with a bundler, with a strict type check, and on a server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { contract, readCommands } from '../../../bridge/client/generate.mjs';
import { sizes } from '../../../bridge/client/build.mjs';
import { withBridge } from './fixture.mjs';
import { packageFolder } from './package_page.mjs';

const run = promisify(execFile);
const { build } = createRequire(packageFolder)('esbuild');

describe('the contract of the package', () => {
  let database, bridge;
  withBridge({}, (made) => ({ database, bridge } = made));
  const query = async (text) => Object.values((await database.query(text)).rows[0])[0];

  test('is that of the extension and the bridge: "npm run generate" would change nothing', async () => {
    assert.equal(await readFile(join(packageFolder, 'src/core/contract.ts'), 'utf8'), await contract(query));
  });

  test('has the members that the bridge answers with', async () => {
    const types = await readFile(join(packageFolder, 'src/core/contract.ts'), 'utf8');
    const membersOf = (name) => [...new RegExp(`export interface ${name} \\{\n(.*?)\n\\}`, 's').exec(types)[1].matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member).sort();
    const headers = { Authorization: `Bearer ${bridge.token({ sub: 'anna' })}`, 'Content-Type': 'application/json' };
    const ask = async (method, path, body) => (await fetch(`${bridge.url}${path}`, { method, headers, body: body && JSON.stringify(body) })).json();
    const asBen = async (path) => (await fetch(`${bridge.url}${path}`, { headers: { Authorization: `Bearer ${bridge.token({ sub: 'ben' })}` } })).json();
    const made = await ask('POST', '/api/activity', { activity_type: 'liked', entity_type: 'book', entity_id: '7', visibility: 'users', audience: ['ben'] });
    const session = await ask('POST', '/api/collaboration/join', { room_name: 'contract', create_if_missing: true });
    await ask('PATCH', '/api/presence', { mode: 'auto' });
    await database.as('anna', "live.heartbeat('6b1f0b8e-9d53-4c6e-8f43-2f7a52f1c001', 'desktop')");
    const found = {
      Activity: made,
      Presence: await ask('GET', '/api/presence'),
      OnlineUser: (await ask('GET', '/api/presence/online')).users[0],
      Notification: (await asBen('/api/activity/notifications')).activities[0],
      FeedGroup: (await ask('GET', '/api/activity/groups')).groups[0],
      SessionSummary: (await ask('GET', '/api/collaboration/sessions')).sessions[0],
    };
    for (const [name, value] of Object.entries(found)) assert.deepEqual(Object.keys(value).sort(), membersOf(name), name);
    const details = membersOf('SessionDetails');
    assert.deepEqual(Object.keys(session).filter((member) => !details.includes(member)), []);
    assert.ok((await readCommands()).length > 20);
  });
});

describe('the package', () => {
  let folder, consumer, files;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pg_live_pack.'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: packageFolder });
    const answer = JSON.parse(stdout);
    const [packed] = Array.isArray(answer) ? answer : Object.values(answer);
    files = packed.files.map(({ path }) => path);
    consumer = join(folder, 'app');
    await mkdir(join(consumer, 'node_modules'), { recursive: true });
    await run('tar', ['-xzf', join(folder, packed.filename), '-C', join(consumer, 'node_modules')]);
    await run('mv', [join(consumer, 'node_modules/package'), join(consumer, 'node_modules/pg-live')]);
    for (const name of ['phoenix', 'zustand', 'react', 'react-dom', 'scheduler', '@codemirror', '@types', 'csstype', 'style-mod', 'w3c-keyname', 'crelt', '@marijn']) {
      await symlink(join(packageFolder, 'node_modules', name), join(consumer, 'node_modules', name));
    }
    await writeFile(join(consumer, 'package.json'), '{"type": "module"}');
  });
  after(() => rm(folder, { recursive: true }));

  const subpaths = ['', '/core', '/stores', '/elements', '/editor', '/react', '/standalone'];

  test('has the files that its exports name, no sources, and the version of the extension', async () => {
    const manifest = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
    for (const target of Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))) {
      if (typeof target === 'string' && target.startsWith('./') && !target.includes('*')) assert.ok(files.includes(target.slice(2)), target);
    }
    assert.deepEqual(files.filter((file) => !/^(lib|standalone)\/|^package\.json$/.test(file)), []);
    const control = await readFile(join(packageFolder, '../../extension/pg_live.control'), 'utf8');
    assert.equal(manifest.version, /default_version = '(.*)'/.exec(control)[1]);
  });

  test('core, stores and elements have less than 12 kB each, gzipped', async () => {
    for (const [part, size] of Object.entries(await sizes())) assert.ok(size < 12_000, `${part} has ${size} bytes`);
  });

  test('is bundled, and of the core alone only the core', async () => {
    const bundle = async (contents) =>
      (await build({ stdin: { contents, resolveDir: consumer }, bundle: true, minify: true, format: 'esm', write: false })).outputFiles[0].text;
    const whole = await bundle("import 'pg-live/elements'; import 'pg-live/editor'; import { LiveProvider } from 'pg-live/react'; console.log(LiveProvider);");
    for (const name of ['presence-indicator', 'collaborative-editor']) assert.match(whole, new RegExp(`\\w+\\("${name}",\\w+\\)`), `${name} is defined`);
    const core = await bundle("import { LiveClient } from 'pg-live'; console.log(LiveClient);");
    assert.doesNotMatch(core, /presence-indicator|pg_live:unread/);
  });

  test('passes a strict type check of an app, with the types of commands and events', async () => {
    await writeFile(join(consumer, 'app.ts'), `
      import { connect, createLiveStore, type Activity, type Routes } from 'pg-live';
      import { LiveClient } from 'pg-live/core';
      import 'pg-live/elements';
      import { ActivityFeed } from 'pg-live/react';
      import type { Session } from 'pg-live/session';
      const live = connect({ url: '/', token: async () => 'x' });
      const store = createLiveStore(live);
      const made: Promise<Activity> = store.getState().addActivity({ activity_type: 'liked' });
      // @ts-expect-error a mode that there is not
      void store.getState().updatePresence({ mode: 'gone' });
      // @ts-expect-error an argument that is missing
      void live.client.request('DELETE /api/activity', {});
      document.createElement('presence-indicator').user = 'anna';
      export type Answer = Routes['GET /api/activity']['answer'];
      export { made, LiveClient, ActivityFeed, type Session };`);
    const options = { strict: true, target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', lib: ['ES2022', 'DOM', 'DOM.Iterable'], noEmit: true, types: [] };
    await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['app.ts'] }));
    const compiler = join(packageFolder, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [compiler, '--project', consumer], { cwd: consumer }).catch((error) => error);
    assert.equal(stdout, '');
  });

  test('can be imported and rendered on a server', async () => {
    const program = join(consumer, 'server.mjs');
    await writeFile(program, `
      import { createElement } from 'react';
      import { renderToString } from 'react-dom/server';
      ${subpaths.map((subpath) => `import 'pg-live${subpath}';`).join('\n')}
      import { LiveProvider, PresenceIndicator, useActivityFeed, useOnlineUsers, usePresence, useTyping } from 'pg-live/react';
      const Page = () => {
        const shown = [useOnlineUsers().length, useActivityFeed().activities.length, usePresence('ben')?.status, useTyping('here')[0].length];
        return createElement('p', {}, JSON.stringify(shown), createElement(PresenceIndicator, { user: 'ben', label: true }));
      };
      console.log(renderToString(createElement(LiveProvider, { options: { url: 'http://localhost', token: () => '' } }, createElement(Page))));`);
    const { stdout, stderr } = await run(process.execPath, [pathToFileURL(program).pathname], { cwd: consumer });
    assert.equal(stderr, '');
    assert.equal(stdout.trim(), '<p>[0,0,null,0]<presence-indicator user="ben" label=""></presence-indicator></p>');
  });
});
