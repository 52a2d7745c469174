// Behaviour: who loads a state and its position in one statement and follows the topic from there gets exactly the events
// that the state lacks, also while writers commit, some of them late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { uniqueName } from './support.mjs';

const loads = Number(process.env.PG_LIVE_LOADS ?? 60);
const numbers = (frames) => frames.filter(({ payload }) => payload.event === 'stored').map(({ payload }) => payload.payload.n);

inEachMode((mode) => {
  let database, bridge, prefix;
  withBridge({ mode }, (made) => ({ database, bridge, prefix } = made));

  /** A table whose rows are told on a topic. Writers store until they are told to stop. */
  async function startWriters(topic) {
    const table = uniqueName('state');
    await database.query(`create table ${table} (n serial)`);
    let going = true;
    const store = `with stored as (insert into ${table} default values returning n) select live.emit($1, 'stored', jsonb_build_object('n', n)) from stored`;
    async function write(connection, isLate) {
      while (going) {
        await connection.query('begin');
        await connection.query(store, [topic]);
        if (isLate) await connection.query('select pg_sleep(0.02)'); // others commit in between
        await connection.query('commit');
      }
    }
    const connections = await Promise.all([1, 2, 3].map(() => database.connect()));
    const writing = Promise.all(connections.map((connection, number) => write(connection, number === 0)));
    return {
      table,
      async stop() {
        going = false;
        await writing;
        const { rows } = await database.query(`select array(select n from ${table} order by n) as all`);
        return rows[0].all;
      },
    };
  }

  test(`${loads} loads while writers commit: what the state lacks comes once, and nothing that it has`, async () => {
    const topic = `${prefix}:load`;
    const writers = await startWriters(topic);
    const loaded = [];
    for (let load = 0; load < loads; load++) {
      const { rows: [{ position, state }] } = await database.query(`select live.position(), array(select n from ${writers.table}) as state`);
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: `loader ${load}` }) });
      const { response } = (await socket.join(`realtime:${topic}`, { config: { resume: position } })).payload;
      assert.equal(response.resume, 'ok');
      loaded.push({ socket, state });
    }
    const all = await writers.stop();
    await database.emit(topic, 'end');
    for (const { socket, state } of loaded) {
      await socket.broadcast(`realtime:${topic}`, 'end');
      const came = numbers(socket.broadcasts(`realtime:${topic}`));
      assert.deepEqual([...state, ...came].sort((one, other) => one - other), all);
      socket.close();
    }
  });

  test('what a state has seen and is not published yet does not come', async () => {
    const topic = `${prefix}:held`;
    const { rows: [{ most }] } = await database.query("select current_setting('pg_live.batch_events')::integer as most");
    // In parts: the last is published well after the state was read.
    await database.query("select count(live.emit($1, 'stored', jsonb_build_object('n', n))) from generate_series(1, $2::integer) as n", [topic, 3 * most]);
    const { rows: [{ position }] } = await database.query('select live.position()');
    const socket = await RawSocket.open(bridge);
    assert.equal((await socket.join(`realtime:${topic}`, { config: { resume: position } })).payload.response.resume, 'ok');
    await database.emit(topic, 'end');
    await socket.broadcast(`realtime:${topic}`, 'end');
    assert.deepEqual(numbers(socket.broadcasts(`realtime:${topic}`)), []);
    socket.close();
  });

  test('what a state lacks comes in pages, behind a transaction that it has seen and whose events come between', async () => {
    const topic = `${prefix}:pages`;
    const late = await database.connect();
    await late.query('begin');
    await late.query("select live.emit($1, 'stored', '{\"n\": 0}')", [topic]);
    const { rows: [{ position }] } = await database.query('select live.position()');
    await database.query("select count(live.emit($1, 'stored', jsonb_build_object('n', n))) from generate_series(1, 450) as n", [topic]);
    await late.query('commit');
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${topic}`, { config: { resume: position } });
    await database.emit(topic, 'end');
    await socket.broadcast(`realtime:${topic}`, 'end');
    assert.deepEqual(numbers(socket.broadcasts(`realtime:${topic}`)).sort((one, other) => one - other), [...Array(451).keys()]);
    socket.close();
  });

  test('a list by HTTP carries its position: what is logged behind it comes, and what it shows does not', async () => {
    const user = uniqueName('user');
    const log = (type) => database.as(user, `(live.log_activity('${type}', visibility => 'private')).id`);
    await log('before');
    const { headers, body } = await ask(bridge, 'GET', `/api/activity?user_id=${user}`, { user });
    assert.deepEqual(body.activities.map((activity) => activity.activity_type), ['before']);
    await log('behind');
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: user }) });
    await socket.join(`realtime:user:${user}`, { config: { resume: headers.get('live-position') } });
    await socket.broadcast(`realtime:user:${user}`, 'activity:new');
    await log('live');
    const types = () => socket.broadcasts(`realtime:user:${user}`).filter(({ payload }) => payload.event === 'activity:new').map(({ payload }) => payload.payload.activity_type);
    await socket.frame('the live one', () => types().length === 2);
    assert.deepEqual(types(), ['behind', 'live']);
    socket.close();
  });
});
