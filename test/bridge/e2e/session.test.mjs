// Behaviour: who joins a session by a socket or by HTTP gets its state and from there on every event, is active while a
// connection is in the session, and is told with the database's code what may not be.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients, subscribed } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { ask as askBridge } from './http-client.mjs';
import { Session } from '../../../bridge/client/lib/collaboration/session.js';
import { CommandError } from '../../../bridge/client/lib/collaboration/transport.js';
import { RawSocket } from './raw-socket.mjs';
import { Relay } from './relay.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

const lease = 3; // seconds
const grace = 1;

describe('sessions', () => {
  let cluster, database, bridge;
  const flags = ['--lease', String(lease), '--poll-interval', '1', '--join-timeout', '3600'];
  const closeLater = withBridge({ cluster: [`pg_live.grace_period = '${grace}s'`], flags }, (made) => ({ cluster, database, bridge } = made));

  const ask = (...request) => askBridge(bridge, ...request);

  /** A socket of a user that has joined one channel; `push` sends a command there and returns the payload of its reply. */
  async function socketOf(user, topic = 'realtime:presence', config = {}, through = bridge) {
    const socket = closeLater(await RawSocket.open(through, { token: through.token({ sub: user }) }));
    assert.equal((await socket.join(topic, { config })).payload.status, 'ok');
    let last = 100;
    socket.push = async (event, body) => {
      last += 1;
      socket.send('1', `${last}`, topic, event, body);
      return (await socket.reply(`${last}`)).payload;
    };
    return socket;
  }

  /** Makes a public session owned by anna; returns its id. */
  async function makeSession(body = {}) {
    const { body: state } = await ask('POST', '/api/collaboration/join', { body: { room_name: uniqueName('room'), create_if_missing: true, ...body } });
    return state.session_id;
  }

  /** Who is active, by the query that apps run. */
  async function active(session) {
    const { rows } = await database.query('SELECT * FROM live.session_participants WHERE session_id = $1 AND is_active = TRUE ORDER BY joined_at', [session]);
    return rows.map(({ user_id }) => user_id).join(' ');
  }
  const becomesActive = (session, users) => eventually(`active are "${users}"`, async () => (await active(session)) === users);

  for (const client of clients) {
    test(`${client.name}: joins, edits, and gets every event after the state it was answered`, async () => {
      const session = await makeSession();
      const user = uniqueName('user');
      const lobby = closeLater(await subscribed(client, bridge, 'presence', { claims: { sub: user } }));
      const { status, response } = await lobby.push('collab:join', { session_id: session });
      assert.equal(status, 'ok');
      assert.deepEqual([response.session_id, response.role, response.document, response.head, response.participants.map(({ user_id }) => user_id)], [session, 'editor', '', 0, ['anna', user]]);
      assert.match(response.position, /^\d+-0@/);
      const channel = closeLater(await subscribed(client, bridge, `session:${session}`, { claims: { sub: user } }));
      const answer = await channel.push('collab:edit', { base_version: 0, operations: [[[0, 'hello']]], client_id: 'tab', key: '1' });
      assert.deepEqual(answer, { status: 'ok', response: { status: 'accepted', first_version: 1, last_version: 1, head: 1 } });
      assert.deepEqual((await channel.arrived('collab:edit')).payload, { session_id: session, version: 1, user_id: user, client_id: 'tab', operation: [[0, 'hello']] });
    });
  }

  test('the position of the state joins it to the events, without gap or repeat, while others edit', async () => {
    const session = await makeSession();
    const typist = await socketOf('anna', `realtime:session:${session}`);
    let head = 0;
    let stop = false;
    const typing = (async () => {
      while (!stop) {
        const { response } = await typist.push('collab:edit', { base_version: head, operations: [[...(head ? [head] : []), [0, 'x']]], client_id: 'typist' });
        head = response.head;
      }
    })();
    for (let n = 0; n < 10; n += 1) {
      const reader = await socketOf(uniqueName('user'));
      const { response: state } = await reader.push('collab:join', { session_id: session });
      assert.equal(state.document.length, state.head);
      await reader.join(`realtime:session:${session}`, { config: { resume: state.position } }, '2');
      const edits = await eventually('ten edits', () => {
        const seen = reader.broadcasts(`realtime:session:${session}`).filter(({ payload }) => payload.event === 'collab:edit');
        return seen.length >= 10 && seen;
      });
      assert.deepEqual(edits.map(({ payload }) => payload.payload.version), edits.map((_, i) => state.head + 1 + i));
      reader.close();
    }
    stop = true;
    await typing;
  });

  test('a participant is active while a connection has joined the channel, and no longer', async () => {
    const session = await makeSession();
    const user = uniqueName('user');
    await ask('POST', '/api/collaboration/join', { user, body: { session_id: session } });
    assert.equal(await active(session), '');
    const first = await socketOf(user, `realtime:session:${session}`);
    await becomesActive(session, user);
    const second = await socketOf(user, `realtime:session:${session}`);
    first.close();
    second.send('1', '9', `realtime:session:${session}`, 'phx_leave', {});
    await becomesActive(session, '');
    await second.join(`realtime:session:${session}`, {}, '2');
    await becomesActive(session, user);
    second.socket.terminate();
    await becomesActive(session, '');
    const { body } = await ask('GET', `/api/collaboration/session?session_id=${session}`, { user });
    assert.deepEqual(body.participants.map((each) => [each.user_id, each.is_active]), [['anna', false], [user, false]], 'who disconnects has not left');
  });

  test('collab:join by a socket makes active at once, collab:leave ends the participation', async () => {
    const session = await makeSession();
    const user = uniqueName('user');
    const socket = await socketOf(user);
    const { response } = await socket.push('collab:join', { session_id: session });
    assert.equal(response.participants.find(({ user_id }) => user_id === user).is_active, true);
    assert.equal(await active(session), user);
    assert.deepEqual(await socket.push('collab:leave', { session_id: session }), { status: 'ok', response: {} });
    assert.equal(await active(session), '');
    const left = await socket.push('collab:leave', { session_id: session });
    assert.equal(left.status, 'ok', 'the session is public, so leaving it twice is no error');
  });

  test('a user who goes offline with the socket open is not active, and is again after coming back', async () => {
    const session = await makeSession();
    const socket = await socketOf('anna', `realtime:session:${session}`);
    await becomesActive(session, 'anna');
    await ask('DELETE', '/api/presence');
    await becomesActive(session, '');
    await socket.push('presence:update', { mode: 'busy' });
    await becomesActive(session, 'anna');
    socket.close();
    await becomesActive(session, '');
  });

  test('a user who comes back before the bridge has heard of going offline is active again', async () => {
    const relay = closeLater(await Relay.before({ port: database.server.port }));
    const conninfo = database.bridgeConninfo.replace(/port=\d+/, `port=${relay.port}`);
    const other = closeLater(await startBridge(database, { flags: [...flags, '--listen-db', conninfo] }));
    const session = await makeSession();
    const socket = await socketOf('anna', `realtime:session:${session}`, {}, other);
    await becomesActive(session, 'anna');
    relay.breakSilently('answers');
    await ask('DELETE', '/api/presence');
    await becomesActive(session, '');
    await socket.push('presence:update', { mode: 'busy' });
    relay.heal();
    await becomesActive(session, 'anna');
  });

  test('when a bridge is killed its users stop being active with its lease', async () => {
    const session = await makeSession();
    const other = closeLater(await startBridge(database, { flags }));
    await socketOf('anna', `realtime:session:${session}`, {}, other);
    await becomesActive(session, 'anna');
    await other.stop('SIGKILL');
    await becomesActive(session, '');
  });

  test('after a crash of the database those who are still connected are active again, and nobody else', async () => {
    const session = await makeSession();
    const user = uniqueName('user');
    await ask('POST', '/api/collaboration/join', { user, body: { session_id: session } });
    const gone = closeLater(await startBridge(database, { flags }));
    await socketOf(user, `realtime:session:${session}`, {}, gone);
    await socketOf('anna', `realtime:session:${session}`);
    await becomesActive(session, `anna ${user}`);
    await gone.stop('SIGKILL');
    await cluster.restart('immediate');
    await eventually('the database answers', () => database.reconnect());
    await becomesActive(session, 'anna');
  });

  test('what is removed from a session gets nothing more and is not active', async () => {
    const session = await makeSession();
    const user = uniqueName('user');
    const socket = await socketOf(user);
    await socket.push('collab:join', { session_id: session });
    await socket.join(`realtime:session:${session}`, {}, '2');
    await database.query(`with claims as materialized (select set_config('request.jwt.claims', '{"sub": "anna"}', false))
      select live.remove_participant($1, $2) from claims`, [session, user]);
    await socket.frame('the end of the channel', ({ event, topic }) => event === 'phx_close' && topic === `realtime:session:${session}`);
    await becomesActive(session, '');
    assert.equal((await socket.push('collab:edit', { session_id: session, base_version: 0, operations: [[[0, 'x']]], client_id: 'c' })).status, 'error');
  });

  test('the routes answer sessions, documents and operations', async () => {
    const session = await makeSession();
    assert.equal((await ask('POST', '/api/collaboration/edit', { body: { session_id: session, base_version: 0, operations: [[[0, 'ab']], [2, [0, 'c']]], client_id: 'c' } })).body.head, 2);
    assert.deepEqual((await ask('GET', `/api/collaboration/document?session_id=${session}`)).body, { session_id: session, version: 2, document: 'abc' });
    assert.deepEqual((await ask('GET', `/api/collaboration/document?session_id=${session}&version=1`)).body, { session_id: session, version: 1, document: 'ab' });
    const { body: { operations } } = await ask('GET', `/api/collaboration/operations?session_id=${session}&after_version=1`);
    assert.deepEqual(operations.map(({ version, user_id, client_id, operation }) => [version, user_id, client_id, operation]), [[2, 'anna', 'c', [2, [0, 'c']]]]);
    const { body: { sessions, next }, headers } = await ask('GET', '/api/collaboration/sessions?limit=1');
    assert.deepEqual([sessions.length, sessions[0].session_id, sessions[0].head], [1, session, 2]);
    assert.equal(next, sessions[0].cursor);
    assert.match(headers.get('link'), /rel="next"/);
    assert.equal((await ask('POST', '/api/collaboration/leave', { body: { session_id: session } })).status, 204);
    assert.equal((await ask('GET', `/api/collaboration/document?session_id=${session}`)).status, 404);
  });

  test('a client that missed more than one page of bytes reads on to the head, and then submits upon it', async () => {
    const { rows: [{ id }] } = await database.query(`with claims as materialized (select set_config('request.jwt.claims', '{"sub": "anna"}', false))
      select (live.create_session($1, 'cas')).id from claims`, [uniqueName('large')]);
    await database.query(`insert into live.operation (session_id, version, user_id, client_id, operation)
      select $1, n, 'anna', 'tab', to_jsonb(repeat('x', 250000)) from generate_series(1, 20) n`, [id]);
    await database.query('update live.collaboration_sessions set head = 20 where id = $1', [id]);
    const socket = await socketOf('anna', `realtime:session:${id}`);
    const pages = [];
    const transport = {
      open: (_, listener) => listener.joined(),
      async push(command, body) {
        const { status, response } = await socket.push(command, body);
        if (status !== 'ok') throw new CommandError(response.reason, response.code);
        if (command === 'collab:operations') pages.push(response.operations.length);
        return response;
      },
      close() {},
    };
    const { body: state } = await ask('GET', `/api/collaboration/session?session_id=${id}`);
    assert.deepEqual([state.head, state.operations.length < 20], [20, true], 'the state has the first page');
    const received = [];
    const session = new Session(transport, state);
    const submission = { base_version: 20, operations: [1] };
    session.attach({ isSaved: true, pending: () => (received.length === 20 ? submission : null), receive: ({ version }) => received.push(version), refuse: () => null }, 0);
    await eventually('the log has its edit', async () => (await database.query('select head from live.collaboration_sessions where id = $1', [id])).rows[0].head === '21');
    assert.deepEqual(received.slice(0, 20), Array.from({ length: 20 }, (_, at) => at + 1));
    assert.ok(pages.length > 1 && pages[0] < 20, `pages of ${pages}`);
    session.close();
  });

  test('a client keeps a snapshot of a session that only clients can read, for those who join', async () => {
    const { rows: [{ id }] } = await database.query(`with claims as materialized (select set_config('request.jwt.claims', '{"sub": "anna"}', false))
      select (live.create_session($1, 'append', metadata => '{"format": "yjs"}')).id from claims`, [uniqueName('sketch')]);
    const socket = await socketOf('anna', `realtime:session:${id}`);
    assert.equal((await socket.push('collab:edit', { base_version: 0, operations: [{ update: 'AQHsBwAEAQF0AWEA' }], client_id: 'c' })).response.head, 1);
    assert.equal((await socket.push('collab:snapshot', { version: 1, snapshot: 'AAA=' })).response.code, '22023', 'one that lacks the update is refused');
    assert.deepEqual(await socket.push('collab:snapshot', { version: 1, snapshot: 'AQHsBwAEAQF0AWEA' }), { status: 'ok', response: {} });
    assert.equal((await ask('POST', '/api/collaboration/snapshot', { body: { session_id: id, version: 1, snapshot: '*' } })).status, 422);
    const { body } = await ask('GET', `/api/collaboration/session?session_id=${id}`);
    assert.deepEqual([body.snapshot, body.snapshot_version, body.operations], ['AQHsBwAEAQF0AWEA', 1, []]);
  });

  test('what may not be is refused with the code of the database', async () => {
    const session = await makeSession();
    const readOnly = await makeSession();
    await database.query('update live.collaboration_sessions set is_read_only = true where id = $1', [readOnly]);
    const socket = await socketOf(uniqueName('user'));
    for (const [event, body, code] of [
      ['collab:join', {}, '22023'], ['collab:join', { room_name: uniqueName('none') }, 'P0002'], ['collab:join', { room_name: 'x'.repeat(10000) }, '22023'],
      ['collab:join', { room_name: 'a\u0001' }, '22023'], ['collab:join', { session_id: 'x' }, '22P02'], ['collab:edit', { base_version: 0 }, '22004'],
      ['collab:edit', { session_id: session, base_version: 0, operations: [[[0, 'x']]], client_id: 'c' }, '42501'], ['collab:leave', {}, '22004'], ['collab:cursor', { session_id: session, cursor: {} }, 'P0002'],
    ]) {
      const answer = await socket.push(event, body);
      assert.deepEqual([answer.status, answer.response.code], ['error', code], `${event} ${JSON.stringify(body).slice(0, 60)}`);
    }
    for (const [method, path, body, status, code] of [
      ['POST', 'join', {}, 422, '22023'], ['POST', 'join', { room_name: uniqueName('none') }, 404, 'P0002'], ['POST', 'join', { name: 'x' }, 400, '22023'],
      ['GET', 'document?session_id=x', undefined, 422, '22P02'], ['GET', `document?session_id=${session}&version=7`, undefined, 422, '22023'], ['GET', 'sessions?limit=0', undefined, 422, '22023'],
      ['POST', 'edit', { session_id: readOnly, base_version: 0, operations: [[[0, 'x']]], client_id: 'c' }, 409, '55000'],
    ]) {
      const answer = await ask(method, `/api/collaboration/${path}`, { body });
      assert.deepEqual([answer.status, answer.body.code], [status, code], `${method} ${path}`);
    }
  });

  test('who may do what: each route and the channel, for each kind of user', async () => {
    const session = await database.makeSession('owner', 'editor', 'viewer', 'removed');
    await database.query(`update live.session_participants set role = user_id::live.participant_role where session_id = $1 and user_id <> 'removed'`, [session]);
    await database.query(`with claims as materialized (select set_config('request.jwt.claims', '{"sub": "owner"}', false))
      select live.remove_participant($1, 'removed') from claims`, [session]);
    await database.makeSession('other');
    const edit = { session_id: session, base_version: 0, operations: [[[0, 'x']]] };
    const users = ['owner', 'editor', 'viewer', 'outsider', 'removed', 'other', null];
    const expected = {
      'GET session': [200, 200, 200, 404, 404, 404, 401], 'GET document': [200, 200, 200, 404, 404, 404, 404], 'GET operations': [200, 200, 200, 200, 200, 200, 200],
      'POST join': [200, 200, 200, 404, 404, 404, 401], 'POST edit': [200, 200, 403, 404, 404, 404, 401], 'POST leave': [409, 204, 204, 404, 404, 404, 401],
    };
    for (const [request, statuses] of Object.entries(expected)) {
      const [method, route] = request.split(' ');
      for (const [at, user] of users.entries()) {
        const body = method === 'GET' ? undefined : route === 'edit' ? { ...edit, client_id: `tab of ${user}` } : { session_id: session };
        const answer = await ask(method, `/api/collaboration/${route}${body ? '' : `?session_id=${session}`}`, { user, token: user ? bridge.token({ sub: user }) : bridge.anonKey, body });
        assert.equal(answer.status, statuses[at], `${request} as ${user}: ${JSON.stringify(answer.body)}`);
        if (route === 'operations' && at > 2) assert.deepEqual(answer.body.operations, [], `the operations for ${user}`);
      }
    }
    for (const [at, user] of ['owner', 'outsider', 'removed', 'other', null].entries()) {
      const socket = closeLater(await RawSocket.open(bridge, { token: user ? bridge.token({ sub: user }) : bridge.anonKey }));
      assert.equal((await socket.join(`realtime:session:${session}`)).payload.status, at === 0 ? 'ok' : 'error', `the channel for ${user}`);
    }
  });
});
