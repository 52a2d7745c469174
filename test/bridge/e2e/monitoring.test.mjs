// Behaviour: the files for those who watch a bridge name only what the bridge tells, and their programs accept them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CertificateFolder } from './certificate.mjs';
import { withDatabase } from './fixture.mjs';
import { freePort, startBridge } from './support.mjs';

const bridgeFolder = fileURLToPath(new URL('../../../bridge', import.meta.url));
const folder = join(bridgeFolder, 'monitoring');
const rules = readFileSync(join(folder, 'alerts.yml'), 'utf8');
const dashboard = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8'));
const run = (program, ...given) => execFileSync(program, given, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

describe('the files for Prometheus and Grafana', () => {
  let told;
  withDatabase({}, async ({ database, closeLater }) => {
    const certificate = closeLater(new CertificateFolder());
    const port = await freePort();
    closeLater(await startBridge(database, { flags: ['--metrics-port', `${port}`, '--tls-port', `${await freePort()}`, '--tls-certificate', certificate.file, '--tls-key', certificate.key] }));
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    told = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  });

  /** Whether the bridge tells that series, which may be a part of a histogram. */
  const isTold = (name) => told.has(name) || told.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram';
  const namesIn = (text) => text.match(/\b(?:pg_live|process)_[a-z_]+\b/g) ?? [];

  test('the rules are accepted by promtool, fire when they should, and otherwise not', () => {
    run('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml');
    assert.match(run('promtool', 'test', 'rules', 'alerts_test.yml'), /SUCCESS/);
  });

  test('each rule has a test in which it fires', () => {
    const tests = readFileSync(join(folder, 'alerts_test.yml'), 'utf8');
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    assert.ok(names.length > 5);
    for (const name of names) assert.match(tests, new RegExp(`alertname: ${name}\\n.*\\n\\s+exp_alerts: \\[\\{`), name);
  });

  test('every series of the rules is told by the bridge', () => {
    const names = namesIn(rules);
    assert.ok(names.length >= 10);
    assert.deepEqual(names.filter((name) => !isTold(name)), []);
  });

  test('every series of the dashboard is told by the bridge, and nearly all that it tells are there', () => {
    const names = new Set(dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))));
    assert.deepEqual([...names].filter((name) => !isTold(name)), []);
    const shown = new Set([...names].map((name) => name.replace(/_bucket$/, '')));
    assert.deepEqual([...told.keys()].filter((name) => !shown.has(name)), ['pg_live_messages_received_total', 'pg_live_writes_total']);
  });

  test('promtool can parse each expression of the dashboard', () => {
    const path = mkdtempSync(join(tmpdir(), 'pg_live_dashboard.'));
    const file = join(path, 'rules.yml');
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
    const written = { groups: [{ name: 'dashboard', rules: expressions.map((expr, n) => ({ record: `panel_${n}`, expr })) }] };
    execFileSync('tee', [file], { input: JSON.stringify(written), stdio: ['pipe', 'ignore', 'pipe'] });
    run('promtool', 'check', 'rules', file);
    rmSync(path, { recursive: true });
  });

  test('the panels of the dashboard have ids of their own and do not overlap', () => {
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    assert.equal(new Set(dashboard.panels.map(({ gridPos }) => `${gridPos.x} ${gridPos.y}`)).size, dashboard.panels.length);
  });
});

describe('the systemd unit', () => {
  test('is installed with the path of the program, and accepted by systemd as well shielded', () => {
    const path = mkdtempSync(join(tmpdir(), 'pg_live_unit.'));
    run('make', '-s', '-C', bridgeFolder, 'install', `bindir=${path}/bin`, `unitdir=${path}`, `datadir=${path}`);
    const unit = join(path, 'pg-live-bridge.service');
    run('systemd-analyze', 'verify', unit);
    run('systemd-analyze', 'security', '--offline=true', '--threshold=20', unit);
    assert.deepEqual(readFileSync(join(path, 'pg_live/alerts.yml'), 'utf8'), rules);
    rmSync(path, { recursive: true });
  });
});
