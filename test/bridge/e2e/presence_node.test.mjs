// Behaviour: an open WebSocket of a user is a connection in the database, on the lease of its bridge. Who closes a tab,
// reloads, loses the network, the bridge or the database is shown as what is true, with one event a change and none else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import WebSocket from 'ws';
import { launchBrowser } from './browser.mjs';
import { modes, openDatabase } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, now, startBridge, uniqueName } from './support.mjs';

const lease = 3; // seconds
const grace = 2;

for (const mode of modes) {
  describe(`${mode} mode, on a cluster of its own`, () => {
    let cluster, database, bridge;
    const flags = ['--lease', String(lease), '--poll-interval', '1', '--join-timeout', '3600'];
    withBridge({ cluster: [`pg_live.grace_period = '${grace}s'`], mode, flags }, (made) => ({ cluster, database, bridge } = made));

    const open = (user, through = bridge) => RawSocket.open(through, { token: through.token({ sub: user }) });

    /** What was announced of a user, oldest first: 'online', 'offline', ... */
    async function announced(user) {
      const { rows } = await database.query(
        `select payload ->> 'status' as status from live.event where topic = 'presence' and payload ->> 'user_id' = $1 order by id`, [user]);
      return rows.map(({ status }) => status);
    }

    async function shown(user) {
      const { rows } = await database.query('select status from live_private.true_presence where user_id = $1', [user]);
      return rows[0]?.status ?? 'offline';
    }

    const becomes = (user, status) => eventually(`${user} is ${status}`, async () => (await shown(user)) === status);
    const connections = async (user) =>
      (await database.query('select count(*)::integer as count from live.connection where user_id = $1', [user])).rows[0].count;

    test('who connects is online before joining anything, with the device of the request', async () => {
      const user = uniqueName('user');
      const socket = await open(user);
      await becomes(user, 'online');
      const { rows } = await database.query('select device_type, node_id is not null as on_a_node from live.connection where user_id = $1', [user]);
      assert.deepEqual(rows, [{ device_type: 'other', on_a_node: true }]);
      socket.close();
      await becomes(user, 'offline');
    });

    test('an anonymous connection is nobody, until it shows the token of a user', async () => {
      const user = uniqueName('user');
      const socket = await RawSocket.open(bridge, { token: bridge.anonKey });
      await socket.join('realtime:presence', { access_token: bridge.token({ sub: user }), config: { private: true } });
      await becomes(user, 'online');
      const other = uniqueName('user');
      socket.send('1', '2', 'realtime:presence', 'access_token', { access_token: bridge.token({ sub: other }) });
      await becomes(other, 'online');
      await becomes(user, 'offline');
      socket.close();
    });

    test('a channel without a token of its own, or of another user, takes nobody away', async () => {
      const [user, other] = [uniqueName('user'), uniqueName('other')];
      const socket = await RawSocket.open(bridge, { token: bridge.anonKey });
      const join = (topic, ref, token) => socket.join(`realtime:${topic}`, { ref, ...(token ? { access_token: token } : {}) });
      await join('presence', '1', bridge.token({ sub: user }));
      await becomes(user, 'online');
      await join('activity', '2');
      await join(`user:${other}`, '3', bridge.token({ sub: other }));
      assert.ok(await socket.answers());
      assert.equal(await shown(user), 'online');
      assert.deepEqual(await announced(user), ['online']);
      socket.close();
    });

    test('of two tabs one closes: no event, still online', async () => {
      const user = uniqueName('user');
      const [tab, other] = [await open(user), await open(user)];
      await eventually('both are connected', async () => (await connections(user)) === 2);
      tab.close();
      await eventually('one has gone', async () => (await connections(user)) === 1);
      assert.equal(await shown(user), 'online');
      assert.deepEqual(await announced(user), ['online']);
      other.close();
      await eventually('the last one is announced', async () => (await announced(user)).length === 2);
      assert.deepEqual(await announced(user), ['online', 'offline']);
    });

    test('a close is announced at once, a broken network after the grace period', async () => {
      const [closes, breaks] = [uniqueName('closes'), uniqueName('breaks')];
      const sockets = [await open(closes), await open(breaks)];
      for (const user of [closes, breaks]) await becomes(user, 'online');
      sockets[1].socket.terminate();
      sockets[0].socket.close();
      await becomes(closes, 'offline');
      await eventually('the bridge has noticed', async () =>
        (await database.query('select from live.connection where user_id = $1 and node_id is null', [breaks])).rowCount === 1);
      assert.equal(await shown(breaks), 'online');
      await becomes(breaks, 'offline');
      await eventually('it is announced', async () => (await announced(breaks)).length === 2);
      const { rows } = await database.query(
        `select extract(epoch from max(created_at) filter (where payload ->> 'user_id' = $2) - max(created_at) filter (where payload ->> 'user_id' = $1)) as seconds
         from live.event where topic = 'presence'`, [closes, breaks]);
      assert.ok(rows[0].seconds > grace - 0.5, `${rows[0].seconds} s apart`);
    });

    describe('within the grace period', { concurrency: 3 }, () => {
      for (const [name, end] of [
        ['breaks off', (socket) => socket.socket.terminate()],
        ['goes away (1001)', (socket) => socket.socket.close(1001)],
        ['misses an answer', (socket) => socket.socket.close(1000, 'heartbeat timeout')],
      ]) {
        test(`a client that ${name} and comes back within the grace period was never away`, async () => {
          const user = uniqueName('user');
          const first = await open(user);
          await becomes(user, 'online');
          end(first);
          const second = await open(user);
          await eventually('the first connection has ended for good', async () => (await connections(user)) === 1 &&
            (await database.query('select from live.connection where user_id = $1 and node_id is not null', [user])).rowCount === 1);
          assert.equal(await shown(user), 'online');
          assert.deepEqual(await announced(user), ['online']);
          second.close();
        });
      }
    });

    test('a command makes its user active, a heartbeat does not', async () => {
      const user = uniqueName('user');
      const socket = await open(user);
      await becomes(user, 'online');
      await database.query(`update live.connection set active = false where user_id = $1`, [user]);
      await becomes(user, 'away');
      await socket.answers();
      assert.equal(await shown(user), 'away');
      socket.close();
    });

    test('who went offline with the socket open stays so when the bridge starts over', async () => {
      const [user, witness] = [uniqueName('user'), uniqueName('witness')];
      const sockets = [await open(user), await open(witness)];
      await Promise.all([user, witness].map((each) => becomes(each, 'online')));
      await database.as(user, 'live.go_offline()');
      await becomes(user, 'offline');
      const { rows } = await database.query('delete from live_private.node returning id');
      await eventually('another node holds the witness', async () => {
        const held = await database.query('select node_id from live.connection where user_id = $1 and node_id in (select id from live_private.node)', [witness]);
        return held.rows.length === 1 && !rows.some(({ id }) => id === held.rows[0].node_id);
      });
      assert.equal(await shown(user), 'offline');
      for (const socket of sockets) socket.close();
    });

    test('who came back before the bridge heard of having gone offline is held, even if the database cannot say so at first', async () => {
      const user = uniqueName('user');
      const sockets = [await open(user)];
      await sockets[0].join('realtime:presence');
      sockets[0].send('1', '2', 'realtime:presence', 'presence:update', { status: 'online' });
      assert.equal((await sockets[0].reply('2')).payload.status, 'ok');
      // What another user's coming online shows: the bridge has asked all it wanted to ask before, and was answered.
      const oneMoreComes = async () => {
        const other = uniqueName('other');
        sockets.push(await open(other));
        await sockets[0].frame('the other user', ({ payload }) => payload.payload?.user_id === other);
      };
      const { rows: [{ id }] } = await database.query('select id from live.connection where user_id = $1', [user]);
      await database.query('revoke execute on function live_private.has_connection from live_bridge');
      try {
        await database.emit('$connection', 'connection:ended', { ids: [id] }, false);
        for (let i = 0; i < 2; i += 1) await oneMoreComes();
      } finally {
        await database.query('grant execute on function live_private.has_connection to live_bridge');
      }
      for (let i = 0; i < 2; i += 1) await oneMoreComes();
      await database.query('delete from live_private.node');
      await eventually('another node holds the user', async () =>
        (await database.query('select from live.connection c join live_private.node n on n.id = c.node_id where c.user_id = $1', [user])).rowCount === 1);
      for (const socket of sockets) socket.close();
    });

    test('when the token of the socket expires, the user of a channel takes over', async () => {
      const [first, second] = [uniqueName('first'), uniqueName('second')];
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: first, exp: now() + 2 }) });
      await becomes(first, 'online');
      assert.equal((await socket.join('realtime:presence', { access_token: bridge.token({ sub: second }) })).payload.status, 'ok');
      await becomes(second, 'online');
      await becomes(first, 'offline');
      socket.close();
    });

    test('use is reported often enough for a short time until idle', async () => {
      await database.query(`alter system set pg_live.idle_after = '8s'`);
      await database.query('select pg_reload_conf()');
      const user = uniqueName('user');
      const socket = await open(user);
      const lastActive = async () => (await database.query('select last_active_at from live.connection where user_id = $1', [user])).rows[0]?.last_active_at;
      try {
        assert.equal((await socket.join('realtime:presence')).payload.status, 'ok');
        const first = await eventually('the user is there', lastActive);
        await eventually('the database hears that the user is active', async () => {
          socket.send('1', null, 'realtime:presence', 'typing:indicator', { location: 'here' });
          return (await lastActive()) - first > 500;
        });
      } finally {
        socket.close();
        await database.query('alter system reset pg_live.idle_after');
        await database.query('select pg_reload_conf()');
      }
    });

    test('a bridge that is killed: each of its 1,000 users is announced once, when its lease has ended', async () => {
      const doomed = await startBridge(database, { flags });
      const prefix = uniqueName('k');
      const url = (i) => `${doomed.websocketUrl()}/websocket?vsn=2.0.0&apikey=${doomed.token({ sub: `${prefix}_${i}` })}`;
      const sockets = Array.from({ length: 1000 }, (_, i) => new WebSocket(url(i)).on('error', () => {}));
      const elsewhere = await open(`${prefix}_0`);
      const count = async (status) =>
        (await database.query(
          `select count(*)::integer as count, count(distinct payload ->> 'user_id')::integer as users from live.event
           where topic = 'presence' and payload ->> 'user_id' like $1 and payload ->> 'status' = $2`, [`${prefix}\\_%`, status])).rows[0];
      await eventually('all are online', async () => (await count('online')).users === 1000);
      await doomed.stop('SIGKILL');
      const { rows: [{ expires_at }] } = await database.query(
        `select n.expires_at from live_private.node n where n.id = (select node_id from live.connection where user_id = $1)`, [`${prefix}_1`]);
      await eventually('all are offline', async () => (await count('offline')).users === 999);
      const { rows: [first] } = await database.query(
        `select min(created_at) as at from live.event where payload ->> 'user_id' like $1 and payload ->> 'status' = 'offline'`, [`${prefix}\\_%`]);
      assert.ok(first.at >= expires_at, 'none before the lease had ended');
      await eventually('the node is forgotten', async () =>
        (await database.query('select from live.connection where user_id like $1', [`${prefix}\\_%`])).rowCount === 1);
      assert.deepEqual(await count('offline'), { count: 999, users: 999 });
      assert.deepEqual(await announced(`${prefix}_0`), ['online'], 'who is connected elsewhere too was never away');
      for (const socket of sockets) socket.terminate();
      elsewhere.close();
    });

    test('a bridge that stops in order leaves its users the grace period', async () => {
      const leaving = await startBridge(database, { flags });
      const [stays, goes] = [uniqueName('stays'), uniqueName('goes')];
      await open(stays, leaving);
      await open(goes, leaving);
      for (const user of [stays, goes]) await becomes(user, 'online');
      await leaving.stop();
      assert.equal(await shown(goes), 'online');
      const back = await open(stays);
      await becomes(goes, 'offline');
      await eventually('it is announced', async () => (await announced(goes)).length === 2);
      assert.deepEqual(await announced(stays), ['online']);
      back.close();
    });

    test('the connections of the bridge are cut again and again: nobody was ever away', async () => {
      const users = Array.from({ length: 20 }, () => uniqueName('cut'));
      const sockets = await Promise.all(users.map((user) => open(user)));
      for (const user of users) await becomes(user, 'online');
      for (let round = 0; round < 5; round++) {
        await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'live_bridge' and datname = current_database()`);
        const late = await open(uniqueName('late'));
        await eventually('the node is back and holds all', async () =>
          (await database.query(
            `select from live.connection c join live_private.node n on n.id = c.node_id and n.expires_at > clock_timestamp() where c.user_id = any ($1)`,
            [users])).rowCount === users.length);
        late.close();
      }
      for (const user of users) assert.deepEqual(await announced(user), ['online']);
      for (const socket of sockets) socket.close();
    });

    for (const how of ['fast', 'immediate']) {
      test(`the server is restarted (${how}): the truth comes back by itself, and nobody was away`, async () => {
        const users = Array.from({ length: 20 }, () => uniqueName(how));
        const sockets = await Promise.all(users.map((user) => open(user)));
        await eventually('all are online', async () => (await Promise.all(users.map(shown))).every((status) => status === 'online'));
        await cluster.restart(how);
        database.main = await database.connect();
        await eventually('all are online again', async () => (await Promise.all(users.map(shown))).every((status) => status === 'online'));
        await bridge.ready();
        for (const user of users) assert.deepEqual(await announced(user), ['online']);
        for (const socket of sockets) {
          assert.equal(socket.closed, null);
          socket.close();
        }
        await eventually('they can leave', async () => (await Promise.all(users.map(announced))).every((seen) => seen.length === 2));
        for (const user of users) assert.deepEqual(await announced(user), ['online', 'offline']);
      });
    }

    test('while nothing happens the database is written once a renewal', async () => {
      const users = Array.from({ length: 50 }, () => uniqueName('idle'));
      const sockets = await Promise.all(users.map((user) => open(user)));
      for (const user of users) await becomes(user, 'online');
      const node = async () => (await database.query('select max(renewed_at)::text as at, count(*)::integer as nodes from live_private.node')).rows[0];
      const renewed = async () => {
        const { at } = await node();
        await eventually('the lease is renewed', async () => (await node()).at !== at);
      };
      // Every row there is, with the transaction that wrote it.
      const tables = ['live.connection', 'live.channel_presence', 'live.user_presence', 'live_private.presence_epoch', 'live.event', 'live.signal', 'live_private.batch'];
      const rows = async () =>
        (await database.query(tables.map((table) => `select '${table}' as name, array_agg(t.ctid || ' ' || t.xmin) as rows from ${table} as t`).join(' union all '))).rows;
      await eventually('those of other tests have gone', async () =>
        (await database.query('select from live.connection where not user_id = any ($1)', [users])).rowCount === 0);
      await renewed();
      const before = await rows();
      for (let i = 0; i < 3; i++) {
        await Promise.all(sockets.map((socket) => socket.answers(`alive-${i}`)));
        await renewed();
      }
      assert.deepEqual(await rows(), before);
      for (const socket of sockets) socket.close();
    });

    test('a page that is reloaded was never away, one that is closed goes after the grace period', async () => {
      const user = uniqueName('page');
      const browser = await launchBrowser();
      try {
        const page = await browser.newPage();
        await page.goto(`${bridge.url}/healthz`); // a page of the same origin
        const connect = (token) =>
          page.evaluate(
            ([path, key]) =>
              new Promise((resolve) => {
                const socket = new WebSocket(`ws://${location.host}${path}?vsn=2.0.0&apikey=${key}`);
                // As phoenix and realtime-js do.
                addEventListener('pagehide', () => socket.close());
                socket.onopen = () => socket.send('["1","1","realtime:presence","phx_join",{"config":{"private":true}}]');
                socket.onmessage = resolve;
              }).then(() => null),
            ['/realtime/v1/websocket', token],
          );
        await connect(bridge.token({ sub: user }));
        await becomes(user, 'online');
        const { rows: [{ device_type }] } = await database.query('select device_type from live.connection where user_id = $1', [user]);
        assert.equal(device_type, 'web');
        await page.reload();
        await connect(bridge.token({ sub: user }));
        await eventually('only the new connection is left', async () => (await connections(user)) === 1);
        assert.deepEqual(await announced(user), ['online']);
        await page.close();
        await eventually('it is announced', async () => (await announced(user)).length === 2);
        assert.deepEqual(await announced(user), ['online', 'offline']);
      } finally {
        await browser.close();
      }
    });
  });
}

