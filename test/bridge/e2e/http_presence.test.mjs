// Behaviour: the commands of presence by HTTP: every route, as the user of the token, and what is refused with which status.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { ask as requestOf } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { connectTcp } from './tcp-socket.mjs';
import { startBridge, uniqueName } from './support.mjs';

describe('presence by HTTP', () => {
  let database, bridge;
  withBridge({ flags: ['--allowed-origin', 'https://app.example', '--api-keys', 'service=authenticated'] }, (made) => ({ database, bridge } = made));

  const ask = (...request) => requestOf(bridge, ...request);

  /** Brings a user online, in the database; returns the id of the connection. */
  async function online(user, active = true) {
    const { rows } = await database.query(
      `with claims as materialized (select set_config('request.jwt.claims', $1, false)), id as materialized (select gen_random_uuid() as id)
       select id, live.heartbeat(id, active => $2) from claims, id`,
      [JSON.stringify({ sub: user, role: 'authenticated' }), active],
    );
    return rows[0].id;
  }

  const presenceOf = async (user) => (await ask('GET', `/api/presence?user_id=${encodeURIComponent(user)}`)).body;

  for (const prefix of ['', '/realtime/v1']) {
    test(`PATCH ${prefix}/api/presence changes what is shown, GET reads it`, async () => {
      const user = uniqueName('user');
      const patched = await ask('PATCH', `${prefix}/api/presence`, { user, body: { mode: 'busy', custom_status: 'grüße 🦀', metadata: { x: 1 } } });
      assert.equal(patched.status, 200);
      assert.match(patched.headers.get('content-type'), /^application\/json/);
      assert.deepEqual([patched.body.user_id, patched.body.mode, patched.body.metadata], [user, 'busy', { x: 1 }]);
      const read = await ask('GET', `${prefix}/api/presence`, { user });
      assert.equal(read.status, 200);
      assert.deepEqual(read.body, patched.body);
    });
  }

  test('PATCH takes the status of older apps, and leaves what it does not say as it is', async () => {
    const user = uniqueName('user');
    await ask('PATCH', '/api/presence', { user, body: { status: 'away', custom_status: 'here' } });
    const { body } = await ask('PATCH', '/api/presence', { user, body: {} });
    assert.deepEqual([body.mode, body.custom_status], ['away', 'here']);
  });

  test('GET with user_id reads that user, whatever the id is made of', async () => {
    for (const user of [uniqueName('user'), `grüße 🦀 & = + % "${uniqueName('x')}"`, `日本語:${uniqueName('x')}`, `auth0|${uniqueName('x')}`]) {
      await online(user);
      const { status, user_id: userId } = await presenceOf(user);
      assert.deepEqual([userId, status], [user, 'online']);
    }
  });

  test('who is unknown is offline and was never seen', async () => {
    const { status, last_seen_at: seen } = await presenceOf(uniqueName('nobody'));
    assert.deepEqual([status, seen], ['offline', null]);
  });

  test('HEAD is GET without a body', async () => {
    const socket = await connectTcp(bridge);
    socket.send(`HEAD /api/presence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token()}\r\n\r\n`);
    await socket.untilClosed();
    assert.match(socket.text, /^HTTP\/1\.1 200 /);
    assert.ok(Number(/content-length: (\d+)/i.exec(socket.text)[1]) > 50);
    assert.ok(socket.text.endsWith('\r\n\r\n'), socket.text);
  });

  test('DELETE with connection_id ends that connection, without it all of the user', async () => {
    const user = uniqueName('user');
    const connections = [await online(user), await online(user), await online(user)];
    const deleted = await ask('DELETE', `/api/presence?connection_id=${connections[0]}`, { user });
    assert.deepEqual([deleted.status, deleted.text], [204, '']);
    assert.equal((await presenceOf(user)).connections, 2);
    assert.equal((await ask('DELETE', '/realtime/v1/api/presence', { user })).status, 204);
    assert.equal((await presenceOf(user)).status, 'offline');
  });

  test("DELETE with another user's connection_id changes nothing of that user", async () => {
    const victim = uniqueName('victim');
    const connection = await online(victim);
    assert.equal((await ask('DELETE', `/api/presence?connection_id=${connection}`, { user: 'mallory' })).status, 204);
    assert.deepEqual([(await presenceOf(victim)).status, (await presenceOf(victim)).connections], ['online', 1]);
  });

  test('DELETE with arguments in a body is refused, lest it end every connection', async () => {
    const user = uniqueName('user');
    const connection = await online(user);
    assert.equal((await ask('DELETE', '/api/presence', { user, body: { connection_id: connection } })).status, 400);
    assert.equal((await presenceOf(user)).status, 'online');
  });

  for (const query of ['conection_id=ID', 'connection_id=ID&user_id=x', 'connection-id=ID', 'CONNECTION_ID=ID']) {
    test(`DELETE ?${query} is refused, lest it end every connection`, async () => {
      const user = uniqueName('user');
      const connection = await online(user);
      const { status, body } = await ask('DELETE', `/api/presence?${query.replace('=ID', `=${connection}`)}`, { user });
      assert.deepEqual([status, body.code, body.hint], [400, '22023', 'the command takes connection_id']);
      assert.ok(body.error.includes(query.match(/(?:.*&)?(.*)=/)[1]), body.error);
      assert.equal((await presenceOf(user)).connections, 1);
    });
  }

  test('a secret in the query is no argument of any request', async () => {
    const secrets = `apikey=${bridge.token()}&token=x`;
    for (const [method, path, body] of [['GET', '/api/presence'], ['DELETE', '/api/presence'], ['GET', '/api/presence/online'], ['PATCH', '/api/presence', {}]]) {
      const { status, text } = await ask(method, `${path}?${secrets}`, { user: null, body });
      assert.ok(status === 200 || status === 204, text);
    }
  });

  describe('GET /api/presence/online', () => {
    const count = 2500;
    let stem;
    before(async () => {
      // Their ids sort after those of every other test, so that a page of them can be asked for.
      stem = `🦀${uniqueName('crowd')}`;
      await database.query(
        `insert into live.user_presence (user_id) select $1 || to_char(n, 'FM0000') from generate_series(1, ${count}) n`, [stem]);
      await database.query(
        `insert into live.connection (id, user_id, device_type, active, connected_at, last_active_at, seen_at, expires_at, check_at)
         select gen_random_uuid(), user_id, 'web', right(user_id, 1) <> '0', now(), now(), now(), now() + interval '1 hour', now() + interval '1 hour'
         from live.user_presence where starts_with(user_id, $1)`, [stem]);
      await database.query(
        `update live.user_presence set status = case when right(user_id, 1) = '0' then 'away' else 'online' end::live.presence_status
         where starts_with(user_id, $1)`, [stem]);
    });
    after(async () => {
      await database.query('delete from live.connection where starts_with(user_id, $1)', [stem]);
      await database.query('delete from live.user_presence where starts_with(user_id, $1)', [stem]);
    });

    const cursorBefore = () => Buffer.from(stem).toString('base64');

    async function pages(query) {
      const seen = [];
      let cursor = cursorBefore();
      for (let page = 0; cursor !== null; page += 1) {
        assert.ok(page < 100, 'the pages never end');
        const { status, body } = await ask('GET', `/api/presence/online?${query}&cursor=${encodeURIComponent(cursor)}`);
        assert.equal(status, 200, JSON.stringify(body));
        seen.push(body.users);
        cursor = body.next;
      }
      return seen;
    }

    test('pages of 500 hold each of 2,500 users once, in order', async () => {
      const seen = await pages('limit=500');
      const ids = seen.flat().map((user) => user.user_id);
      assert.deepEqual(ids, Array.from({ length: count }, (_, n) => `${stem}${String(n + 1).padStart(4, '0')}`));
      assert.deepEqual(seen.map((page) => page.length), [500, 500, 500, 500, 500, 0]);
    });

    test('a row is a user, without a cursor', async () => {
      const [[first]] = await pages('limit=1000');
      assert.deepEqual(Object.keys(first).sort(), ['custom_status', 'device_type', 'last_seen_at', 'status', 'user_id']);
      assert.equal(first.device_type, 'web');
    });

    test('a page that is not full is the last, a page that is full has a next', async () => {
      assert.deepEqual((await pages('limit=999')).map((page) => page.length), [999, 999, 502]);
    });

    test('without a limit a page has 100', async () => {
      assert.equal((await ask('GET', `/api/presence/online?cursor=${encodeURIComponent(cursorBefore())}`)).body.users.length, 100);
    });

    test('statuses choose who is listed', async () => {
      const away = (await pages('limit=1000&status=away')).flat();
      assert.equal(away.length, count / 10);
      assert.ok(away.every((user) => user.status === 'away'));
      assert.equal((await pages('limit=1000&status=online,away')).flat().length, count);
      assert.equal((await pages('limit=1000&status=busy')).flat().length, 0);
    });

    for (const [query, code] of [
      ['limit=0', '22023'], ['limit=-1', '22023'], ['limit=1000000000', '22023'], ['limit=1e9', '22P02'], ['limit=abc', '22P02'],
      ['limit=', '22P02'], ['limit=99999999999999999999', '22003'], ['cursor=!', '22023'], ['cursor=%F0%9F%A6%80', '22023'],
      ['cursor=/w==', '22023'], ['status=asleep', '22P02'], ['status=online,', '22P02'], ["status=online'--", '22P02'],
    ]) {
      test(`?${query} is refused with 422 and ${code}`, async () => {
        const { status, body } = await ask('GET', `/api/presence/online?${query}`);
        assert.deepEqual([status, body.code], [422, code], JSON.stringify(body));
      });
    }

    test('who asks for a bad page is told how to ask', async () => {
      const { body } = await ask('GET', '/api/presence/online?cursor=!');
      assert.match(body.hint, /cursor/);
    });
  });

  for (const [what, send, status, code] of [
    ['without a token', () => ask('GET', '/api/presence', { user: null }), 401, '28000'],
    ['with a token that is none', () => ask('GET', '/api/presence', { token: 'a.b.c' }), 401, '28000'],
    ['with a token that has expired', () => ask('GET', '/api/presence', { token: bridge.token({ exp: 1 }) }), 401, '28000'],
    ['by an anonymous token', () => ask('GET', '/api/presence', { token: bridge.anonKey }), 401, '42501'],
    ['by a key that is no user\u2019s', () => ask('PATCH', '/api/presence', { token: 'service', body: { mode: 'away' } }), 401, '42501'],
    ['of a mode that is none', () => ask('PATCH', '/api/presence', { body: { mode: 'asleep' } }), 422, '22P02'],
    ['of a status that is none', () => ask('PATCH', '/api/presence', { body: { status: 'asleep' } }), 422, '22P02'],
    ['of metadata with __proto__', () => ask('PATCH', '/api/presence', { body: '{"metadata": {"__proto__": {}}}' }), 422, '22023'],
    ['of 20 kB of metadata', () => ask('PATCH', '/api/presence', { body: { metadata: { x: 'x'.repeat(20_000) } } }), 413, '54000'],
    ['of 5 MB of metadata', () => ask('PATCH', '/api/presence', { body: { metadata: { x: 'x'.repeat(5_000_000) } } }), 413],
    ['of a status that is no text', () => ask('PATCH', '/api/presence', { body: { custom_status: 7 } }), 400, '22023'],
    ['of what there is not', () => ask('PATCH', '/api/presence', { body: { mode: 'away', custom_satus: 'here' } }), 400, '22023'],
    ['with arguments in the query that belong in the body', () => ask('PATCH', '/api/presence?mode=away', { body: {} }), 400, '22023'],
    ['that reads what there is not', () => ask('GET', '/api/presence?userid=ben'), 400, '22023'],
    ['that lists what there is not', () => ask('GET', '/api/presence/online?statuses=away'), 400, '22023'],
    ['that is not JSON', () => ask('PATCH', '/api/presence', { body: '{"mode": busy}' }), 400, '22P02'],
    ['with NUL in its JSON', () => ask('PATCH', '/api/presence', { body: '{"custom_status": "a\\u0000b"}' }), 400, '22P02'],
    ['that is a list', () => ask('PATCH', '/api/presence', { body: '[]' }), 400, '22023'],
    ['that is null', () => ask('PATCH', '/api/presence', { body: 'null' }), 400, '22023'],
    ['that is 10,000 lists in one another', () => ask('PATCH', '/api/presence', { body: '['.repeat(10_000) + ']'.repeat(10_000) }), 400, '22P02'],
    ['of text', () => ask('PATCH', '/api/presence', { body: '{}', headers: { 'content-type': 'text/plain' } }), 415],
    ['of a form', () => ask('PATCH', '/api/presence', { body: 'mode=busy', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 415],
    ['with %00 in user_id', () => ask('GET', '/api/presence?user_id=a%00b'), 400],
    ['with bytes in user_id that are no text', () => ask('GET', '/api/presence?user_id=%ff'), 400, '22023'],
    ['with a connection_id that is none', () => ask('DELETE', '/api/presence?connection_id=1'), 422, '22P02'],
    ['with an empty connection_id', () => ask('DELETE', '/api/presence?connection_id='), 422, '22P02'],
  ]) {
    test(`a request ${what} is refused with ${status}`, async () => {
      const { status: answered, body } = await send();
      assert.equal(answered, status, JSON.stringify(body));
      assert.equal(typeof body.error, 'string');
      assert.equal(body.code, code);
    });
  }

  test('who is not signed in is told so, and how to sign in', async () => {
    const { body, headers } = await ask('GET', '/api/presence', { token: bridge.anonKey });
    assert.equal(body.error, 'not signed in');
    assert.equal(headers.get('www-authenticate'), 'Bearer');
  });

  for (const [what, role] of [['that does not exist', 'no-such-role'], ['that the bridge may not take', 'postgres']]) {
    test(`a token of a role ${what} is no token: 401, however often, and the bridge goes on`, async () => {
      const token = bridge.token({ role });
      for (const [method, body] of [['GET'], ['PATCH', { mode: 'away' }], ['GET'], ['PATCH', { mode: 'away' }]]) {
        const { status, body: told, headers } = await ask(method, '/api/presence', { token, body });
        assert.deepEqual([status, told.code, told.error], [401, '28000', 'the role of the token cannot be assumed']);
        assert.equal(headers.get('www-authenticate'), 'Bearer');
        assert.equal((await ask(method, '/api/presence', { body })).status, 200);
      }
      const socket = await RawSocket.open(bridge, { token });
      const { payload } = await socket.join('realtime:presence');
      assert.deepEqual([payload.status, payload.response.code], ['error', '28000']);
      socket.close();
    });
  }

  test('a body may name its character set', async () => {
    const { status } = await ask('PATCH', '/api/presence', { body: '{"mode":"away"}', headers: { 'content-type': 'Application/JSON; charset=utf-8' } });
    assert.equal(status, 200);
  });

  test('the token may stand in the query, and is no argument of the command', async () => {
    const user = uniqueName('user');
    const { status, body } = await ask('GET', `/api/presence?apikey=${bridge.token({ sub: user })}`, { user: null });
    assert.deepEqual([status, body.user_id], [200, user]);
    const { rows } = await database.query("select query from pg_stat_activity where query like '%apikey%' and pid <> pg_backend_pid()");
    assert.deepEqual(rows, []);
  });

  for (const [path, methods] of Object.entries({
    '/api/presence': 'GET, HEAD, PATCH, DELETE, OPTIONS',
    '/realtime/v1/api/presence': 'GET, HEAD, PATCH, DELETE, OPTIONS',
    '/api/presence/online': 'GET, HEAD, OPTIONS',
    '/api/broadcast': 'POST, OPTIONS',
  })) {
    test(`${path} takes ${methods}, and says so to other methods and to pages`, async () => {
      const refused = await ask('PUT', path, { body: {} });
      assert.equal(refused.status, 405);
      assert.equal(refused.headers.get('allow'), methods);
      const origin = 'https://app.example';
      const preflight = await ask('OPTIONS', path, { user: null, headers: { origin, 'access-control-request-method': 'GET' } });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get('access-control-allow-methods'), methods);
      assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
      assert.match(preflight.headers.get('access-control-allow-headers'), /authorization.*content-type/);
    });
  }

  test('a page of an allowed origin may read every answer, errors too; nobody may keep one', async () => {
    const headers = { origin: 'https://app.example' };
    for (const [method, body, status] of [['GET', undefined, 200], ['PATCH', { mode: 'asleep' }, 422], ['PUT', {}, 405]]) {
      const answer = await ask(method, '/api/presence', { body, headers });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('access-control-allow-origin'), headers.origin);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
    }
  });

  for (const origin of ['https://evil.example', 'null']) {
    test(`a page of ${origin} changes nothing`, async () => {
      const user = uniqueName('user');
      const { status, headers } = await ask('PATCH', '/api/presence', { user, body: { mode: 'busy' }, headers: { origin } });
      assert.deepEqual([status, headers.get('access-control-allow-origin')], [403, null]);
      assert.equal((await presenceOf(user)).mode, 'auto');
    });
  }

  for (const path of ['/api/presence/', '/api/presence/online/', '/api', '/API/presence', '/api/presence%2Fonline', '/realtime/v1/realtime/v1/api/presence']) {
    test(`${path} is no path`, async () => {
      assert.equal((await ask('GET', path)).status, 404);
    });
  }

  test('a command that takes too long is given up with 504, and changes nothing', async () => {
    const hasty = await startBridge(database, { flags: ['--statement-timeout', '1'] });
    const user = uniqueName('user');
    const patch = (mode) =>
      fetch(`${hasty.url}/api/presence`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${hasty.token({ sub: user })}`, 'content-type': 'application/json' },
        body: JSON.stringify({ mode }),
      });
    assert.equal((await patch('away')).status, 200);
    const holder = await database.connect();
    await holder.query('begin');
    await holder.query('select from live.user_presence where user_id = $1 for update', [user]);
    const response = await patch('busy');
    assert.deepEqual([response.status, (await response.json()).code], [504, '57014']);
    await holder.query('rollback');
    assert.equal((await presenceOf(user)).mode, 'away');
    await hasty.stop();
  });

  test('what one user asks for at once is carried out, with no right of another', async () => {
    const users = Array.from({ length: 20 }, () => uniqueName('user'));
    const answers = await Promise.all(
      users.flatMap((user) => Array.from({ length: 10 }, (_, n) => ask('PATCH', '/api/presence', { user, body: { custom_status: `${user} ${n}` } }))));
    for (const [index, { status, body }] of answers.entries()) {
      const user = users[Math.floor(index / 10)];
      assert.deepEqual([status, body.user_id, body.custom_status], [200, user, `${user} ${index % 10}`]);
    }
  });
});
