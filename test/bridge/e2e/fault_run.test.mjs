// Behaviour: whatever fails, and in whatever order, clients have every durable event of their topics once and in order, and
// nothing of another's. A minute of it with few clients; fault_run/main.mjs runs for longer, with many. FAULT_RUN_SEED
// runs the same faults again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRun } from './fault_run/run.mjs';

const seed = Number(process.env.FAULT_RUN_SEED) || undefined;

test('a minute of faults of bridges, the database, networks and clients', async (t) => {
  const tell = (line) => t.diagnostic(line);
  assert.deepEqual(await faultRun({ seconds: 60, clients: 60, rate: 60, seed, tell }), []);
});
