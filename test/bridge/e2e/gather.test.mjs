// Behaviour: edits that wait for one session are one transaction, with an answer for each; cursors are gathered, remembered
// for those who join later, and gone with those who go.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { ask as askBridge } from './http-client.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, uniqueName } from './support.mjs';

describe('what is gathered of several clients', () => {
  let database, bridge;
  const closeLater = withBridge({ flags: ['--cursor-gather', '200'] }, (made) => ({ database, bridge } = made));

  // A busy machine may take longer than two seconds for what a test does while edits wait.
  before(() => database.query(`alter function live_private.submit_each(uuid[], text[], boolean) set lock_timeout = '1min'`));

  async function makeSession() {
    const { body } = await askBridge(bridge, 'POST', '/api/collaboration/join', { body: { room_name: uniqueName('room'), create_if_missing: true } });
    return body.session_id;
  }

  /** A socket of a participant on the session's channel; `begin` pushes, `push` also waits for the answer. */
  async function participant(session, user) {
    await askBridge(bridge, 'POST', '/api/collaboration/join', { user, body: { session_id: session } });
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: user }) }));
    const topic = `realtime:session:${session}`;
    assert.equal((await socket.join(topic)).payload.status, 'ok');
    let last = 100;
    socket.begin = (event, body) => {
      last += 1;
      socket.send('1', `${last}`, topic, event, body);
      return socket.reply(`${last}`).then(({ payload }) => payload);
    };
    /** Resolves once the bridge has read what was pushed before. */
    socket.reached = () => {
      last += 1;
      socket.send(null, `${last}`, 'phoenix', 'heartbeat', {});
      return socket.reply(`${last}`);
    };
    socket.seen = (event) => socket.broadcasts(topic).filter(({ payload }) => payload.event === event).map(({ payload }) => payload.payload);
    return socket;
  }

  const insertion = (text) => ({ base_version: 0, operations: [[[0, text]]], client_id: `client of ${text}` });

  /** Resolves once so many transactions with edits wait for a lock. */
  const submissionsWait = (transactions = 1) => eventually(`${transactions} with edits wait`, async () =>
    (await database.query(`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%submit_each%'`)).rowCount >= transactions);

  /** Runs `meanwhile` while the session is locked, so that what is pushed has to wait. */
  async function whileLocked(session, meanwhile) {
    const other = await database.connect();
    await other.query('begin');
    await other.query('select from live.collaboration_sessions where id = $1 for update', [session]);
    const result = await meanwhile();
    await submissionsWait();
    await other.query('commit');
    return result;
  }

  test('edits that waited are one transaction, and each is answered for itself', async () => {
    const session = await makeSession();
    const sockets = [];
    for (const user of ['a', 'b', 'c', 'd', 'viewer']) sockets.push(await participant(session, user));
    await database.query(`update live.session_participants set role = 'viewer' where session_id = $1 and user_id = 'viewer'`, [session]);
    const answers = await whileLocked(session, async () => {
      const [a, b, c, d, viewer] = sockets;
      const first = a.begin('collab:edit', insertion('a'));
      await submissionsWait();
      const others = [b.begin('collab:edit', insertion('b')), c.begin('collab:edit', { ...insertion('c'), operations: [[7, [0, 'c']]] }),
        viewer.begin('collab:edit', insertion('v')), d.begin('collab:edit', { ...insertion('d'), base_version: 99 }), b.begin('collab:edit', { ...insertion('e'), client_id: 'second client of b' })];
      await Promise.all(sockets.map((socket) => socket.reached()));
      return [first, ...others];
    });
    const [a, b, c, viewer, d, e] = await Promise.all(answers);
    assert.deepEqual([a, b, e].map(({ status, response }) => [status, response.status, response.head]), [['ok', 'accepted', 1], ['ok', 'accepted', 2], ['ok', 'accepted', 3]]);
    assert.deepEqual([c, viewer, d].map(({ status, response }) => [status, response.code]), [['error', '22023'], ['error', '42501'], ['error', '22023']]);
    const { rows } = await database.query('select version, created_at::text, user_id from live.operation where session_id = $1 order by version', [session]);
    assert.deepEqual(rows.map(({ user_id }) => user_id), ['a', 'b', 'b']);
    assert.equal(rows[1].created_at, rows[2].created_at, 'those of b are one transaction');
    assert.notEqual(rows[0].created_at, rows[1].created_at);
    const { rows: [{ document }] } = await database.query('select live_private.document_text($1) as document', [session]);
    assert.deepEqual([...document].sort(), ['a', 'b', 'e']);
  });

  test('edits of several sessions that waited are one transaction', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, makeSession));
    const sockets = await Promise.all(sessions.map((session, n) => participant(session, `user ${n}`)));
    const other = await database.connect();
    await other.query('begin');
    await other.query('lock table live.operation in exclusive mode');
    const answers = [];
    for (const [n, socket] of sockets.entries()) {
      answers.push(socket.begin('collab:edit', insertion('x')));
      if (n < 2) await submissionsWait(n + 1);
    }
    await Promise.all(sockets.map((socket) => socket.reached()));
    await other.query('commit');
    for (const { status, response } of await Promise.all(answers)) assert.deepEqual([status, response.status], ['ok', 'accepted']);
    const { rows } = await database.query('select count(distinct created_at)::int as transactions from live.operation where session_id = any ($1)', [sessions.slice(2)]);
    assert.equal(rows[0].transactions, 1);
  });

  test('an edit of one session does not wait for another session that is locked', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, makeSession));
    const sockets = await Promise.all(sessions.map((session, n) => participant(session, `user ${n}`)));
    const free = sockets.pop();
    const other = await database.connect();
    await other.query('begin');
    await other.query('select from live.collaboration_sessions where id = any ($1) for update', [sessions.slice(0, -1)]);
    const waiting = sockets.map((socket) => socket.begin('collab:edit', insertion('x')));
    await Promise.all(sockets.map((socket) => socket.reached()));
    await submissionsWait();
    assert.equal((await free.begin('collab:edit', insertion('y'))).response.status, 'accepted');
    await other.query('commit');
    for (const { status, response } of await Promise.all(waiting)) assert.deepEqual([status, response.status], ['ok', 'accepted']);
  });

  test('an edit that spoils the call for all is found, and the others are accepted', async () => {
    const session = await makeSession();
    const sockets = [];
    for (const user of ['a', 'b', 'c']) sockets.push(await participant(session, user));
    const [a, b, c] = sockets;
    const answers = await whileLocked(session, async () => {
      const first = a.begin('collab:edit', insertion('a'));
      await submissionsWait();
      const others = [b.begin('collab:edit', { ...insertion('b'), base_version: 'none' }), c.begin('collab:edit', insertion('c'))];
      await Promise.all(sockets.map((socket) => socket.reached()));
      return [first, ...others];
    });
    const [first, bad, good] = await Promise.all(answers);
    assert.equal(first.response.status, 'accepted');
    assert.deepEqual([bad.status, bad.response.code], ['error', '22P02']);
    assert.deepEqual([good.status, good.response.status], ['ok', 'accepted']);
  });

  test('a user who floods a session is refused, and others edit on', async () => {
    const session = await makeSession();
    const flooding = await participant(session, 'flooding');
    const other = await participant(session, 'other');
    const answers = await whileLocked(session, async () => {
      const flood = Array.from({ length: 400 }, (_, n) => flooding.begin('collab:edit', { ...insertion('f'), client_id: `client ${n}` }));
      await flooding.reached();
      return [other.begin('collab:edit', insertion('o')), ...flood];
    });
    const [own, ...flood] = await Promise.all(answers);
    assert.equal(own.response.status, 'accepted');
    const refused = flood.filter(({ status }) => status === 'error');
    assert.ok(refused.length > 0 && refused.length < 400, `${refused.length} of 400 refused`);
    assert.deepEqual([...new Set(refused.map(({ response }) => response.code))], ['53400']);
  });

  test('the newest cursor of each is one event for all, and the state of who joins later has them', async () => {
    const session = await makeSession();
    const a = await participant(session, 'a');
    const b = await participant(session, 'b');
    const reader = await participant(session, 'reader');
    const moves = [];
    for (let at = 1; at <= 20; at += 1)
      for (const [socket, client_id] of [[a, 'tab a'], [b, 'tab b']]) moves.push(socket.begin('collab:cursor', { cursor: { at }, client_id }));
    for (const answer of await Promise.all(moves)) assert.deepEqual(answer, { status: 'ok', response: {} });
    const newest = [{ user_id: 'a', client_id: 'tab a', cursor: { at: 20 } }, { user_id: 'b', client_id: 'tab b', cursor: { at: 20 } }];
    const byUser = (x, y) => x.user_id.localeCompare(y.user_id);
    const last = await eventually('both cursors', () => {
      const shown = new Map();
      for (const { cursors } of reader.seen('collab:cursors')) for (const each of cursors) shown.set(each.client_id, each);
      for (const { session_id, ...each } of reader.seen('collab:cursor')) shown.set(each.client_id, each);
      return [...shown.values()].filter(({ cursor }) => cursor.at === 20).length === 2 && [...shown.values()].sort(byUser);
    });
    assert.deepEqual(last, newest);
    assert.ok(reader.seen('collab:cursors').length + reader.seen('collab:cursor').length < 20, 'fewer events than moves');
    const { body } = await askBridge(bridge, 'GET', `/api/collaboration/session?session_id=${session}`, { user: 'reader' });
    assert.deepEqual(body.cursors.sort(byUser), newest);
    a.socket.close(1000);
    await eventually('the cursor of a is taken away', () => reader.seen('collab:cursor').some(({ user_id, cursor }) => user_id === 'a' && cursor === null));
    b.send('1', '9', `realtime:session:${session}`, 'phx_leave', {});
    await eventually('that of b too', () => reader.seen('collab:cursor').some(({ user_id, cursor }) => user_id === 'b' && cursor === null));
    const { rows } = await database.query(`select from live.event where topic = $1 and event like 'collab:cursor%'`, [`session:${session}`]);
    assert.equal(rows.length, 0, 'no cursor is in a durable table');
  });

  test('a cursor that is none is refused, and those of others move', async () => {
    const session = await makeSession();
    const a = await participant(session, 'a');
    const b = await participant(session, 'b');
    const [bad, large, good] = await Promise.all([a.begin('collab:cursor', JSON.parse('{"cursor": {"__proto__": 1}}')),
      (await participant(session, 'c')).begin('collab:cursor', { cursor: { text: 'x'.repeat(100000) } }), b.begin('collab:cursor', { cursor: { at: 1 } })]);
    assert.deepEqual([bad.status, bad.response.code, large.status, large.response.code], ['error', '22023', 'error', '54000']);
    assert.deepEqual(good, { status: 'ok', response: {} });
    const other = await makeSession();
    assert.equal((await a.begin('collab:cursor', { session_id: other, cursor: {} })).response.code, 'P0002');
  });
});
