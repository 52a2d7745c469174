// Behaviour: Prometheus reads what the bridge does at a port of its own, in a form it accepts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withDatabase } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, freePort, startBridge, uniqueName } from './support.mjs';

/** The samples of a page, by name and labels; fails where the page breaks a rule of the format. */
function samplesOf(text) {
  const samples = new Map();
  const types = new Map();
  let family;
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const described = line.match(/^# (HELP|TYPE) ([a-z_]+) (.+)$/);
    if (described) {
      [, , family] = described;
      if (described[1] === 'TYPE') {
        assert.ok(!types.has(family), `${family} is begun once`);
        types.set(family, described[3]);
      }
      continue;
    }
    const [, name, labels = '', value] = line.match(/^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\d+(?:\.\d+)?(?:e[+-]\d+)?)$/) ?? assert.fail(`no sample: ${line}`);
    assert.ok(name === family || (types.get(family) === 'histogram' && [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name)), `${name} follows ${family}`);
    assert.ok(types.get(family) !== 'counter' || family.endsWith('_total'), `${family} only grows`);
    assert.ok(!samples.has(name + labels), `${name}${labels} stands once`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

describe('metrics', () => {
  let bridge, prefix, database, port;
  const closeLater = withDatabase({}, async (made) => {
    ({ database, prefix } = made);
    port = await freePort();
    bridge = made.closeLater(await startBridge(database, { flags: ['--metrics-port', `${port}`] }));
  });
  const read = async () => samplesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());

  test('count connections, joins, events and commands', async () => {
    const before = await read();
    assert.equal(before.get('pg_live_connections'), 0);
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: 'anna' }) }));
    const topic = `${prefix}:${uniqueName('counted')}`;
    assert.equal((await socket.join(`realtime:${topic}`)).payload.status, 'ok');
    assert.equal((await socket.join('realtime:no-such-topic', { ref: '2' })).payload.status, 'error');
    await database.query(`select live.emit($1, 'happened', '{}') from generate_series(1, 3)`, [topic]);
    await eventually('three events', () => socket.broadcasts(`realtime:${topic}`).length === 3);
    await assert.rejects(RawSocket.open(bridge, { token: 'x' }), { status: 401 });
    await ask(bridge, 'GET', '/api/presence/online', { user: 'anna' });
    const after = await read();
    assert.equal(after.get('pg_live_connections'), 1);
    assert.equal(after.get('pg_live_connections_opened_total'), 1);
    assert.equal(after.get('pg_live_connections_refused_total{status="401"}'), 1);
    assert.equal(after.get('pg_live_channels'), 1);
    assert.equal(after.get('pg_live_joins_total{result="ok"}'), 1);
    assert.equal(after.get('pg_live_joins_total{result="42501"}'), 1);
    assert.equal(after.get('pg_live_deliveries_total'), 3);
    assert.ok(after.get('pg_live_events_total') >= 3);
    assert.equal(after.get('pg_live_command_seconds_count{command="access"}'), 2);
    assert.equal(after.get('pg_live_command_seconds_bucket{command="access",le="+Inf"}'), 2);
    assert.ok(after.get('pg_live_messages_received_total') >= 2);
    assert.ok(after.get('pg_live_written_bytes_total') > before.get('pg_live_written_bytes_total'));
    assert.deepEqual(['pg_live_events_flow', 'pg_live_commands_ready'].map((name) => after.get(name)), [1, 1]);
    assert.ok(after.get('process_resident_memory_bytes') > 1e6);
  });

  test('are not shown to clients', async () => {
    assert.equal((await fetch(`${bridge.url}/metrics`)).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status, 405);
  });
});
