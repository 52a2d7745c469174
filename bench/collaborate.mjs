// Measures editors of one session: how long a key takes to be acknowledged, and what cursors cost those who see them.
import { setTimeout as pause } from 'node:timers/promises';
import { Author, TextEditor } from '../test/bridge/e2e/editors.mjs';
import { bridge } from './bridge.mjs';

const [seconds, delay] = process.argv.slice(2).map(Number);
const keysEvery = 250;
const cursorsEvery = 50;
const participants = 50;

/** An editor that remembers how long each of its edits took. A session with another policy than text has no document. */
class TimedEditor extends TextEditor {
  times = [];
  #typed = [];

  constructor(session) {
    super({ ...session, clientId: session.clientId, state: { ...session.state, document: '' }, changed: () => session.changed(), attach: () => {} });
    session.attach(this, session.state.head);
    this.mine = session.clientId;
  }

  get isSaved() {
    return this.adapter.isSaved;
  }

  pending(most) {
    return this.adapter.pending(most);
  }

  receive(operation) {
    this.adapter.receive(operation);
    if (operation.client_id === this.mine) this.times.push(performance.now() - this.#typed.shift());
  }

  type() {
    this.#typed.push(performance.now());
    this.change({ from: this.content.length >> 1, insert: 'x' });
  }
}

/** A network that takes its time, there and back; counts answers that say stale. */
const slow = (answers) => (transport) => ({
  ...transport,
  open: (id, listener) => transport.open(id, { ...listener, event: (...given) => setTimeout(() => listener.event(...given), delay / 2) }),
  async push(command, payload) {
    await pause(delay / 2);
    const answer = await transport.push(command, payload);
    await pause(delay / 2);
    if (command === 'collab:edit') answers[answer.status] = (answers[answer.status] ?? 0) + 1;
    return answer;
  },
});

const joined = async (session_id, count, options = {}) => {
  const authors = [];
  for (let number = 0; number < count; number++) authors.push(await Author.join(TimedEditor, { bridge, user: `typist-${number}`, room: { session_id }, ...options }));
  while (!authors.every(({ connection }) => connection.some(([state]) => state === 'joined'))) await pause(20);
  return authors;
};

async function typists(title, session_id, count) {
  const answers = {};
  const authors = await joined(session_id, count, { network: slow(answers) });
  const end = performance.now() + seconds * 1000;
  await Promise.all(authors.map(async ({ editor }) => {
    await pause(Math.random() * keysEvery);
    for (; performance.now() < end; await pause(keysEvery * (0.5 + Math.random()))) editor.type();
  }));
  const deadline = performance.now() + 60_000;
  while (!authors.every(({ isSaved }) => isSaved) && performance.now() < deadline) await pause(20);
  const times = authors.flatMap(({ editor }) => editor.times).sort((one, other) => one - other);
  const quantile = (part) => (times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN).toFixed(0).padStart(7);
  console.log(`${title.padEnd(34)}${quantile(0.5)}${quantile(0.95)}${quantile(0.99)}${String(answers.stale ?? 0).padStart(9)}${String(times.length).padStart(7)}`);
  for (const author of authors) await author.close();
}

async function cursors(session_id) {
  const authors = await joined(session_id, participants);
  for (const { received } of authors) Object.assign(received, { frames: 0, bytes: 0 });
  const end = performance.now() + seconds * 1000;
  await Promise.all(authors.map(async ({ session }) => {
    await pause(Math.random() * cursorsEvery);
    for (let at = 0; performance.now() < end; at++, await pause(cursorsEvery)) session.moveCursor({ version: session.version, anchor: at, head: at });
  }));
  const mean = (name) => authors.reduce((sum, { received }) => sum + received[name], 0) / authors.length / seconds;
  console.log(`\n${participants} participants, each moving a cursor 20 times a second: a receiver gets ${mean('frames').toFixed(0)} frames and ${(mean('bytes') / 1000).toFixed(1)} kB a second, answers to its own included`);
  for (const author of authors) await author.close();
}

const [text, single, cas, pointed] = process.env.SESSIONS.split(' ');
console.log(`4 keys a second, ${delay} ms of delay, ${seconds} s; from the key to the edit's return from the log, in ms`);
console.log(`${''.padEnd(34)}    p50    p95    p99  rejects  edits`);
await typists('text (rebase), 10 typists', text, 10);
await typists('cas (compare and set), 10 typists', cas, 10);
await typists('text (rebase), one typist', single, 1);
await cursors(pointed);
process.exit(0);
