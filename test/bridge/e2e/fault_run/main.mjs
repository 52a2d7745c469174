// A run of faults, by hand: node fault_run/main.mjs [--seconds 600] [--clients 300] [--rate 200] [--seed N]
//
// Two bridges and a cluster of its own fail at random, with their networks and clients, while events are written. At the
// end every client must have had every durable event of its topics once and in order, none of another's, and the bridge
// that lived through all of it must use what it used at the beginning. The seed chooses the faults, not their timing.
// It needs PG_LIVE_BRIDGE and the PG variables that support.mjs names.
import { parseArgs } from 'node:util';
import { faultRun } from './run.mjs';

const { values } = parseArgs({
  options: Object.fromEntries(['seconds', 'clients', 'rate', 'seed'].map((name) => [name, { type: 'string' }])),
});
const numbers = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));
const violations = await faultRun({ seconds: 600, clients: 300, rate: 200, ...numbers, tell: (line) => console.log(line) });
for (const violation of violations.slice(0, 50)) console.log(`WRONG ${violation}`);
console.log(violations.length === 0 ? 'nothing was wrong' : `${violations.length} wrong`);
process.exit(violations.length === 0 ? 0 : 1);
