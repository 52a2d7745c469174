// Owns a page that uses the package as a site without a bundler does: a folder with the single file, served by a bridge, under a
// Content-Security-Policy that allows no inline style or script, and with Trusted Types.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageFolder = fileURLToPath(new URL('../../../bridge/client/', import.meta.url));

const policy = "default-src 'self'; connect-src *; base-uri 'none'; form-action 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types pg-live";

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>test</title><meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="page.css"><script type="module" src="page.js"></script></head><body><main><h1>Test</h1></main></body></html>`;

/** The page's own script: the package as window.pgLive, a connection as window.live, of the user whose token is in the address. */
const script = `import * as pgLive from './pg-live-full.js';
const asked = new URLSearchParams(location.hash.slice(1));
window.pgLive = pgLive;
window.problems = [];
addEventListener('unhandledrejection', ({ reason }) => problems.push('unhandled: ' + reason));
document.addEventListener('securitypolicyviolation', ({ violatedDirective, sourceFile, sample }) => problems.push('policy: ' + violatedDirective + ' ' + sample));
window.token = asked.get('token');
window.live = pgLive.connect({ url: asked.get('url') ?? location.origin, token: () => window.token });
pgLive.provide(live);
`;

const style = 'body { margin: 0; padding: 12px; background: Canvas; color: CanvasText; } main { display: grid; gap: 12px; max-inline-size: 640px; } main > * { min-inline-size: 0; }';

/** Makes the folder, for --demo-dir; close() deletes it. */
export async function makePageFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'pg_live_page.'));
  await cp(join(packageFolder, 'standalone'), folder, { recursive: true });
  for (const [name, text] of Object.entries({ 'index.html': page, 'page.js': script, 'page.css': style })) await writeFile(join(folder, name), text);
  return { folder, close: () => rm(folder, { recursive: true }) };
}

/** Opens the page as a user; `problems` are what the page told of errors, besides those of a lost network. */
export async function openAs(browser, bridge, user, { settings = {}, token = bridge.token({ sub: user }), url, body = '' } = {}) {
  const context = await browser.newContext(settings);
  const opened = await context.newPage();
  const problems = [];
  opened.on('pageerror', (error) => problems.push(`page: ${error}`));
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/ERR_|WebSocket connection|Failed to load resource/.test(message.text())) problems.push(message.text());
  });
  await opened.goto(`${bridge.url}/#${new URLSearchParams({ token, ...(url ? { url } : {}) })}`);
  await opened.waitForFunction(() => window.live);
  if (body) await show(opened, body);
  return Object.assign(opened, {
    problemsSeen: async () => [...problems, ...(await opened.evaluate(() => window.problems))],
    isOnline: () => opened.waitForFunction(() => window.live.connection.getState().state === 'online'),
    close: () => context.close(),
  });
}

/** Puts elements into the page, each given as [tag, attributes]. */
export const show = (page, elements) =>
  page.evaluate((list) => {
    document.querySelector('main').append(
      ...list.map(([tag, attributes = {}]) => {
        const made = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
        return made;
      }),
    );
  }, elements);
