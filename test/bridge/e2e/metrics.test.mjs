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
    for (const kind of ['join', 'read', 'write', 'own']) {
      assert.equal(after.get(`pg_live_database_connections{kind="${kind}"}`), after.get(`pg_live_database_connections_wanted{kind="${kind}"}`));
    }
    for (const name of ['pg_live_batch_lag_seconds', 'pg_live_publication_to_socket_seconds']) {
      assert.ok(after.get(`${name}_count`) > 0);
      assert.ok(after.get(`${name}_bucket{le="10"}`) > 0, 'the clock of the database is this one');
    }
    assert.ok(after.get('process_resident_memory_bytes') > 1e6);
  });

  test('count what waits for a slow reader, until it is closed', async () => {
    const topic = `${prefix}:${uniqueName('slow')}`;
    const slow = closeLater(await RawSocket.open(bridge));
    await slow.join(`realtime:${topic}`);
    slow.socket.pause();
    const emit = () => database.query("select live.emit($1, 'large', to_jsonb(repeat('x', 500000)))", [topic]);
    await eventually('bytes wait', async () => (await emit(), (await read()).get('pg_live_queued_bytes') > 500_000));
    await eventually('the slow reader is closed', async () => (await emit(), (await read()).get('pg_live_slow_readers_closed_total') === 1));
    assert.ok((await read()).get('pg_live_queued_bytes') < 200, 'no more than the close frame waits');
    slow.close();
    await eventually('nothing waits', async () => (await read()).get('pg_live_queued_bytes') === 0);
  });

  test('are not shown to clients', async () => {
    assert.equal((await fetch(`${bridge.url}/metrics`)).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 404);
    const refused = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' });
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD']);
  });
});
