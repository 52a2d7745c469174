// Behaviour: live.key_between() and the npm package fractional-indexing make the same keys, so clients with the package and
// SQL order one list.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyBetween } from 'fractional-indexing';
import { openDatabase } from './database.mjs';
import { randomFrom } from './support.mjs';

const seed = Number(process.env.KEY_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);

/** The neighbours of places in a list that grows: at its ends, close together, and anywhere. */
function neighbours(count) {
  const list = [generateKeyBetween(null, null)];
  const pairs = [[null, null]];
  while (pairs.length < count) {
    const place = [0, list.length, Math.min(3, list.length), random(list.length + 1)][random(4)];
    const pair = [list[place - 1] ?? null, list[place] ?? null];
    pairs.push(pair);
    list.splice(place, 0, generateKeyBetween(...pair));
  }
  return pairs;
}

test(`keys are those of the package (KEY_SEED=${seed})`, async () => {
  const ends = [[null, 'A00000000000000000000000001V'], ['zzzzzzzzzzzzzzzzzzzzzzzzzzz', null], ['bzz', null], [null, 'Y00'], ['Zz', 'a0'], ['a0', 'a001']];
  const pairs = [...neighbours(2000), ...ends];
  const database = await openDatabase();
  try {
    const { rows } = await database.query(
      'select live.key_between(b, a) as key from unnest($1::text[], $2::text[]) with ordinality as p (b, a, n) order by n',
      [pairs.map(([before]) => before), pairs.map(([, after]) => after)]);
    assert.deepEqual(rows.map(({ key }) => key), pairs.map((pair) => generateKeyBetween(...pair)));
  } finally {
    await database.close();
  }
});
