// Behaviour: updates of Yjs are merged, compared and verified as Yjs does it, byte for byte, whatever they contain.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as Y from 'yjs';
import { randomFrom } from './support.mjs';

const cases = Number(process.env.YJS_CASES ?? 60);
const seed = Number(process.env.YJS_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const oneOf = (list) => list[random(list.length)];

before(() => execFileSync('make', ['--silent', '-C', `${root}test/bridge`, 'yjs_filter'], { stdio: 'inherit' }));

/** Asks the filter all of [question, ...bytes] at once. Bytes come as hexadecimal digits. */
function ask(questions) {
  const input = questions.map(([question, ...all]) => `${[question, ...all.map(hexadecimal)].join(' ')}\n`).join('');
  return execFileSync(`${root}build/bridge/yjs_filter`, { input, encoding: 'utf8', maxBuffer: 1 << 28 }).split('\n').slice(0, -1);
}

const hexadecimal = (bytes) => Buffer.from(bytes).toString('hex');

function shuffled(list) {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

const strings = ['a', 'bc', 'é', '日本', '👍', '👨‍👩‍👧', '\0', '"\\'];
const values = [null, true, false, 0, -1, 63, 64, 2 ** 31, -(2 ** 40), 0.5, 1 / 3, NaN, [2n ** 60n, undefined], '日', '', [], [1, [2]], { a: { b: [null] } }, new Uint8Array([0, 255])];
const embeds = [{ image: '\ud800' }, { text: '\0' }, { list: [1, { deep: null }] }];

const edits = [
  ({ text }) => text.insert(random(text.length + 1), oneOf(strings)),
  ({ text }) => text.insert(random(text.length + 1), oneOf(strings), { [oneOf(['bold', 'link'])]: oneOf([true, null, { to: 'x' }]) }),
  ({ text }) => text.insertEmbed(random(text.length + 1), oneOf(embeds)),
  ({ text }) => text.length && text.format(random(text.length), 1, { bold: oneOf([true, null]) }),
  ({ text }) => text.length && text.delete(random(text.length), 1),
  ({ list }) => list.insert(random(list.length + 1), Array.from({ length: 1 + random(4) }, () => oneOf(values))),
  ({ list }) => list.insert(random(list.length + 1), [oneOf([new Y.Map(), new Y.Array(), new Y.Text('日👍'), new Y.XmlText('x')])]),
  ({ list }) => list.insert(random(list.length + 1), [new Y.Doc({ guid: `d${random(1000)}`, autoLoad: random(2) === 0, meta: { n: random(9) } })]),
  ({ list }) => list.length && list.delete(random(list.length), 1),
  ({ map }) => map.set(oneOf(['a', 'b']), oneOf(values)),
  ({ map }) => map.set('c', oneOf([new Y.Text('t'), new Y.Map(), new Uint8Array(3)])),
  ({ map }) => map.delete(oneOf(['a', 'b', 'c'])),
  ({ xml }) => xml.insert(random(xml.length + 1), [oneOf([new Y.XmlElement('p'), new Y.XmlText('y'), new Y.XmlHook('h')])]),
  ({ xml }) => xml.length && xml.delete(random(xml.length), 1),
];

// Yjs reads lists of JSON texts, but no longer writes them.
const listOfJson = (client) => Uint8Array.from([1, 1, client, 0, 2, 1, 1, 0x6a, 3, 1, 0x31, 9, ...Buffer.from('undefined'), 3, 0x22, 0x78, 0x22, 0]);

function newDocument(client) {
  const doc = new Y.Doc({ gc: random(3) > 0 });
  doc.clientID = client;
  const shared = { doc, text: doc.getText('t'), list: doc.getArray('l'), map: doc.getMap('m'), xml: doc.getXmlFragment('x') };
  doc.getArray('j');
  return shared;
}

/** What some clients send who edit side by side, and now and then send what they have again, merged or in part. */
function randomLog() {
  const log = random(2) ? [listOfJson(77)] : [];
  const clients = [1 + random(100), 1000 + random(1000), 2 ** 31 + random(2 ** 30)].map(newDocument);
  for (const { doc } of clients) doc.on('update', (update, origin) => origin === 'log' || log.push(update));
  for (let step = 0; step < 25; step++) {
    const client = oneOf(clients);
    const { doc } = client;
    if (random(3) === 0) for (const update of log) Y.applyUpdate(doc, update, 'log');
    doc.transact(() => { for (let n = random(3); n >= 0; n--) oneOf(edits)(client); });
    if (random(8) === 0) log.push(Y.encodeStateAsUpdate(doc));
    if (random(8) === 0) log.push(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(oneOf(clients).doc)));
    if (random(8) === 0) log.push(Y.mergeUpdates(log.filter(() => random(3) === 0)));
  }
  return shuffled(log);
}

function documentOf(updates) {
  const { doc } = newDocument(5);
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

/**
 * What is in a document, with the members of maps in one order, and without characters that Yjs may divide: it lists
 * members in the order in which they came, and a surrogate pair may be two U+FFFD in one document only.
 */
const textOf = (doc) => JSON.stringify(doc, (_, value) => {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return value.replaceAll(/[\ud800-\udbff][\udc00-\udfff]|\ufffd/g, '');
  return value?.constructor === Object ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
});

/** Not by comparing two documents: Yjs removes marks of formatting in each as it takes the updates. */
const hasAll = (doc, log) => log.every((update) => Y.snapshotContainsUpdate(Y.snapshot(doc), update));

function randomStateVector(update) {
  const clocks = [...Y.decodeStateVector(Y.encodeStateVectorFromUpdate(update))].map(([client, clock]) => [client, random(clock + 1)]);
  return Y.encodeStateVector(new Map(clocks.filter(([, clock]) => clock > 0)));
}

const logs = Array.from({ length: cases }, randomLog);

test(`the state vector of ${cases} logs is that of Yjs (seed ${seed})`, () => {
  const expected = logs.map((log) => hexadecimal(Y.encodeStateVectorFromUpdate(Y.mergeUpdates(log))));
  assert.deepEqual(ask(logs.map((log) => ['state_vector', ...log])), expected);
});

test(`${cases} logs are merged as Yjs does it, with and without gaps (seed ${seed})`, () => {
  const parts = logs.map((log) => log.filter(() => random(2) === 0));
  const all = [...logs, ...parts];
  assert.deepEqual(ask(all.map((log) => ['merge', ...log])), all.map((log) => hexadecimal(Y.mergeUpdates(log))));
});

test(`what ${cases} state vectors lack is what Yjs sends (seed ${seed})`, () => {
  const questions = logs.map((log) => {
    const merged = Y.mergeUpdates(log.filter(() => random(4) > 0));
    return ['diff', merged, randomStateVector(merged)];
  });
  assert.deepEqual(ask(questions), questions.map(([, update, known]) => hexadecimal(Y.diffUpdate(update, known))));
});

test(`a document with a merge and with a difference is the one with all updates (seed ${seed})`, () => {
  const parts = logs.map((log) => ask([['merge', ...log.slice(0, log.length / 2)], ['merge', ...log]]).map((digits) => Buffer.from(digits, 'hex')));
  const differences = ask(parts.map(([part, merged]) => ['diff', merged, Y.encodeStateVectorFromUpdate(part)]));
  logs.forEach((log, i) => {
    const expected = documentOf(log);
    const [part, merged] = parts[i];
    for (const updates of [[merged], [part, Buffer.from(differences[i], 'hex')]]) {
      const doc = documentOf(updates);
      assert.ok(hasAll(doc, log));
      assert.equal(textOf(doc), textOf(expected));
    }
  });
});

test(`a snapshot is complete, and one without an update is refused when it lacks something (seed ${seed})`, () => {
  const complete = logs.map((log) => ['verify', Y.encodeStateAsUpdate(documentOf(log)), ...log]);
  assert.deepEqual(new Set(ask(complete)), new Set(['complete']));
  const lacking = logs.map((log) => ({ log, doc: documentOf(log.toSpliced(random(log.length), 1)) }));
  const refused = ask(lacking.map(({ log, doc }) => ['verify', Y.encodeStateAsUpdate(doc), ...log])).map((answer) => answer !== 'complete');
  assert.deepEqual(refused, lacking.map(({ log, doc }) => !hasAll(doc, log)));
  assert.ok(refused.includes(true));
});

test(`an update that a log has already is recognized (seed ${seed})`, () => {
  const questions = logs.map((log) => ['has', oneOf(log), ...log.filter(() => random(8) > 0)]);
  const expected = questions.map(([, update, ...log]) => {
    const structs = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(Y.mergeUpdates(log)));
    return Y.snapshotContainsUpdate(Y.createSnapshot(Y.decodeUpdate(Y.mergeUpdates(log)).ds, structs), update) ? 'yes' : 'no';
  });
  const answers = ask(questions);
  expected.forEach((answer, i) => answer === 'yes' && assert.equal(answers[i], 'yes'));
  const { doc } = newDocument(4_000_000); // a client of none of the logs
  doc.getMap('other').set('a', 1);
  assert.deepEqual(ask([['has', Y.encodeStateAsUpdate(doc), ...logs[0]]]), ['no']);
});

test('what Yjs cannot apply is refused', () => {
  const [log] = logs;
  const update = Y.mergeUpdates(log);
  const cut = update.subarray(0, update.length - 1);
  assert.throws(() => Y.mergeUpdates([cut, update]));
  assert.match(ask([['merge', cut, update]])[0], /^error: the bytes end too early$/);
});
