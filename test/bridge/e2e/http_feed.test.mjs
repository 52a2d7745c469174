// Behaviour: the feed by HTTP: its filters, its pages and the links between them, forwards and backwards.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { ask as requestOf, linksOf } from './http-client.mjs';
import { connectTcp } from './tcp-socket.mjs';
import { uniqueName } from './support.mjs';

const feedColumns = ['activity_type', 'created_at', 'cursor', 'entity_id', 'entity_type', 'id', 'metadata', 'session_id', 'user_id', 'visibility'];
const origin = 'https://app.example';

describe('the feed by HTTP', () => {
  let database, bridge;
  const types = ['liked', 'grüße & = + %"<>', 'opened'];
  let actor;
  let room;
  withBridge({ flags: ['--allowed-origin', origin] }, async (made) => {
    ({ database, bridge } = made);
    actor = uniqueName('actor');
    ({ rows: [{ id: room }] } = await database.query('select gen_random_uuid() as id'));
    // Ten at each moment, so that the order of ids within it matters too.
    await database.query(
      `insert into live.activity_stream (user_id, activity_type, entity_type, entity_id, metadata, visibility, session_id, created_at)
       select $1, ($2::text[])[1 + n % 3], 'book', (n % 5)::text, jsonb_build_object('n', n, 'tag', jsonb_build_array('t' || n % 2)), 'public',
              case when n % 4 = 0 then $3::uuid end, timestamptz '2026-03-01 00:00:00+00' + n / 10 * interval '1 minute'
       from generate_series(0, 299) n`,
      [actor, types, room]);
  });

  const ask = (...request) => requestOf(bridge, ...request);
  const log = (user, body) => ask('POST', '/api/activity', { user, body });
  const idsOf = ({ body }) => body.activities.map(({ id }) => id);
  const feed = (query, user = 'anna') => ask('GET', `/api/activity?${new URLSearchParams(query)}`, { user });

  /** All pages from a request on, each reached by the link of the one before. */
  async function follow(request) {
    const pages = [];
    for (let next = request; next; ) {
      assert.ok(pages.length < 400, 'the pages never end');
      const answer = await ask('GET', next);
      assert.equal(answer.status, 200, answer.text);
      pages.push({ ids: idsOf(answer), links: linksOf(bridge, answer, next) });
      next = pages.at(-1).links.next;
    }
    return pages;
  }

  const expected = async (condition = 'true', order = 'desc') =>
    (await database.query(
      `select id::integer from live.activity_stream where user_id = $1 and ${condition} order by created_at ${order}, id ${order}`, [actor])).rows.map(({ id }) => id);

  for (const [filters, condition] of [
    [{}, 'true'],
    [{ type: 'liked' }, "activity_type = 'liked'"],
    [{ type: 'liked,opened' }, "activity_type in ('liked', 'opened')"],
    [{ type: types[1] }, "activity_type like 'grüße%'"],
    [{ type: 'nothing' }, 'false'],
    [{ type: '' }, 'true'],
    [{ entity_type: 'book', entity_id: '3' }, "entity_id = '3'"],
    [{ entity_type: 'film' }, 'false'],
    [{ since: '2026-03-01T00:10:00Z' }, "created_at >= '2026-03-01 00:10:00+00'"],
    [{ until: '2026-03-01T01:10:00+01:00' }, "created_at < '2026-03-01 00:10:00+00'"],
    [{ since: '2026-03-01T00:10:00Z', until: '2026-03-01T00:11:00Z' }, "created_at = '2026-03-01 00:10:00+00'"],
    [{ metadata: '{"tag": ["t1"]}' }, "metadata @> '{\"tag\": [\"t1\"]}'"],
    [{ metadata: '{"n": 7}' }, "metadata @> '{\"n\": 7}'"],
    [{ metadata: '7' }, 'false'],
  ]) {
    test(`has what the filters ${JSON.stringify(filters)} let through`, async () => {
      const answer = await feed({ limit: 1000, actor, ...filters });
      assert.deepEqual(idsOf(answer), await expected(condition));
    });
  }

  test('can be of one session', async () => {
    assert.deepEqual(idsOf(await feed({ limit: 1000, session_id: room })), await expected('session_id is not null'));
  });

  test('takes a type more than once, and user_id for actor', async () => {
    const { body } = await ask('GET', `/api/activity?user_id=${actor}&limit=1000&type=liked&type=opened`);
    assert.deepEqual(body.activities.map(({ id }) => id), await expected("activity_type in ('liked', 'opened')"));
  });

  test('has the columns of feeds in a row, and no more', async () => {
    const { body } = await feed({ actor, limit: 1 });
    assert.deepEqual(Object.keys(body.activities[0]).sort(), feedColumns);
    assert.equal(body.next, body.activities[0].cursor);
  });

  test('without a limit is 50 activities', async () => {
    assert.equal(idsOf(await feed({ actor })).length, 50);
  });

  const filtered = (query) => `/api/activity?${new URLSearchParams({ actor, ...query })}`;
  for (const limit of [1, 7, 100, 1000]) {
    test(`followed by rel="next" in pages of ${limit} is the table, newest first`, async () => {
      const pages = await follow(filtered({ limit }));
      assert.deepEqual(pages.flatMap(({ ids }) => ids), await expected());
      assert.equal(pages[0].links.prev, undefined, 'nothing comes before what was asked for without a cursor');
    });
  }

  test('goes back from its last page to its first', async () => {
    const last = (await follow(filtered({ limit: 7 }))).at(-1);
    const back = await follow(last.links.prev);
    assert.deepEqual([...[...last.ids].reverse(), ...back.flatMap(({ ids }) => ids)], await expected('true', 'asc'));
  });

  test('backwards is the table, oldest first, and goes back from its last page too', async () => {
    const pages = await follow(filtered({ limit: 7, direction: 'backwards' }));
    assert.deepEqual(pages.flatMap(({ ids }) => ids), await expected('true', 'asc'));
    const back = await follow(pages.at(-1).links.prev);
    assert.deepEqual([...[...pages.at(-1).ids].reverse(), ...back.flatMap(({ ids }) => ids)], await expected());
  });

  test('one page on and one back is the page one came from', async () => {
    const first = await ask('GET', filtered({ limit: 20 }));
    const next = linksOf(bridge, first, filtered({})).next;
    const previous = linksOf(bridge, await ask('GET', next), next).prev;
    assert.deepEqual(idsOf(await ask('GET', previous)).reverse(), idsOf(first));
  });

  test('keeps its filters in the links, whatever they are made of', async () => {
    const pages = await follow(`${filtered({ limit: 9, metadata: '{"tag": ["t1"]}' })}&type=liked&type=${encodeURIComponent(types[1])}`);
    assert.deepEqual(pages.flatMap(({ ids }) => ids), await expected("metadata @> '{\"tag\": [\"t1\"]}' and activity_type <> 'opened'"));
    assert.ok(pages.length > 5);
  });

  test('has links that work under the prefix, and hold no key', async () => {
    const request = `/realtime/v1${filtered({ limit: 100, apikey: bridge.token() })}`;
    const answer = await ask('GET', request, { user: null });
    const { next } = linksOf(bridge, answer, request);
    assert.ok(next.startsWith(`${bridge.url}/realtime/v1/api/activity?`) && !next.includes('apikey'), next);
    assert.deepEqual(idsOf(await ask('GET', next)), (await expected()).slice(100, 200));
  });

  test('takes the cursor of another query as the place it is', async () => {
    const { body } = await feed({ actor, limit: 60 });
    const rest = await feed({ actor, type: 'liked', cursor: body.next, limit: 1000 });
    const before = new Set(body.activities.map(({ id }) => id));
    assert.deepEqual(idsOf(rest), (await expected("activity_type = 'liked'")).filter((id) => !before.has(id)));
  });

  test('of the anonymous is what is public', async () => {
    const user = uniqueName('user');
    const { body: { id } } = await log(user, { activity_type: 'x' });
    await log(user, { activity_type: 'x', visibility: 'followers' });
    const { status, body } = await ask('GET', `/api/activity?actor=${user}`, { token: bridge.anonKey });
    assert.deepEqual([status, body.activities.map((activity) => activity.id)], [200, [id]]);
  });

  test('of HEAD is its headers', async () => {
    const socket = await connectTcp(bridge);
    socket.send(`HEAD ${filtered({ limit: 2 })} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token()}\r\n\r\n`);
    await socket.untilClosed();
    assert.match(socket.text, /^HTTP\/1\.1 200 /);
    assert.match(socket.text, /^Link: <\?actor=[^>]+>; rel="next"\r$/m);
    assert.ok(socket.text.endsWith('\r\n\r\n'), socket.text);
  });

  test('lets a page of an allowed origin read its links', async () => {
    const { headers } = await ask('GET', filtered({ limit: 1 }), { headers: { origin } });
    assert.equal(headers.get('access-control-allow-origin'), origin);
    assert.equal(headers.get('access-control-expose-headers'), 'Link, Live-Position, Retry-After');
  });

  for (const [query, code] of [
    ['limit=0', '22023'], ['limit=-1', '22023'], ['limit=1000000000', '22023'], ['limit=1e9', '22P02'], ['limit=', '22P02'],
    ['cursor=AAAA', '22023'], ['cursor=', '22023'], ['cursor=!', '22023'], ['direction=sideways', '22P02'], ['session_id=1', '22P02'],
    ['since=yesterdayish', '22007'], ['metadata={', '22P02'], ['metadata=', '22P02'], ["metadata={'a':1}", '22P02'],
  ]) {
    test(`?${query} is refused with 422 and ${code}`, async () => {
      const { status, body } = await ask('GET', `/api/activity?${query}`);
      assert.deepEqual([status, body.code], [422, code], JSON.stringify(body));
    });
  }

  test('has no place for a cursor that was cut short', async () => {
    const { body: { next } } = await feed({ actor, limit: 1 });
    assert.equal((await feed({ actor, cursor: next.slice(0, -1) })).body.code, '22023');
  });

  test('is not searched for 101 types', async () => {
    const { status, body } = await feed({ type: Array.from({ length: 101 }, (_, n) => `t${n}`).join() });
    assert.deepEqual([status, body.code], [413, '54000']);
  });

  test('has nothing of a type of 10 kB', async () => {
    assert.deepEqual(idsOf(await feed({ type: 'x'.repeat(10_000) })), []);
  });
});
