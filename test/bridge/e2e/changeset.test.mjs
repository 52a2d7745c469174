// Behaviour: change sets have the results of CodeMirror, whoever made them, and the text of each is the same in its editor.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ChangeSet, Text } from '@codemirror/state';
import { randomFrom } from './support.mjs';

const cases = Number(process.env.CHANGESET_CASES ?? 5000);
const seed = Number(process.env.CHANGESET_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const characters = ['a', 'b', 'é', '日', '👍', 'e\u0301', '👨‍👩‍👧', '\n', '\n', 'xyz', '"\\', '\t', '\u2028'];

before(() => execFileSync('make', ['--silent', '-C', `${root}test/bridge`, 'changeset_filter'], { stdio: 'inherit' }));

const randomString = (most) => Array.from({ length: random(most + 1) }, () => characters[random(characters.length)]).join('');
const toText = (string) => Text.of(string.split('\n'));

/** A place in the string that is not within a surrogate pair. */
function randomPlace(string, from = 0) {
  const place = from + random(string.length - from + 1);
  return /[\ud800-\udbff]/.test(string[place - 1] ?? '') ? place + 1 : place;
}

/** Changes as transactions make them: some ranges, in any order, each replaced by some text. */
function randomChanges(string) {
  const ranges = Array.from({ length: random(5) }, () => {
    const from = randomPlace(string);
    return { from, to: random(2) ? from : randomPlace(string, from), insert: toText(randomString(3)) };
  });
  return ChangeSet.of(ranges, string.length);
}

/** Changes that are written as no editor writes them: sections in pieces. */
function randomPieces(string) {
  const pieces = [];
  for (let at = 0; at < string.length; ) {
    const end = random(4) ? Math.min(string.length, randomPlace(string, at)) : at;
    const kind = random(3);
    if (kind === 2) pieces.push([end - at, ...randomString(2).concat('a').split('\n')]);
    else if (end > at) pieces.push(kind ? [end - at] : end - at);
    at = end;
  }
  return ChangeSet.fromJSON(pieces);
}

/** Asks the filter about all of the cases at once. */
function ask(questions) {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const output = execFileSync(`${root}build/bridge/changeset_filter`, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  return output.trimEnd().split('\n').map((line) => JSON.parse(line));
}

function randomQuestions(makeChanges) {
  return Array.from({ length: cases }, () => {
    const doc = randomString(12);
    const a = makeChanges(doc);
    return { doc, a, b: makeChanges(doc), c: makeChanges(a.apply(toText(doc)).toString()) };
  });
}

function expectedTexts({ doc, a, b, c }) {
  const document = toText(doc);
  const doc_ab = a.map(b).apply(b.apply(document));
  return {
    doc_a: a.apply(document).toString(),
    doc_b: b.apply(document).toString(),
    doc_ab: doc_ab.toString(),
    doc_ba: doc_ab.toString(),
    doc_ac: c.apply(a.apply(document)).toString(),
    doc_again: doc,
  };
}

test(`${cases} change sets of CodeMirror are mapped, composed and inverted as in CodeMirror (seed ${seed})`, () => {
  const questions = randomQuestions(randomChanges);
  ask(questions).forEach((answer, i) => {
    const { doc, a, b, c } = questions[i];
    const expected = { a, b, a_map_b: a.map(b), b_map_a_before: b.map(a, true), a_compose_c: a.compose(c), a_invert: a.invert(toText(doc)) };
    const json = JSON.parse(JSON.stringify(expected));
    assert.deepEqual(answer, { ...json, ...expectedTexts(questions[i]) }, JSON.stringify(questions[i]));
  });
});

test(`${cases} change sets in pieces have the effects that they have in CodeMirror (seed ${seed})`, () => {
  const questions = randomQuestions(randomPieces);
  ask(questions).forEach((answer, i) => {
    const expected = expectedTexts(questions[i]);
    const texts = Object.fromEntries(Object.keys(expected).map((name) => [name, answer[name]]));
    assert.deepEqual(texts, expected, JSON.stringify(questions[i]));
  });
});

// CodeMirror reads such a line and counts its units, but splits it where the text is loaded again.
test('a line that holds a line break, by which two editors count differently, is refused', () => {
  for (const line of ['a\r\nb', 'a\nb', '\r']) {
    const [answer] = ask([{ doc: '', a: [[0, line]], b: [], c: [] }]);
    assert.match(answer.a, /contains a line break/);
  }
  const changes = ChangeSet.fromJSON([[0, 'a\r\nb']]);
  const loaded = Text.of(changes.apply(Text.empty).toString().split(/\r\n?|\n/));
  assert.notEqual(loaded.length, changes.newLength);
});
