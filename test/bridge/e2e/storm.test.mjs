// Behaviour: sixteen writers commit, roll back and hold transactions open while processes and connections are struck
// down every second; a WebSocket client that just stays connected gets exactly the committed events, each once, in
// rising positions. STORM_TRANSACTIONS sets the size of each storm.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually } from './support.mjs';

const writers = 16;
const transactions = Number(process.env.STORM_TRANSACTIONS ?? 800);

const strikes = {
  'nothing is struck down': null,
  'the worker is terminated every second': "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'pg_live worker'",
  "the bridge's connections are cut every second": "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'live_bridge' and datname = current_database()",
};

/** Runs one writer's share. What was committed is known from the ledger, also where the answer to a commit was lost. */
async function write(database, prefix, writer) {
  let connection = await database.connect();
  for (let number = 0; number < transactions / writers; number++) {
    const tag = `${writer}.${number}`;
    const fate = (number + writer) % 3 === 0 ? 'rollback' : 'commit';
    try {
      await connection.query('begin');
      await connection.query(`insert into ${prefix}.ledger values ($1)`, [tag]);
      await connection.query('select live.emit($1, $2, $3)', [`${prefix}:storm`, `${tag}.a`, '{}']);
      if (number % 17 === writer) await connection.query('select pg_sleep(1 + random())');
      await connection.query('select live.emit($1, $2, $3)', [`${prefix}:storm`, `${tag}.b`, '{}']);
      await connection.query(fate);
    } catch {
      connection = await eventually('a writer is connected again', () => database.connect());
    }
  }
}

for (const mode of ['worker', 'in-transaction']) {
  describe(`a storm in ${mode} mode`, () => {
    let database, bridge;
    withBridge({ cluster: [], mode }, (made) => ({ database, bridge } = made));

    /** One storm with `strike` called every second, and the verdict on what the client received. */
    async function storm(t, strike) {
      const prefix = await database.topics();
      const topic = `realtime:${prefix}:storm`;
      await database.query(`create table ${prefix}.ledger (tag text primary key)`);
      const socket = await RawSocket.open(bridge);
      await socket.join(topic);
      const striking = setInterval(() => strike().catch(() => {}), 1000);
      const started = Date.now();
      try {
        await Promise.all(Array.from({ length: writers }, (_, writer) => write(database, prefix, writer)));
      } finally {
        clearInterval(striking);
      }
      await eventually('the database answers', () => database.reconnect());
      await database.emit(`${prefix}:storm`, 'end');
      await socket.broadcast(topic, 'end');

      const { rows } = await database.query(`select tag from ${prefix}.ledger`);
      const expected = [...rows.flatMap(({ tag }) => [`${tag}.a`, `${tag}.b`]), 'end'];
      const frames = socket.broadcasts(topic);
      t.diagnostic(`${transactions} transactions, ${rows.length} committed, ${frames.length} events in ${Date.now() - started} ms`);
      assert.ok(rows.length > transactions / 3 && rows.length < transactions, 'some committed and some did not');
      assert.deepEqual(frames.map((frame) => frame.payload.event).sort(), expected.sort());
      const positions = frames.map((frame) => frame.payload.meta.id.split('-').map(BigInt));
      for (let index = 1; index < positions.length; index++) {
        const [[batch, id], [nextBatch, nextId]] = [positions[index - 1], positions[index]];
        assert.ok(nextBatch > batch || (nextBatch === batch && nextId > id), `positions rise at ${index}`);
      }
      assert.equal(socket.closed, null);
      socket.close();
    }

    for (const [what, sql] of Object.entries(strikes)) {
      if (mode === 'in-transaction' && what.includes('worker')) continue; // it has none
      test(what, (t) => storm(t, async () => sql && database.query(sql)));
    }

    test('one backend is killed with -9 in the middle', async (t) => {
      const victim = await database.connect();
      const { rows } = await victim.query('select pg_backend_pid() as pid');
      let killed = false;
      await storm(t, async () => {
        if (!killed) process.kill(rows[0].pid, 'SIGKILL');
        killed = true;
      });
      assert.ok(killed, 'the storm lasted until the strike');
    });
  });
}