for (const [encoding, strange] of [['LATIN1', 'Ω'], ['SQL_ASCII', 'é']]) {
  test(`a user whose id a database encoded in ${encoding} cannot hold has no presence, and keeps nobody from theirs`, async () => {
    const database = await openDatabase('in-transaction', undefined, encoding);
    const bridge = await startBridge(database);
    const topic = `realtime:${await database.topics()}:room`;
    const shown = (user) => eventually(`${user} is online`, async () =>
      (await database.query("select from live_private.true_presence where user_id = $1 and status = 'online'", [user])).rowCount === 1);
    const nodes = async () => (await database.query('select array_agg(id) as ids from live_private.node')).rows[0].ids;
    const enter = async (user) => {
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: user }) });
      const joined = await socket.join(topic);
      socket.send('1', '2', topic, 'presence', { type: 'presence', event: 'track', payload: { name: user } });
      const tracked = await socket.reply('2');
      if (user !== strange) assert.deepEqual([joined.payload.status, tracked.payload.status], ['ok', 'ok']);
      return socket;
    };
    const anna = await enter('anna');
    await shown('anna');
    const before = await nodes();
    const stranger = await enter(strange);
    const ben = await enter('ben');
    await shown('ben');
    const { rows } = await database.query('select distinct user_id from live.connection order by user_id');
    assert.deepEqual(rows, [{ user_id: 'anna' }, { user_id: 'ben' }]);
    assert.deepEqual(await nodes(), before, 'the node has not started over');
    assert.ok(!bridge.log.includes('could not tell the database'));
    for (const socket of [anna, stranger, ben]) socket.close();
    await bridge.stop();
    await database.close();
  });
}
