// Behaviour: under a rule of visibility the live events of presence reach the viewers who may see the user, and no others.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients } from './clients.mjs';
import { modes } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

for (const mode of modes) {
  describe(`${mode} mode, on a cluster of its own`, () => {
    let database, bridge;
    withBridge({ cluster: [], mode }, async (made) => {
      ({ database, bridge } = made);
      await database.query(`
        create schema app; grant usage on schema app to public;
        create table app.friend (viewer text, friend text);
        create function app.is_friend(id text) returns boolean language sql stable security definer as
          $$ select exists (select from app.friend f where f.viewer = live.user_id() and f.friend = id) $$`);
    });

    /** Sets the rule, upon which who has joined has to join again; until the bridge knows. */
    async function rule(name, check = null) {
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'witness' }) });
      await socket.join('realtime:presence');
      await database.query('select live.set_presence_visibility($1, $2::regprocedure)', [name, check]);
      await socket.frame('phx_error', (frame) => frame.event === 'phx_error' && frame.topic === 'realtime:presence');
      assert.equal((await socket.join('realtime:presence', { ref: '2' })).payload.status, 'ok');
      socket.close();
    }
    const befriend = (viewer, friend) => database.query('insert into app.friend values ($1, $2)', [viewer, friend]);
    const change = (user, ...modesOfUser) =>
      modesOfUser.reduce((done, next) => done.then(() => database.as(user, `live.update_presence('${next}')`)), Promise.resolve());
    const connect = (user) => database.as(user, `live.heartbeat(gen_random_uuid(), ttl => '1 hour')`);
    const statuses = (subscription, user) =>
      subscription.events.filter(({ payload }) => payload.user_id === user).map(({ payload }) => payload.status);

    /** Everything that happened so far has arrived: a change of the viewer, who always sees that, comes last. */
    async function caughtUp(viewer, subscription) {
      const mark = uniqueName('mark');
      await database.as(viewer, `live.update_presence(custom_status => '${mark}')`);
      await eventually(`${viewer} has seen all`, () => subscription.events.some(({ payload }) => payload.custom_status === mark));
    }

    for (const client of clients) {
      test(`${client.name}: a friend hears every change in order, a stranger none`, async () => {
        await rule('function', 'app.is_friend(text)');
        const [friend, stranger, user] = ['friend', 'stranger', 'user'].map(uniqueName);
        await befriend(friend, user);
        const connections = [friend, stranger].map((name) => client.connect(bridge, bridge.token({ sub: name })));
        const [first, second] = connections.map((connection) => connection.subscribe('presence'));
        try {
          await Promise.all([first, second].map((subscription) => subscription.reported('SUBSCRIBED')));
          await connect(user);
          await change(user, 'busy', 'away', 'busy', 'invisible');
          await caughtUp(friend, first);
          await caughtUp(stranger, second);
          assert.deepEqual(statuses(first, user), ['online', 'busy', 'away', 'busy', 'offline']);
          assert.deepEqual(statuses(second, user), []);
          const positions = first.events.map(({ meta }) => meta.id);
          assert.equal(new Set(positions).size, positions.length);
        } finally {
          await Promise.all(connections.map((connection) => connection.close()));
        }
      });
    }

    test('people of one session, or who follow, hear each other', async () => {
      const [viewer, mate, followed, other] = ['viewer', 'mate', 'followed', 'other'].map(uniqueName);
      const { rows: [{ id }] } = await database.query(`insert into live.collaboration_sessions (room_name, created_by) values ('r', $1) returning id`, [mate]);
      await database.query('insert into live.session_participants (session_id, user_id) values ($1, $2), ($1, $3)', [id, viewer, mate]);
      await database.query('insert into live_private.follow_edge (follower, followed) values ($1, $2)', [viewer, followed]);
      for (const [name, seen] of [['session', mate], ['followers', followed]]) {
        await rule(name);
        const connection = clients[2].connect(bridge, bridge.token({ sub: viewer }));
        const subscription = connection.subscribe('presence');
        try {
          await subscription.reported('SUBSCRIBED');
          for (const user of [mate, followed, other]) {
            await connect(user);
            await change(user, 'busy', 'auto');
          }
          await caughtUp(viewer, subscription);
          for (const user of [mate, followed, other]) {
            assert.equal(statuses(subscription, user).length > 0, user === seen, `${name}: ${user}`);
          }
        } finally {
          await connection.close();
        }
      }
    });

    test('who resumes gets what was missed, as far as it is visible now', async () => {
      await rule('function', 'app.is_friend(text)');
      const [viewer, friend, stranger] = ['viewer', 'friend', 'stranger'].map(uniqueName);
      await befriend(viewer, friend);
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: viewer }) });
      await socket.join('realtime:presence');
      for (const user of [friend, stranger]) await connect(user);
      const first = await socket.frame('the friend comes', (frame) => frame.payload.payload?.user_id === friend);
      socket.close();
      for (const user of [friend, stranger]) await change(user, 'busy', 'auto');
      const back = await RawSocket.open(bridge, { token: bridge.token({ sub: viewer }) });
      const reply = await back.join('realtime:presence', { config: { resume: first.payload.meta.id } });
      assert.equal(reply.payload.response.resume, 'ok');
      await change(friend, 'away');
      await eventually('the last change has arrived', () => back.broadcasts('realtime:presence').some(({ payload }) => payload.payload.status === 'away'));
      const seen = back.broadcasts('realtime:presence').map(({ payload }) => payload.payload).filter(({ user_id }) => user_id !== viewer);
      assert.deepEqual(seen.map(({ user_id, status }) => [user_id, status]), [[friend, 'busy'], [friend, 'online'], [friend, 'away']]);
      back.close();
    });

    test('a fresh token while the check runs costs the viewer nothing', async () => {
      await database.query(`
        create function app.gated(id text) returns boolean language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4711); return true; end $$`);
      await rule('function', 'app.gated(text)');
      const [viewer, user] = ['viewer', 'user'].map(uniqueName);
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: viewer }) });
      await socket.join('realtime:presence');
      const gate = await database.connect();
      await gate.query('select pg_advisory_lock(4711)');
      await connect(user);
      await eventually('the check runs', async () => (await database.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`)).rowCount > 0);
      socket.send('1', '2', 'realtime:presence', 'access_token', { access_token: bridge.token({ sub: viewer, again: true }) });
      assert.ok(await socket.answers());
      await gate.query('select pg_advisory_unlock(4711)');
      await socket.frame('the user comes', (frame) => frame.event === 'broadcast' && frame.payload.payload?.user_id === user);
      socket.close();
      await rule('everyone');
    });

    test('a viewer for whom more changes wait than may, while a check runs, joins again', async () => {
      await database.query(`
        create or replace function app.stuck(id text) returns boolean language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4712); return true; end $$`);
      await rule('function', 'app.stuck(text)');
      const patient = await startBridge(database, { flags: ['--statement-timeout', '600'] });
      const socket = await RawSocket.open(patient, { token: patient.token({ sub: uniqueName('viewer') }) });
      await socket.join('realtime:presence');
      const gate = await database.connect();
      await gate.query('select pg_advisory_lock(4712)');
      try {
        const changes = `select live.emit('$presence', 'presence:update', jsonb_build_object('user_id', n::text)) from generate_series(1, $1::integer) as n`;
        await database.query(changes, [1]);
        await eventually('the check runs', async () => (await database.query(`select 1 from pg_locks where locktype = 'advisory' and objid = 4712 and not granted`)).rowCount > 0);
        await database.query(changes, [10_001]);
        const error = await socket.frame('the channel is lost', (frame) => frame.event === 'phx_error');
        assert.match(error.payload.reason, /visibility/);
      } finally {
        await gate.query('select pg_advisory_unlock(4712)');
        socket.close();
        await patient.stop();
      }
      await rule('everyone');
    });

    test('a check that fails lets nobody see anything, and says so to the client', async () => {
      await database.query(`create or replace function app.breaks(id text) returns boolean language plpgsql as $$ begin raise 'broken'; end $$`);
      await rule('function', 'app.breaks(text)');
      const [viewer, user] = ['viewer', 'user'].map(uniqueName);
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: viewer }) });
      await socket.join('realtime:presence');
      await connect(user);
      const error = await socket.frame('the channel is lost', (frame) => frame.event === 'phx_error');
      assert.match(error.payload.reason, /visibility/);
      assert.deepEqual(socket.broadcasts('realtime:presence').filter(({ payload }) => payload.payload.user_id === user), []);
      assert.ok(await socket.answers());
      socket.close();
      await rule('everyone');
    });

    test('a flood of changes before many viewers: each gets what is its own', async () => {
      await rule('function', 'app.is_friend(text)');
      const viewers = Array.from({ length: 20 }, () => uniqueName('viewer'));
      const users = Array.from({ length: 20 }, () => uniqueName('user'));
      for (const [i, viewer] of viewers.entries()) await befriend(viewer, users[i]);
      const sockets = await Promise.all(viewers.map((viewer) => RawSocket.open(bridge, { token: bridge.token({ sub: viewer }) })));
      await Promise.all(sockets.map((socket) => socket.join('realtime:presence')));
      for (const user of users) await connect(user);
      for (let round = 0; round < 5; round++) for (const user of users) await change(user, 'busy', 'auto');
      await Promise.all(
        sockets.map(async (socket, i) => {
          const seen = () => socket.broadcasts('realtime:presence').map(({ payload }) => payload.payload).filter(({ user_id }) => user_id !== viewers[i]);
          await eventually('all have arrived', () => seen().length >= 11);
          assert.deepEqual([...new Set(seen().map(({ user_id }) => user_id))], [users[i]]);
          assert.deepEqual(seen().map(({ status }) => status), ['online', ...Array(5).fill(['busy', 'online']).flat()]);
          socket.close();
        }),
      );
      await rule('everyone');
    });
  });
}
