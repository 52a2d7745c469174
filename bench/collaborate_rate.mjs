// Measures edits a second and CPU a delivered edit: editors that submit one insertion after the other, each as soon as the
// one before is acknowledged; then the same updates through a relay, at the rate that was reached.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { bridge } from './bridge.mjs';

const require = createRequire(new URL('../test/bridge/e2e/package.json', import.meta.url));
const { WebSocket } = require('ws');
const Y = require('yjs');

const seconds = Number(process.argv[2]);
const policy = process.argv[3];
const { BRIDGE_PID, CLUSTER_PID, RELAY_PID, RELAY_PORT, ONE, HUNDRED } = process.env;
const ticksASecond = 100;

/** CPU seconds that the processes have used, and those of a server with its backends. */
function cpuOf(pids) {
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return pids.reduce((sum, pid) => sum + ticks(pid), 0) / ticksASecond;
}
const backends = () => [CLUSTER_PID, ...readdirSync('/proc').filter((pid) => {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[1] === CLUSTER_PID;
  } catch {
    return false;
  }
})];

/** Insertions of one letter, one after the other, as updates of Yjs. */
class Typist {
  #doc = new Y.Doc();

  next() {
    let update;
    this.#doc.once('update', (bytes) => (update = bytes));
    const text = this.#doc.getText('text');
    text.insert(text.length, 'x');
    return update;
  }
}

const opened = (socket) => new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
const counts = { accepted: 0, delivered: 0, refused: 0 };

/** One editor of a session over the bridge. */
async function editor(session, user) {
  await fetch(`${bridge.url}/api/collaboration/join`, { method: 'POST', headers: { authorization: `Bearer ${bridge.token({ sub: user, role: 'authenticated' })}`, 'content-type': 'application/json' },
    body: JSON.stringify({ session_id: session }) });
  const socket = new WebSocket(`${bridge.websocketUrl('/realtime/v1/websocket')}?apikey=${bridge.token({ sub: user, role: 'authenticated' })}&vsn=2.0.0`);
  await opened(socket);
  const topic = `realtime:session:${session}`;
  const typist = new Typist();
  let head = 0;
  let number = 0;
  const operation = { append: () => ({ update: Buffer.from(typist.next()).toString('base64') }), text: () => [[0, 'x'], ...(head ? [head] : [])], cas: () => ({ x: number }) }[policy];
  const submit = () => {
    number += 1;
    socket.send(JSON.stringify(['1', `${number + 10}`, topic, 'collab:edit', { base_version: head, operations: [operation()], client_id: user, key: `${number}` }]));
  };
  let submits = false;
  const joined = new Promise((resolve) => {
    socket.on('message', (data) => {
      const [, ref, , event, payload] = JSON.parse(data);
      if (event === 'broadcast' && payload.event === 'collab:edit') {
        counts.delivered += 1;
        if (payload.payload.version > head) head = payload.payload.version;
      } else if (event === 'phx_reply' && ref === '1') {
        resolve();
      } else if (event === 'phx_reply') {
        counts[payload.status === 'ok' && payload.response.status === 'accepted' ? 'accepted' : 'refused'] += 1;
        if (submits) submit();
      }
    });
  });
  socket.send(JSON.stringify(['1', '1', topic, 'phx_join', { config: {} }]));
  await joined;
  return { start: () => ((submits = true), submit()), stop: () => (submits = false), close: () => socket.terminate() };
}

/** One editor over the relay, which sends updates when it is told to. */
async function relayed(room) {
  const socket = new WebSocket(`ws://127.0.0.1:${RELAY_PORT}/${room}`);
  await opened(socket);
  const typist = new Typist();
  socket.on('message', (data) => {
    if (data[0] === 0 && data[1] === 2) counts.delivered += 1;
  });
  return {
    send() {
      const update = typist.next(); // shorter than 128 bytes, so that its length is one byte
      socket.send(Buffer.concat([Buffer.from([0, 2, update.length]), update]));
      counts.accepted += 1;
    },
    close: () => socket.terminate(),
  };
}

function report(title, begin, pids, cpu, took) {
  const used = cpuOf(pids) - cpu;
  const accepted = counts.accepted - begin.accepted;
  const delivered = counts.delivered - begin.delivered;
  console.log(`${title.padEnd(44)}${(accepted / took).toFixed(0).padStart(8)}${(delivered / took).toFixed(0).padStart(11)}${((used / delivered) * 1e6).toFixed(1).padStart(10)}${(used / took).toFixed(2).padStart(8)}`);
  return accepted / took;
}

async function overBridge(title, sessions, editorsEach) {
  const editors = await Promise.all(sessions.flatMap((session) => Array.from({ length: editorsEach }, (_, n) => editor(session, `editor ${n} of ${session}`))));
  for (const each of editors) each.start();
  await pause(2000);
  const pids = [BRIDGE_PID, ...backends()];
  const begin = { ...counts };
  const cpu = cpuOf(pids);
  const start = performance.now();
  await pause(seconds * 1000);
  const rate = report(title, begin, pids, cpu, (performance.now() - start) / 1000);
  if (counts.refused > begin.refused) console.log(`  refused or stale: ${counts.refused - begin.refused}`);
  for (const each of editors) each.stop();
  await pause(1000);
  for (const each of editors) each.close();
  return rate;
}

async function overRelay(title, sessions, editorsEach, rate) {
  const editors = await Promise.all(sessions.flatMap((session) => Array.from({ length: editorsEach }, () => relayed(session))));
  const begin = { ...counts };
  const cpu = cpuOf([RELAY_PID]);
  const start = performance.now();
  for (let sent = 0; performance.now() < start + seconds * 1000; await pause(5))
    for (const due = ((performance.now() - start) / 1000) * rate; sent < due; sent += 1) editors[sent % editors.length].send();
  report(title, begin, [RELAY_PID], cpu, (performance.now() - start) / 1000);
  for (const each of editors) each.close();
}

console.log(`policy ${policy}, ${seconds} s, CPU of bridge and database, or of the relay`);
console.log(`${''.padEnd(44)} edits/s deliveries µs CPU each  cores`);
for (const [name, sessions, editorsEach] of [['one session, 16 editors', ONE.split(' '), 16], ['100 sessions, 2 editors each', HUNDRED.split(' '), 2]]) {
  const rate = await overBridge(`pg_live: ${name}`, sessions, editorsEach);
  await overRelay(`y-websocket in memory: ${name}`, sessions, editorsEach, rate);
}
process.exit(0);
