// Behaviour: nothing stops the stream: not an event that cannot be fetched, not the settings of a role, not a backend
// that falls silent; and when the database has gone back in time, clients are told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inEachMode, modes, openDatabase } from './database.mjs';
import { withBridge, withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

const status = async (bridge) => (await fetch(`${bridge.url}/readyz`)).status;
const listenerOf = `from pg_stat_activity where application_name = 'pg-live-bridge listener' and datname = current_database()`;

inEachMode((mode) => {
  let database;
  withDatabase({ mode }, (made) => ({ database } = made));

  test('a role with settings of every odd kind can listen', async () => {
    const role = uniqueName('odd');
    await database.makeBridgeRole(role);
    const settings = {
      default_transaction_isolation: 'serializable', default_transaction_read_only: 'on', default_transaction_deferrable: 'on',
      statement_timeout: '100ms', lock_timeout: '1ms', idle_session_timeout: '200ms', idle_in_transaction_session_timeout: '1ms',
      datestyle: 'German', intervalstyle: 'sql_standard', bytea_output: 'escape', row_security: 'off', search_path: 'nowhere', jit: 'on',
      jit_above_cost: '0', client_encoding: 'LATIN1', synchronous_commit: 'off', quote_all_identifiers: 'on', extra_float_digits: '-15',
    };
    for (const [name, value] of Object.entries(settings)) await database.query(`alter role ${role} set ${name} = '${value}'`);
    const conninfo = database.bridgeConninfo.replace('user=live_bridge', `user=${role}`);
    const prefix = await database.topics();
    const bridge = await startBridge(database, { flags: ['--listen-db', conninfo] });
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${prefix}:odd`);
    const pid = async () => (await database.query(`select pid ${listenerOf} and usename = '${role}'`)).rows[0]?.pid;
    const first = await pid();
    await database.emit(`${prefix}:odd`, 'text', { text: 'grüße', number: 0.1 });
    assert.deepEqual((await socket.broadcast(`realtime:${prefix}:odd`, 'text')).payload.payload, { text: 'grüße', number: 0.1 });
    await eventually('its session was idle for longer than it may be', async () =>
      (await database.query(`select 1 ${listenerOf} and usename = '${role}' and clock_timestamp() > backend_start + '2 s'`)).rowCount === 1);
    await database.emit(`${prefix}:odd`, 'later');
    await socket.broadcast(`realtime:${prefix}:odd`, 'later');
    assert.equal(await pid(), first, 'on the same connection');
    socket.close();
    await bridge.stop();
    await database.dropRole(role);
  });
});

test('a client that joins before the stream of events has begun is answered once it has, and misses nothing', async () => {
  const database = await openDatabase();
  const role = uniqueName('late');
  await database.makeBridgeRole(role, 'nologin');
  const prefix = await database.topics();
  const failures = (bridge) => bridge.log.split('"listener"').length - 1;
  const bridge = await startBridge(database, {
    flags: ['--listen-db', database.bridgeConninfo.replace('user=live_bridge', `user=${role}`)],
    isUp: (started) => eventually('its listener was refused', () => failures(started) > 0),
  });
  const socket = await RawSocket.open(bridge);
  const topic = `realtime:${prefix}:early`;
  const joined = socket.join(topic);
  const before = failures(bridge);
  await eventually('its listener was refused twice more', () => failures(bridge) >= before + 2);
  assert.equal(await socket.answers(), true);
  assert.deepEqual(socket.frames.filter((frame) => frame.topic === topic), []);
  await database.query(`alter role ${role} login`);
  assert.equal((await joined).payload.status, 'ok');
  await database.emit(`${prefix}:early`, 'first');
  await socket.broadcast(topic, 'first');
  socket.close();
  await bridge.stop();
  await database.dropRole(role);
  await database.close();
});

test('where no worker runs expired events are dropped in a transaction of their own, whose locks a refresh that waits does not keep', async () => {
  const database = await openDatabase('in-transaction');
  await database.query(`insert into live.event (id, xid, topic, event, payload, created_at, slot)
    select nextval('live_private.event_id'), pg_current_xact_id(), 'activity', 'old', '1', now() - interval '1 year', 0`);
  const holder = await database.connect();
  await holder.query("begin; select live_private.lock_summary('live.presence_summary')");
  const bridge = await startBridge(database, { flags: ['--poll-interval', '1'] });
  const waits = () => database.query(`select ${listenerOf} and wait_event_type = 'Lock' and query like '%refresh_summaries%'`);
  await eventually('the refresh waits', async () => (await waits()).rowCount === 1);
  assert.equal((await holder.query("set local lock_timeout = '10s'; select from live.event"))[1].rowCount, 0, 'dropped, and read');
  assert.equal((await waits()).rowCount, 1, 'the refresh is still waiting');
  await holder.query('rollback');
  await eventually('the refresh is done', async () => (await waits()).rowCount === 0);
  await bridge.stop();
  await database.close();
});

/** Makes a fetch that renders an event of the name `poison` fail, whatever comes before it, as an event does that the server cannot print. */
const poison = `
  alter function live.fetch_events(bigint, bigint, integer) rename to fetch_sound_events;
  create function live.fetch_events(after_batch bigint, after_id bigint default null, max_events integer default 10000)
  returns table (batch bigint, id bigint, topic text, event text, payload jsonb, durable boolean, created_at timestamptz)
  language plpgsql as $$
  begin
    return query select * from live.fetch_sound_events(after_batch, after_id, max_events);
    if current_query() like '%payload::text%' and exists (
      select from live.fetch_sound_events(after_batch, after_id, max_events) f where f.event = 'poison') then
      raise program_limit_exceeded using message = 'cannot print that';
    end if;
  end $$;
  grant execute on function live.fetch_sound_events(bigint, bigint, integer), live.fetch_events(bigint, bigint, integer) to live_bridge`;

describe('an event that no fetch can render', () => {
  let database, bridge, prefix;
  withDatabase({ mode: 'in-transaction' }, async ({ closeLater, ...made }) => {
    ({ database, prefix } = made);
    await database.query(poison);
    bridge = closeLater(await startBridge(database));
  });

  test('is skipped alone and counted, and what was emitted with it arrives', async () => {
    const topic = `realtime:${prefix}:sick`;
    const socket = await RawSocket.open(bridge);
    await socket.join(topic);
    await database.query(
      `select live.emit($1, case when n in (7, 8, 40) then 'poison' else 'e' || n end, '{}') from generate_series(1, 50) as n`, [`${prefix}:sick`]);
    await database.emit(`${prefix}:sick`, 'last');
    await socket.broadcast(topic, 'last');
    const names = socket.broadcasts(topic).map((frame) => frame.payload.event);
    const expected = Array.from({ length: 50 }, (_, index) => index + 1).filter((n) => ![7, 8, 40].includes(n)).map((n) => `e${n}`);
    assert.deepEqual(names, [...expected, 'last']);
    const skips = bridge.log.split('\n').filter((line) => line.includes('skipped an event')).map((line) => JSON.parse(line));
    assert.deepEqual(skips.map((line) => line.skipped), [1, 2, 3]);
    for (const line of skips) {
      assert.equal(line.topic, `${prefix}:sick`);
      assert.match(line.position, /^\d+-\d+$/);
    }
    assert.ok(!bridge.log.includes('lost the connection'), 'the connection was kept');
    socket.close();
  });
});

for (const mode of modes) {
  describe(`${mode} mode, on a cluster of its own`, () => {
    let cluster, database, bridge, prefix;
    withBridge({ cluster: [], mode }, (made) => ({ cluster, database, bridge, prefix } = made));

    const listener = async () => (await database.query(`select pid ${listenerOf}`)).rows.map(({ pid }) => pid);

    test('a backend that falls silent is noticed, and another takes over without a loss', async () => {
      const topic = `realtime:${prefix}:silent`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      // While it waits: one that is stopped while it publishes holds the lock of all publishers.
      const stopped = await eventually('an idle backend is stopped', async () => {
        const [pid] = await listener();
        process.kill(pid, 'SIGSTOP');
        const { rows } = await database.query('select state, query from pg_stat_activity where pid = $1', [pid]);
        if (rows[0].state === 'idle' || rows[0].query.includes('await_batch')) return pid;
        process.kill(pid, 'SIGCONT');
        return null;
      });
      try {
        await database.emit(`${prefix}:silent`, 'unheard');
        await eventually('not ready', async () => (await status(bridge)) === 503);
        await eventually('another backend listens', async () => (await listener()).some((pid) => pid !== stopped));
        await socket.broadcast(topic, 'unheard');
        await eventually('ready', async () => (await status(bridge)) === 200);
      } finally {
        process.kill(stopped, 'SIGCONT');
      }
      assert.equal(socket.closed, null);
      assert.equal(socket.broadcasts(topic).length, 1);
      socket.close();
    });

    test('after a base backup is restored clients join again, and a resume from what came after it is lost, at any bridge', async () => {
      const topic = `realtime:${prefix}:backup`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      const emitted = async (event) => {
        await database.emit(`${prefix}:backup`, event);
        return (await socket.broadcast(topic, event)).payload.meta.id;
      };
      const kept = await emitted('kept');
      await cluster.backUp();
      const gone = await emitted('gone');
      await cluster.restore();
      await eventually('the server is back', () => database.reconnect());
      const told = await socket.frame('phx_error', (frame) => frame.event === 'phx_error' && frame.topic === topic);
      assert.match(JSON.stringify(told.payload), /earlier state/);
      assert.equal((await socket.join(topic, { ref: '2' })).payload.status, 'ok');
      await emitted('later');
      const other = await startBridge(database, { secret: bridge.secret });
      for (const through of [bridge, other]) {
        const again = await RawSocket.open(through);
        assert.equal((await again.join(topic, { ref: '1', config: { resume: gone } })).payload.response.resume, 'lost');
        again.send('1', '2', topic, 'phx_leave', {});
        await again.reply('2');
        assert.equal((await again.join(topic, { ref: '3', config: { resume: kept } })).payload.response.resume, 'ok');
        await again.broadcast(topic, 'later');
        again.close();
      }
      await other.stop();
      socket.close();
    });

    /** Takes the newest batches away, as a recovery to an earlier time does, and cuts the listener's connection. */
    async function goBack(batches) {
      await database.query('begin');
      await database.query(batches);
      await database.query('commit');
      await database.query(`select pg_terminate_backend(pid) ${listenerOf}`);
    }

    test('a database that has gone back in time is noticed: clients join again, their positions are lost, and what comes arrives', async () => {
      const topic = `realtime:${prefix}:history`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      // As if the clock had been ahead: the next batches are far in the future.
      await database.query(`insert into live_private.batch select max(id) + 1000000000000, (array_agg(snapshot order by id desc))[1], '{}' from live_private.batch`);
      await database.emit(`${prefix}:history`, 'never was');
      const { payload } = await socket.broadcast(topic, 'never was');
      await goBack(`delete from live_private.batch where id > extract(epoch from now()) * 1000000 + 100000000000;
        update live_private.batch set snapshot = pg_current_snapshot() where id = (select max(id) from live_private.batch)`);
      const told = await socket.frame('phx_error', (frame) => frame.event === 'phx_error' && frame.topic === topic);
      assert.match(JSON.stringify(told.payload), /earlier state/);
      const joined = await socket.join(topic, { ref: '2', config: { resume: payload.meta.id } });
      assert.equal(joined.payload.status, 'ok');
      assert.equal(joined.payload.response.resume, 'lost');
      await database.emit(`${prefix}:history`, 'now');
      await socket.broadcast(topic, 'now');
      assert.match(bridge.log, /another history/);
      socket.close();
    });

    test('batches of signals that a crash took away are no loss: nobody has to join again', async () => {
      const topic = `realtime:${prefix}:crash`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      await database.emit(`${prefix}:crash`, 'durable');
      await socket.broadcast(topic, 'durable');
      const { rows } = await database.query('select live_private.newest_batch() as batch');
      await database.query(`insert into live_private.batch select max(id) + 1000000000000, (array_agg(snapshot order by id desc))[1], '{}' from live_private.batch`);
      await database.emit(`${prefix}:crash`, 'signal', {}, false);
      await socket.broadcast(topic, 'signal');
      await goBack(`delete from live_private.batch where id > ${rows[0].batch};
        update live_private.batch set snapshot = pg_current_snapshot() where id = ${rows[0].batch}`);
      await database.emit(`${prefix}:crash`, 'next');
      await socket.broadcast(topic, 'next');
      assert.ok(!socket.frames.some((frame) => frame.event === 'phx_error'));
      socket.close();
    });
  });
}
