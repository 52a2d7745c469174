// Behaviour: activities by HTTP: every route, as the user of the token, and what is refused with which status. What a
// feed has, and its pages, are in http_feed.test.mjs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { ask as requestOf, linksOf } from './http-client.mjs';
import { uniqueName } from './support.mjs';

const feedColumns = ['activity_type', 'created_at', 'cursor', 'entity_id', 'entity_type', 'id', 'metadata', 'session_id', 'user_id', 'visibility'];
const origin = 'https://app.example';

describe('activities by HTTP', () => {
  let database, bridge;
  withBridge({ flags: ['--allowed-origin', origin] }, (made) => ({ database, bridge } = made));

  const ask = (...request) => requestOf(bridge, ...request);
  const log = (user, body, headers) => ask('POST', '/api/activity', { user, body, headers });
  const idsOf = ({ body }) => body.activities.map(({ id }) => id);
  const feed = (query, user = 'anna') => ask('GET', `/api/activity?${new URLSearchParams(query)}`, { user });
  const countOf = async (user) =>
    Number((await database.query('select count(*) from live.activity_stream where user_id = $1', [user])).rows[0].count);

  for (const prefix of ['', '/realtime/v1']) {
    test(`POST ${prefix}/api/activity logs an activity, GET reads it`, async () => {
      const user = uniqueName('user');
      const posted = await ask('POST', `${prefix}/api/activity`, {
        user, body: { activity_type: 'liked', entity_type: 'book', entity_id: '7', metadata: { x: 'grüße 🦀' } } });
      assert.equal(posted.status, 201, posted.text);
      assert.match(posted.headers.get('content-type'), /^application\/json/);
      assert.deepEqual(Object.keys(posted.body).sort(), feedColumns);
      const { user_id: actor, activity_type: type, entity_id: entity, metadata, visibility } = posted.body;
      assert.deepEqual([actor, type, entity, metadata, visibility], [user, 'liked', '7', { x: 'grüße 🦀' }, 'public']);
      const read = await ask('GET', `${prefix}/api/activity?actor=${user}`);
      assert.deepEqual([read.status, read.body], [200, { activities: [posted.body], next: null }]);
    });
  }

  test('numbers in metadata keep every digit', async () => {
    const { text } = await log(uniqueName('user'), '{"activity_type": "x", "metadata": {"big": 9007199254740993, "price": 1.10}}');
    assert.ok(text.includes('9007199254740993') && text.includes('1.10'), text);
  });

  for (const [said, visibility] of [
    [{}, 'public'], [{ is_public: true }, 'public'], [{ is_public: false }, 'private'], [{ is_public: null }, 'public'],
    [{ visibility: 'followers', is_public: true }, 'followers'], [{ visibility: 'public', is_public: false }, 'public'],
    [{ visibility: 'users', audience: ['ben', 'ben'] }, 'users'],
  ]) {
    test(`${JSON.stringify(said)} is the visibility ${visibility}`, async () => {
      assert.equal((await log(uniqueName('user'), { activity_type: 'x', ...said })).body.visibility, visibility);
    });
  }

  test('an activity is of who sends it, whatever the body says', async () => {
    const user = uniqueName('user');
    assert.equal((await log(user, { activity_type: 'x', user_id: 'victim' })).body.user_id, user);
  });

  test('an activity of a session is for who takes part', async () => {
    const [user, mate] = [uniqueName('user'), uniqueName('mate')];
    const { body: { id } } = await log(user, { activity_type: 'x', visibility: 'session', session_id: await database.makeSession(user, mate) });
    assert.deepEqual(idsOf(await feed({ actor: user }, mate)), [id]);
    assert.deepEqual(idsOf(await feed({ actor: user }, 'stranger')), []);
  });

  describe('an idempotency key', () => {
    const body = { activity_type: 'x', metadata: { n: 1 } };
    test('makes a request that is repeated one activity', async () => {
      const user = uniqueName('user');
      const answers = await Promise.all(Array.from({ length: 8 }, () => log(user, { ...body, idempotency_key: 'k' })));
      for (const { status, text } of answers) assert.deepEqual([status, text], [201, answers[0].text]);
      assert.equal(await countOf(user), 1);
    });

    test('may stand in the header, or in the body, which wins unless it is null', async () => {
      const user = uniqueName('user');
      const { body: { id } } = await log(user, { ...body, idempotency_key: 'k"1' });
      for (const [said, header] of [[{}, 'k"1'], [{ idempotency_key: null }, 'k"1'], [{ idempotency_key: 'k"1' }, 'other']]) {
        const again = await log(user, { ...body, ...said }, { 'idempotency-key': header });
        assert.deepEqual([again.status, again.body?.id], [201, id], again.text);
      }
      assert.equal(await countOf(user), 1);
    });

    test('of another activity is refused with 409, in words', async () => {
      const user = uniqueName('user');
      await log(user, { ...body, idempotency_key: 'k' });
      const refused = await log(user, { ...body, metadata: {}, idempotency_key: 'k' });
      assert.deepEqual([refused.status, refused.body], [409, { error: 'idempotency key was used for another activity', code: '23505' }]);
    });

    test('of another user is no obstacle', async () => {
      assert.equal((await log(uniqueName('user'), { ...body, idempotency_key: 'k' })).status, 201);
      assert.equal((await log(uniqueName('user'), { ...body, idempotency_key: 'k' })).status, 201);
    });

    for (const [what, key, status] of [['empty', '', 422], ['256 letters', 'x'.repeat(256), 422], ['bytes that are no text', '\xff', 400]]) {
      test(`that is ${what} is refused with ${status}`, async () => {
        assert.equal((await log(uniqueName('user'), body, { 'idempotency-key': key })).status, status);
      });
    }
  });

  test('DELETE takes an activity away, once, and only its actor can', async () => {
    const user = uniqueName('user');
    const { body: { id } } = await log(user, { activity_type: 'x' });
    assert.equal((await ask('DELETE', `/api/activity?id=${id}`, { user: 'mallory' })).status, 404);
    const deleted = await ask('DELETE', `/api/activity?id=${id}`, { user });
    assert.deepEqual([deleted.status, deleted.text], [204, '']);
    assert.deepEqual(idsOf(await feed({ actor: user }, user)), []);
    const again = await ask('DELETE', `/api/activity?id=${id}`, { user });
    assert.deepEqual([again.status, again.body], [404, { error: 'no such activity of yours', code: 'P0002' }]);
  });

  describe('what is for a user', () => {
    test('GET /api/activity/home is of those whom one follows', async () => {
      const [viewer, followed, other] = ['viewer', 'followed', 'other'].map(uniqueName);
      assert.equal((await ask('POST', '/api/follow', { user: viewer, body: { user_id: followed } })).status, 204);
      const ids = [];
      for (let n = 0; n < 5; n++) ids.push((await log(followed, { activity_type: 'x', visibility: n % 2 ? 'followers' : 'public' })).body.id);
      await log(followed, { activity_type: 'x', visibility: 'private' });
      await log(other, { activity_type: 'x' });
      const home = '/api/activity/home?limit=2';
      const first = await ask('GET', home, { user: viewer });
      assert.deepEqual(idsOf(first), [ids[4], ids[3]]);
      const second = await ask('GET', linksOf(bridge, first, home).next, { user: viewer });
      assert.deepEqual(idsOf(second), [ids[2], ids[1]]);
      assert.equal((await ask('DELETE', `/api/follow?user_id=${followed}`, { user: viewer })).status, 204);
      assert.deepEqual((await ask('GET', home, { user: viewer })).body, { activities: [], next: null });
    });

    test('GET /api/activity/notifications tells what is seen, read and unread', async () => {
      const [user, actor] = ['user', 'actor'].map(uniqueName);
      const notifications = async () => {
        const { body } = await ask('GET', '/api/activity/notifications', { user });
        return { unread: body.unread, next: body.next, rows: body.activities.map(({ id, seen, read }) => [id, seen, read]) };
      };
      const ids = [];
      for (let n = 0; n < 3; n++) ids.unshift((await log(actor, { activity_type: 'x', visibility: 'users', audience: [user] })).body.id);
      assert.deepEqual(await notifications(), { unread: 3, next: null, rows: ids.map((id) => [id, false, false]) });
      assert.equal((await ask('POST', '/api/activity/seen', { user, body: { up_to: ids[1] } })).status, 204);
      assert.equal((await ask('POST', '/api/activity/read', { user, body: { ids: [ids[2], 1] } })).status, 204);
      assert.deepEqual(await notifications(), { unread: 2, next: null, rows: [[ids[0], false, false], [ids[1], true, false], [ids[2], true, true]] });
      assert.equal((await ask('POST', '/api/activity/read', { user, body: { ids: [] } })).status, 204);
      assert.equal((await notifications()).unread, 2);
      assert.equal((await ask('POST', '/api/activity/read', { user, body: {} })).status, 204);
      assert.equal((await notifications()).unread, 0);
      assert.equal((await ask('POST', '/api/activity/seen', { user: actor, body: { up_to: ids[0] } })).status, 404);
    });

    for (const [path, body] of [
      ['/api/activity/read', { id: 1 }], ['/api/activity/read?ids=1', {}], ['/api/activity/read?ids=1', undefined],
      ['/api/activity/seen', { upto: 1 }], ['/api/activity/seen?up_to=1', {}],
    ]) {
      test(`POST ${path} ${JSON.stringify(body)} is refused, and all stays unread`, async () => {
        const [user, actor] = ['user', 'actor'].map(uniqueName);
        await log(actor, { activity_type: 'x', visibility: 'users', audience: [user] });
        const refused = await ask('POST', path, { user, body });
        assert.deepEqual([refused.status, refused.body.code], [400, '22023'], refused.text);
        const { body: { unread, activities: [{ seen, read }] } } = await ask('GET', '/api/activity/notifications', { user });
        assert.deepEqual([unread, seen, read], [1, false, false]);
      });
    }

    test('GET /api/activity/groups sums up by what and where', async () => {
      const [viewer, ...actors] = ['viewer', 'a', 'b', 'c'].map(uniqueName);
      const entity = uniqueName('entity');
      for (const actor of actors) await log(actor, { activity_type: 'liked', entity_type: 'book', entity_id: entity });
      const { body } = await ask('GET', '/api/activity/groups?limit=1000', { user: viewer });
      const group = body.groups.find(({ entity_id: id }) => id === entity);
      assert.deepEqual([group.activity_type, group.actor_count, group.actors], ['liked', 3, [...actors].reverse()]);
      const request = '/api/activity/groups?limit=1';
      const answer = await ask('GET', request, { user: viewer });
      assert.equal(new URL(linksOf(bridge, answer, request).next).searchParams.get('cursor'), answer.body.next);
      assert.equal((await ask('GET', '/api/activity/groups?grouping=actor-day', { user: viewer })).status, 200);
      assert.equal((await ask('GET', '/api/activity/groups?grouping=none', { user: viewer })).body.code, '22023');
    });

    test('GET /api/activity/trending has the entities with most activity first', async () => {
      const kind = uniqueName('kind');
      for (const entity of ['b', 'a', 'b', 'b', 'a', 'c']) await log(uniqueName('user'), { activity_type: 'x', entity_type: kind, entity_id: entity });
      const { status, body } = await ask('GET', `/api/activity/trending?entity_type=${kind}&limit=2`, { token: bridge.anonKey });
      assert.equal(status, 200);
      assert.deepEqual(body.entities.map(({ entity_id: entity, score }) => [entity, Math.round(score)]), [['b', 3], ['a', 2]]);
    });
  });

  test('an entity that does not exist and one that may not be seen get the same answer, byte for byte', async () => {
    const name = uniqueName('books');
    await database.query(`
      create table public.${name} (id integer primary key, owner text not null);
      alter table public.${name} enable row level security;
      create policy own on public.${name} using (owner = live.user_id());
      grant select on public.${name} to authenticated;
      insert into public.${name} values (1, 'somebody else'), (2, 'anna');
      select live.register_entity_type('${name}', 'public.${name}', 'id')`);
    const about = async (entity) => {
      const { status, text, headers } = await log('anna', { activity_type: 'liked', entity_type: name, entity_id: entity });
      return { status, text, headers: Object.fromEntries([...headers].filter(([header]) => header !== 'date')) };
    };
    assert.equal((await about('2')).status, 201);
    const [unseen, absent, senseless] = await Promise.all(['1', '3', 'x'].map(about));
    assert.deepEqual([unseen.status, JSON.parse(unseen.text)], [422, { error: 'entity does not exist', code: '23503' }]);
    assert.deepEqual(absent, unseen);
    assert.deepEqual(senseless, unseen);
  });

  const deep = (depth) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  for (const [what, body, status, code] of [
    ['without a type', {}, 422, '22004'],
    ['of a type of 10 kB', { activity_type: 'x'.repeat(10_000) }, 422, '22023'],
    ['of an empty type', { activity_type: '' }, 422, '22023'],
    ['of metadata 9 levels deep', { activity_type: 'x', metadata: deep(9) }, 413, '54000'],
    ['of metadata 100 levels deep', { activity_type: 'x', metadata: deep(100) }, 400, '22P02'],
    ['of 20 kB of metadata', { activity_type: 'x', metadata: { x: 'x'.repeat(20_000) } }, 413, '54000'],
    ['of metadata that is a list', { activity_type: 'x', metadata: [] }, 422, '22023'],
    ['of metadata with __proto__', '{"activity_type": "x", "metadata": {"__proto__": {}}}', 422, '22023'],
    ['for 10,000 users', { activity_type: 'x', visibility: 'users', audience: Array.from({ length: 10_000 }, (_, n) => `u${n}`) }, 413, '54000'],
    ['for users without any', { activity_type: 'x', visibility: 'users', audience: [] }, 422, '22023'],
    ['for an audience that is a number', { activity_type: 'x', visibility: 'users', audience: 7 }, 422, '22P02'],
    ['for an audience with null in it', { activity_type: 'x', visibility: 'users', audience: [null] }, 422, '22004'],
    ['for nobody known', { activity_type: 'x', visibility: 'friends' }, 422, '22P02'],
    ['of a session of others', { activity_type: 'x', session_id: '6b1f0b8e-9d53-4c6e-8f43-2f7a52f1c001' }, 403, '42501'],
    ['of an entity without an id', { activity_type: 'x', entity_type: 'book' }, 422, '22023'],
    ['of an entity whose id is a number', { activity_type: 'x', entity_type: 'book', entity_id: 7 }, 400, '22023'],
    ['of a type that is a list', { activity_type: ['x'] }, 400, '22023'],
    ['for users who are numbers', { activity_type: 'x', visibility: 'users', audience: [7] }, 400, '22023'],
    ['of a visibility that is misspelt', { activity_type: 'x', visiblity: 'private' }, 400, '22023'],
    ['that is a list', '[]', 400, '22023'],
    ['that is no JSON', '{activity_type: "x"}', 400, '22P02'],
  ]) {
    test(`an activity ${what} is refused with ${status}, and nothing is stored`, async () => {
      const user = uniqueName('user');
      const refused = await log(user, body);
      assert.deepEqual([refused.status, refused.body.code], [status, code], refused.text);
      assert.equal(await countOf(user), 0);
    });
  }

  for (const [method, path, body] of [
    ['POST', '/api/activity', { activity_type: 'x' }], ['DELETE', '/api/activity?id=1'], ['GET', '/api/activity/home'],
    ['GET', '/api/activity/notifications'], ['POST', '/api/activity/seen', {}], ['POST', '/api/activity/read', {}],
    ['POST', '/api/follow', { user_id: 'anna' }], ['DELETE', '/api/follow?user_id=anna'],
  ]) {
    test(`${method} ${path} is for the signed in`, async () => {
      const { status, body: told } = await ask(method, path, { token: bridge.anonKey, body });
      assert.deepEqual([status, told.code, told.error], [401, '42501', 'not signed in']);
    });
  }

  for (const [body, code] of [[{}, '22004'], [{ user_id: '' }, '22023'], [{ user_id: 'x'.repeat(256) }, '22023'], [{ user_id: 'anna' }, '22023']]) {
    test(`nobody follows ${JSON.stringify(body).slice(0, 30)}`, async () => {
      const { status, body: told } = await ask('POST', '/api/follow', { body });
      assert.deepEqual([status, told.code], [422, code]);
    });
  }

  for (const [query, status, code] of [['', 422, '22004'], ['?user_id=', 422, '22023'], ['?userid=ben', 400, '22023']]) {
    test(`DELETE /api/follow${query} ends following nobody, and says so`, async () => {
      const { status: answered, body } = await ask('DELETE', `/api/follow${query}`);
      assert.deepEqual([answered, body?.code], [status, code]);
    });
  }

  for (const [path, methods] of Object.entries({
    '/api/activity': 'GET, HEAD, POST, DELETE, OPTIONS',
    '/realtime/v1/api/activity': 'GET, HEAD, POST, DELETE, OPTIONS',
    '/api/activity/home': 'GET, HEAD, OPTIONS',
    '/api/activity/read': 'POST, OPTIONS',
    '/api/follow': 'POST, DELETE, OPTIONS',
  })) {
    test(`${path} takes ${methods}, and says so to other methods and to pages`, async () => {
      assert.equal((await ask('PUT', path, { body: {} })).headers.get('allow'), methods);
      const preflight = await ask('OPTIONS', path, { user: null, headers: { origin, 'access-control-request-method': 'POST' } });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-methods')], [204, methods]);
      assert.match(preflight.headers.get('access-control-allow-headers'), /idempotency-key/);
    });
  }

  test('a page of another origin logs nothing', async () => {
    const user = uniqueName('user');
    assert.equal((await log(user, { activity_type: 'x' }, { origin: 'https://evil.example' })).status, 403);
    assert.equal(await countOf(user), 0);
  });
});
