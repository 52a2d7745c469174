// Behaviour: Phoenix presence over two bridges. What every client knows of a channel is what the database says of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients, newestRealtime, subscribed } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { Relay } from './relay.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

const secret = uniqueName('secret').padEnd(40, 'x');

inEachMode((mode) => {
  let database, bridges, topics;
  const receive = "live.user_id() is not null and live.user_id() not like 'stranger%'";
  withDatabase({ mode, topics: { receive } }, async ({ closeLater, ...made }) => {
    ({ database, prefix: topics } = made);
    const flags = ['--public-channels', '--limit-roster-members', '20', '--poll-interval', '1'];
    bridges = await Promise.all([1, 2].map(async () => closeLater(await startBridge(database, { secret, flags }))));
  });

  const newRoom = () => `${topics}:${uniqueName('room')}`;

  /** A client of that user in the room, through one of the bridges. */
  const enter = (client, bridge, user, room, config = { presence: { key: user, enabled: true } }) =>
    subscribed(client, bridge, room, { claims: { sub: user }, config });

  const knows = (subscription, members) =>
    eventually(`the client knows ${JSON.stringify(members)}`, () => {
      assert.deepEqual(subscription.members(), members);
      return true;
    });

  describe('each client', () => {
    for (const client of clients) {
      test(`${client.name} tracks, changes and untracks, seen through another bridge and in the database`, async () => {
        const room = newRoom();
        const [ben, anna] = [await enter(newestRealtime, bridges[1], 'ben', room), await enter(client, bridges[0], 'anna', room)];
        try {
          assert.equal(await anna.track({ name: 'Änna', n: 1 }), 'ok');
          for (const one of [anna, ben]) await knows(one, { anna: [{ name: 'Änna', n: 1 }] });
          assert.equal(await anna.track({ n: 2 }), 'ok');
          for (const one of [anna, ben]) await knows(one, { anna: [{ n: 2 }] });
          assert.deepEqual(await database.channelMembers(room), { anna: [{ n: 2 }] });
          assert.equal(await anna.untrack(), 'ok');
          for (const one of [anna, ben]) await knows(one, {});
          assert.deepEqual(await database.channelMembers(room), {});
        } finally {
          await Promise.all([anna.close(), ben.close()]);
        }
      });

      test(`${client.name}: an update comes as one diff that says which member it takes the place of`, async () => {
        const room = newRoom();
        const observer = await enter(clients.at(-1), bridges[1], 'ben', room);
        const anna = await enter(client, bridges[0], 'anna', room);
        const diffs = [];
        observer.channel.on('presence_diff', (diff) => diffs.push(diff));
        try {
          for (const meta of [{ n: 1 }, { n: 2 }]) {
            await anna.track(meta);
            await knows(observer, { anna: [meta] });
          }
          const [came, changed] = diffs;
          const { phx_ref: first, phx_ref_prev: none } = came.joins.anna.metas[0];
          assert.equal(none, undefined);
          assert.equal(changed.joins.anna.metas[0].phx_ref_prev, first);
          assert.deepEqual(changed.leaves.anna.metas.map(({ phx_ref }) => phx_ref), [first]);
          anna.breakOff();
          await eventually('the client has come back', () => anna.presence.filter(({ event }) => event === 'sync').length >= 2);
          await eventually('it is tracked again', async () => (await anna.track({ n: 3 })) === 'ok');
          await knows(observer, { anna: [{ n: 3 }] });
          assert.equal(diffs.length, 3);
          assert.equal(diffs[2].joins.anna.metas[0].phx_ref_prev, changed.joins.anna.metas[0].phx_ref);
        } finally {
          await Promise.all([anna.close(), observer.close()]);
        }
      });

      test(`${client.name} that comes later is told who is there`, async () => {
        const room = newRoom();
        const anna = await enter(newestRealtime, bridges[1], 'anna', room);
        await anna.track({ was: 'first' });
        const late = await enter(client, bridges[0], 'late', room);
        try {
          await knows(late, { anna: [{ was: 'first' }] });
          assert.equal(late.presence.filter(({ event }) => event === 'sync').length, 1);
        } finally {
          await Promise.all([anna.close(), late.close()]);
        }
      });

      test(`${client.name}: two devices of one user are two, and one when the first has gone`, async () => {
        const room = newRoom();
        const [phone, desk] = [await enter(client, bridges[0], 'anna', room), await enter(client, bridges[1], 'anna', room)];
        const observer = await enter(newestRealtime, bridges[0], 'ben', room);
        try {
          await phone.track({ on: 'phone' });
          await desk.track({ on: 'desk' });
          for (const one of [phone, desk, observer]) await knows(one, { anna: [{ on: 'desk' }, { on: 'phone' }] });
          await phone.close();
          for (const one of [desk, observer]) await knows(one, { anna: [{ on: 'desk' }] });
        } finally {
          await Promise.all([desk.close(), observer.close()]);
        }
      });

      test(`${client.name} whose network breaks comes back without having been away`, async () => {
        const room = newRoom();
        const observer = await enter(newestRealtime, bridges[1], 'ben', room);
        const anna = await enter(client, bridges[0], 'anna', room);
        try {
          await anna.track({ at: 1 });
          await knows(observer, { anna: [{ at: 1 }] });
          const absences = [];
          const watch = setInterval(() => observer.members().anna || absences.push(Date.now()), 1);
          anna.breakOff();
          await eventually('the client has come back', () => anna.presence.filter(({ event }) => event === 'sync').length >= 2);
          // realtime-js tracks again by itself when it rejoins or not at all, as the app wishes; the app does so here.
          await eventually('it is tracked again', async () => (await anna.track({ at: 2 })) === 'ok');
          for (const one of [anna, observer]) await knows(one, { anna: [{ at: 2 }] });
          clearInterval(watch);
          assert.deepEqual(absences, []);
          assert.deepEqual(await database.channelMembers(room), { anna: [{ at: 2 }] });
        } finally {
          await Promise.all([anna.close(), observer.close()]);
        }
      });

      test(`${client.name} whose network breaks silently is there once, not twice, when it has come back by another way`, async () => {
        const room = newRoom();
        const bridge = await startBridge(database, { secret, flags: ['--ping-interval', '1', '--idle-timeout', '2'] });
        const relay = await Relay.before(bridge);
        const observer = await enter(newestRealtime, bridges[1], 'ben', room);
        const lost = client.connect(relay, bridge.token({ sub: 'anna' }));
        const there = lost.subscribe(room, { presence: { key: 'anna', enabled: true } });
        let anna;
        try {
          await there.reported('SUBSCRIBED');
          assert.equal(await there.track({ at: 1 }), 'ok');
          await knows(observer, { anna: [{ at: 1 }] });
          relay.breakSilently();
          await eventually('the bridge has noticed', async () =>
            (await database.query('select from live.channel_presence where topic = $1 and node_id is null', [room])).rowCount === 1);
          anna = await enter(client, bridge, 'anna', room);
          const counts = new Set();
          const watch = setInterval(() => counts.add(observer.members().anna?.length ?? 0), 1);
          assert.equal(await anna.track({ at: 2 }), 'ok');
          await knows(observer, { anna: [{ at: 2 }] });
          clearInterval(watch);
          assert.deepEqual([...counts], [1]);
        } finally {
          relay.close();
          await Promise.all([lost, observer, ...(anna ? [anna] : [])].map((one) => one.close()));
          await bridge.stop();
        }
      });

      test(`${client.name} is there for others only while visible`, async () => {
        const room = newRoom();
        const hidden = uniqueName('hidden');
        const [anna, ben] = [await enter(client, bridges[0], hidden, room), await enter(client, bridges[1], 'ben', room)];
        try {
          await anna.track({ n: 1 });
          await knows(ben, { [hidden]: [{ n: 1 }] });
          await database.as(hidden, `live.update_presence('invisible')`);
          await knows(ben, {});
          await anna.track({ n: 2 });
          await knows(anna, { [hidden]: [{ n: 2 }] });
          assert.deepEqual(ben.members(), {});
          assert.deepEqual(await database.channelMembers(room), {});
          const late = await enter(client, bridges[1], 'late', room);
          await eventually('the late one is told', () => late.presence.length > 0);
          assert.deepEqual(late.members(), {});
          await database.as(hidden, `live.update_presence('auto')`);
          for (const one of [anna, ben, late]) await knows(one, { [hidden]: [{ n: 2 }] });
          await late.close();
        } finally {
          await Promise.all([anna.close(), ben.close()]);
        }
      });
    }
  });

  test('a channel that joined without presence is told who is there once it tracks', async () => {
    const room = newRoom();
    const anna = await enter(newestRealtime, bridges[0], 'anna', room);
    await anna.track({});
    const quiet = await enter(newestRealtime, bridges[1], 'quiet', room, { presence: { key: 'q', enabled: false } });
    try {
      await quiet.track({ n: 1 });
      await knows(quiet, { anna: [{}], q: [{ n: 1 }] });
    } finally {
      await Promise.all([anna.close(), quiet.close()]);
    }
  });

  test('a member who loses access to the topic is removed', async () => {
    const room = newRoom();
    const [anna, ben] = [await enter(newestRealtime, bridges[0], 'anna', room), await enter(newestRealtime, bridges[1], 'ben', room)];
    try {
      await anna.track({});
      await knows(ben, { anna: [{}] });
      await database.query('select live.revoke_access($1, $2)', [room, 'anna']);
      await knows(ben, {});
      assert.deepEqual(await database.channelMembers(room), {});
    } finally {
      await Promise.all([anna.close(), ben.close()]);
    }
  });

  test('a room between clients has members of its own, over two bridges, the anonymous too', async () => {
    const room = uniqueName('open');
    const open = { private: false, presence: { key: 'a', enabled: true } };
    const [anna, ben] = [await enter(newestRealtime, bridges[0], undefined, room, open), await enter(clients[0], bridges[1], 'ben', room, open)];
    try {
      assert.equal(await anna.track({ n: 1 }), 'ok');
      assert.equal(await ben.track({ n: 2 }), 'ok');
      for (const one of [anna, ben]) await knows(one, { a: [{ n: 1 }, { n: 2 }] });
      assert.deepEqual(await database.channelMembers(room), { a: [{ n: 1 }, { n: 2 }] });
    } finally {
      await Promise.all([anna.close(), ben.close()]);
    }
  });

  test('members who do not say private are among the members of the topic, and no stranger to it is anywhere of its name', async () => {
    const room = newRoom();
    const anna = await enter(newestRealtime, bridges[0], 'anna', room);
    const ben = await enter(newestRealtime, bridges[0], 'ben', room, { private: false, presence: { key: 'ben', enabled: true } });
    const stranger = newestRealtime.connect(bridges[0], bridges[0].token({ sub: 'stranger' }));
    try {
      const refused = stranger.subscribe(room, { private: false, presence: { key: 'anna', enabled: true } });
      await refused.reported('CHANNEL_ERROR');
      await anna.track({ at: 1 });
      await ben.track({ at: 2 });
      for (const one of [anna, ben]) await knows(one, { anna: [{ at: 1 }], ben: [{ at: 2 }] });
      assert.deepEqual(await database.channelMembers(room), { anna: [{ at: 1 }], ben: [{ at: 2 }] });
    } finally {
      await Promise.all([anna.close(), ben.close(), stranger.close()]);
    }
  });

  test('many members are a number, and members again when there are fewer', async () => {
    const room = newRoom();
    const observer = await enter(newestRealtime, bridges[0], 'ben', room);
    const crowd = await Promise.all(Array.from({ length: 21 }, (_, i) => enter(newestRealtime, bridges[i % 2], `c${i}`, room)));
    try {
      await Promise.all(crowd.slice(0, 20).map((one, i) => one.track({ i })));
      await eventually('all twenty are known', () => Object.keys(observer.members()).length === 20);
      await crowd[20].track({ i: 20 });
      await eventually('they are counted', () => observer.events.some(({ event, payload }) => event === 'presence:count' && payload.count === 21));
      await knows(observer, {});
      const late = await enter(clients[0], bridges[1], 'late', room);
      await eventually('who comes later is told their number', () => late.events.some(({ payload }) => payload.count === 21));
      assert.deepEqual(late.members(), {});
      await Promise.all(crowd.slice(0, 5).map((one) => one.untrack()));
      await eventually('those who are left are known', () => Object.keys(observer.members()).length === 16);
      assert.deepEqual(observer.members(), await database.channelMembers(room));
      await late.close();
    } finally {
      await Promise.all([observer, ...crowd].map((one) => one.close()));
    }
  });

  test('an invisible member does not turn a full room into a number', async () => {
    const room = newRoom();
    const hidden = uniqueName('hidden');
    await database.as(hidden, `live.update_presence('invisible')`);
    const observer = await enter(newestRealtime, bridges[0], 'ben', room);
    const crowd = await Promise.all(Array.from({ length: 20 }, (_, i) => enter(newestRealtime, bridges[i % 2], `c${i}`, room)));
    const spy = await enter(newestRealtime, bridges[1], hidden, room);
    try {
      await spy.track({ n: 0 });
      await Promise.all(crowd.map((one, i) => one.track({ i })));
      await eventually('all are known', () => Object.keys(observer.members()).length === 20);
      assert.equal(observer.events.length, 0);
      await eventually('the invisible member sees itself', () => spy.members()[hidden]?.length === 1);
    } finally {
      await Promise.all([observer, spy, ...crowd].map((one) => one.close()));
    }
  });

  test('sockets that close while they track leave nothing behind', async () => {
    const topic = newRoom();
    const sockets = await Promise.all(
      Array.from({ length: 20 }, (_, i) => RawSocket.open(bridges[0], { token: bridges[0].token({ sub: `c${i}` }) })),
    );
    const presence = { config: { presence: { key: 'k', enabled: true } } };
    await Promise.all(sockets.map((socket) => socket.join(`realtime:${topic}`, presence)));
    for (const socket of sockets) {
      for (const ref of ['2', '3']) socket.send('1', ref, `realtime:${topic}`, 'presence', { type: 'presence', event: 'track', payload: { ref } });
      socket.socket.close(1000);
    }
    await Promise.all(sockets.map((socket) => socket.untilClosed()));
    const witness = await enter(newestRealtime, bridges[0], 'witness', topic); // stored after all of theirs
    await witness.track({ last: true });
    await eventually('only the witness is there', async () => {
      const { rows } = await database.query('select key from live.channel_presence where topic = $1', [topic]);
      assert.deepEqual(rows, [{ key: 'witness' }]);
      return true;
    });
    await witness.close();
  });

  test('an app whose transaction locks one user delays no other', async () => {
    const room = newRoom();
    const [held, other] = [uniqueName('held'), uniqueName('other')];
    const app = await database.connect();
    await app.query('begin');
    await app.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub: held })]);
    await app.query(`select live.update_presence('busy')`);
    const [one, two] = [await enter(newestRealtime, bridges[0], held, room), await enter(newestRealtime, bridges[0], other, room)];
    try {
      const waiting = one.track({ n: 1 });
      assert.equal(await two.track({ n: 2 }), 'ok');
      await knows(two, { [other]: [{ n: 2 }] });
      assert.equal((await database.query('select status from live_private.true_presence where user_id = $1', [other])).rows[0].status, 'online');
      await app.query('commit');
      assert.equal(await waiting, 'ok');
      for (const each of [one, two]) await knows(each, { [held]: [{ n: 1 }], [other]: [{ n: 2 }] });
      await eventually('the held one is shown', async () =>
        (await database.query('select status from live.user_presence where user_id = $1', [held])).rows[0]?.status === 'busy');
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });

  test('a client that says it is another user is told as that user, and is there as that user', async () => {
    const topic = newRoom();
    const users = [uniqueName('first'), uniqueName('second')];
    const observer = await enter(newestRealtime, bridges[1], 'observer', topic);
    const socket = await RawSocket.open(bridges[0], { token: bridges[0].anonKey });
    const state = () => socket.frames.filter(({ event }) => event === 'presence_state').length;
    try {
      await socket.join(`realtime:${topic}`, { access_token: bridges[0].token({ sub: users[0] }), config: { presence: { key: 'k', enabled: true } } });
      socket.send('1', '2', `realtime:${topic}`, 'presence', { type: 'presence', event: 'track', payload: {} });
      await knows(observer, { k: [{}] });
      await eventually('it is told', () => state() === 1);
      socket.send('1', '3', `realtime:${topic}`, 'access_token', { access_token: bridges[0].token({ sub: users[1] }) });
      await eventually('it is told again', () => state() === 2);
      await eventually('it is there as the other user', async () => {
        const { rows } = await database.query('select user_id from live.channel_presence where topic = $1', [topic]);
        assert.deepEqual(rows, [{ user_id: users[1] }]);
        return true;
      });
      await knows(observer, { k: [{}] });
    } finally {
      socket.close();
      await observer.close();
    }
  });

  test('others hear nothing of who breaks off and is back, and all of who leaves after that', async () => {
    const topic = `realtime:${newRoom()}`;
    const presence = { config: { presence: { enabled: true } } };
    const enterRaw = async (user, payload) => {
      const socket = await RawSocket.open(bridges[0], { token: bridges[0].token({ sub: user }) });
      await socket.join(topic, presence);
      if (payload) socket.send('1', 'track', topic, 'presence', { type: 'presence', event: 'track', payload });
      if (payload) assert.equal((await socket.reply('track')).payload.status, 'ok');
      return socket;
    };
    const observer = await enterRaw('observer');
    const news = () => observer.frames.filter(({ event }) => event === 'presence_diff').map(({ payload }) => [Object.keys(payload.joins), Object.keys(payload.leaves)]);
    const hears = (...expected) => eventually(`it hears ${JSON.stringify(expected)}`, () => (assert.deepEqual(news(), expected), true));
    const first = await enterRaw('anna', { n: 1 });
    await hears([['anna'], []]);
    first.close();
    const second = await enterRaw('anna', { n: 1 });
    const ben = await enterRaw('ben', { n: 2 });
    await hears([['anna'], []], [['ben'], []]);
    second.send('1', 'untrack', topic, 'presence', { type: 'presence', event: 'untrack' });
    await hears([['anna'], []], [['ben'], []], [[], ['anna']]);
    for (const socket of [observer, second, ben]) socket.close();
  });

  test('what the user ends is not tracked again', async () => {
    const room = newRoom();
    const anna = await enter(newestRealtime, bridges[0], 'anna', room);
    try {
      await anna.track({ n: 1 });
      await knows(anna, { anna: [{ n: 1 }] });
      await database.as('anna', 'live.go_offline()');
      await knows(anna, {});
      assert.equal(await anna.track({ n: 2 }), 'ok'); // what the bridge stores by now, it has stored before this
      await knows(anna, { anna: [{ n: 2 }] });
    } finally {
      await anna.close();
    }
  });

  test('a client without a key of its own is tracked under the id of its user', async () => {
    const topic = newRoom();
    const users = [uniqueName('first'), uniqueName('second')];
    const observer = await enter(newestRealtime, bridges[1], 'observer', topic);
    const socket = await RawSocket.open(bridges[0], { token: bridges[0].token({ sub: users[0] }) });
    try {
      await socket.join(`realtime:${topic}`, { config: { presence: { enabled: true } } });
      socket.send('1', '2', `realtime:${topic}`, 'presence', { type: 'presence', event: 'track', payload: {} });
      await knows(observer, { [users[0]]: [{}] });
      socket.send('1', '3', `realtime:${topic}`, 'access_token', { access_token: bridges[0].token({ sub: users[1] }) });
      await knows(observer, { [users[1]]: [{}] });
    } finally {
      socket.close();
      await observer.close();
    }
  });

  test('nobody is tracked as a user of whom it is not known yet whether the topic is open to them', async () => {
    const prefix = await database.topics({
      receive: "live.user_id() is not null and (live.user_id() not like 'stranger%' or (select pg_advisory_xact_lock_shared(7)) is null)",
    });
    const [topic, other] = [`${prefix}:room`, `${prefix}:other`];
    const lock = await database.connect();
    await lock.query('select pg_advisory_lock(7)');
    const members = async (room) => (await database.query('select user_id from live.channel_presence where topic = $1', [room])).rows.map((row) => row.user_id);
    const socket = await RawSocket.open(bridges[0], { token: bridges[0].token({ sub: 'anna' }) });
    const witness = await RawSocket.open(bridges[0], { token: bridges[0].token({ sub: 'witness' }) });
    const track = (one, room) => one.send('1', '2', `realtime:${room}`, 'presence', { type: 'presence', event: 'track', payload: {} });
    try {
      await socket.join(`realtime:${topic}`, { config: { private: true } });
      await witness.join(`realtime:${other}`, { config: { private: true } });
      track(socket, topic);
      await eventually('anna is there', async () => (await members(topic)).includes('anna'));
      socket.send('1', '3', `realtime:${topic}`, 'access_token', { access_token: bridges[0].token({ sub: uniqueName('stranger') }) });
      await eventually('anna has gone', async () => !(await members(topic)).includes('anna'));
      track(witness, other); // what the bridge stores by now, it has stored before this
      await eventually('the witness is there', async () => (await members(other)).includes('witness'));
      assert.deepEqual(await members(topic), []);
    } finally {
      await lock.query('select pg_advisory_unlock(7)');
      socket.close();
      witness.close();
    }
  });

  test('what makes no sense is answered, and harms nobody', async () => {
    const room = newRoom();
    const [anna, ben] = [await enter(clients[3], bridges[0], 'anna', room), await enter(clients[3], bridges[1], 'ben', room)];
    const push = (payload) =>
      new Promise((resolve) => {
        const sent = anna.channel.push('presence', payload);
        sent.receive('ok', () => resolve('ok')).receive('error', ({ reason }) => resolve(reason));
      });
    try {
      await ben.track({ n: 1 });
      for (const payload of ['text', [1], 7]) assert.equal(await push({ event: 'track', payload }), 'Presence track payload must be a map');
      assert.match(await push({ event: 'dance' }), /track or untrack/);
      assert.match(await push({ event: 'track', payload: JSON.parse('{"__proto__": {"admin": true}}') }), /__proto__/);
      assert.match(await push({ event: 'track', payload: { text: 'x'.repeat(20000) } }), /metadata/);
      assert.match(await push({ event: 'track', payload: { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } } }), /metadata/);
      assert.equal(await push({ event: 'UNTRACK' }), 'ok');
      assert.equal(await push({ event: 'track', payload: { phx_ref: 'mine', ok: 1 } }), 'ok');
      for (const one of [anna, ben]) await knows(one, { anna: [{ ok: 1 }], ben: [{ n: 1 }] });
      assert.match(await push({ event: 'track', payload: { text: 'x'.repeat(20000) } }), /metadata/);
      assert.deepEqual(await database.channelMembers(room), { anna: [{ ok: 1 }], ben: [{ n: 1 }] });
    } finally {
      await Promise.all([anna.close(), ben.close()]);
    }
  });

  test('a user beyond the limit of tracked metadata is refused until it untracks, and nobody else is', async () => {
    const bounded = await startBridge(database, { secret, flags: ['--limit-tracked-bytes-by-user', '2000'] });
    const rooms = [newRoom(), newRoom()];
    const sockets = [];
    let ref = 10;
    const open = async (user) => {
      const socket = await RawSocket.open(bounded, { token: bounded.token({ sub: user }) });
      sockets.push(socket);
      for (const [i, room] of rooms.entries()) await socket.join(`realtime:${room}`, { ref: String(i + 1) });
      return async (i, event, payload) => {
        const own = String(++ref);
        socket.send(String(i + 1), own, `realtime:${rooms[i]}`, 'presence', { type: 'presence', event, payload });
        return (await socket.reply(own)).payload;
      };
    };
    const metadata = { text: 'x'.repeat(1500) };
    try {
      const [anna, elsewhere, ben] = [await open('anna'), await open('anna'), await open('ben')];
      assert.equal((await anna(0, 'track', metadata)).status, 'ok');
      for (const refused of [await anna(1, 'track', metadata), await elsewhere(0, 'track', metadata)]) {
        assert.deepEqual(refused, {
          status: 'error',
          response: {
            reason: 'a user must not track more than 2000 bytes of metadata in channels',
            code: '54000',
            hint: 'Untrack in another channel, or track with less metadata.',
          },
        });
      }
      assert.equal((await ben(1, 'track', metadata)).status, 'ok');
      assert.deepEqual(await database.channelMembers(rooms[1]), { ben: [metadata] });
      assert.equal((await anna(0, 'untrack')).status, 'ok');
      assert.equal((await elsewhere(0, 'track', metadata)).status, 'ok');
    } finally {
      for (const socket of sockets) socket.close();
      await bounded.stop();
    }
  });

  test('a channel that is left and joined again at once is told twice who is there', async () => {
    const topic = `realtime:${newRoom()}`;
    const socket = await RawSocket.open(bridges[0], { token: bridges[0].token({ sub: 'anna' }) });
    const states = () => socket.frames.filter((frame) => frame.event === 'presence_state');
    const presence = { config: { presence: { key: 'anna', enabled: true } } };
    await socket.join(topic, presence);
    await eventually('the state comes', () => states().length === 1);
    socket.send('1', '2', topic, 'phx_leave', {});
    await socket.join(topic, { ref: '3', ...presence });
    await eventually('the state comes twice', () => states().length === 3);
    socket.close();
  });

  test('three hundred who come at once are told in few messages', async () => {
    const topic = `realtime:${newRoom()}`;
    const crowd = 300;
    const large = await startBridge(database, { secret, flags: ['--limit-roster-members', String(crowd)] });
    const sockets = await Promise.all(
      Array.from({ length: crowd }, (_, i) => RawSocket.open(large, { token: large.token({ sub: `c${i}` }) })),
    );
    try {
      const config = (i) => ({ config: { presence: { key: `c${i}`, enabled: true } } });
      await Promise.all(sockets.map((socket, i) => socket.join(topic, config(i))));
      for (const socket of sockets) socket.send('1', '2', topic, 'presence', { type: 'presence', event: 'track', payload: {} });
      const known = (socket) => {
        const keys = new Set();
        for (const { event, payload } of socket.frames) {
          if (event === 'presence_state') Object.keys(payload).forEach((key) => keys.add(key));
          if (event === 'presence_diff') Object.keys(payload.joins).forEach((key) => keys.add(key));
        }
        return keys.size;
      };
      for (const socket of sockets) await eventually('everybody is known', () => known(socket) === crowd);
      const diffs = sockets.map((socket) => socket.frames.filter(({ event }) => event === 'presence_diff').length);
      assert.ok(Math.max(...diffs) < crowd / 5, `at most ${Math.max(...diffs)} messages each`);
    } finally {
      for (const socket of sockets) socket.close();
      await large.stop();
    }
  });

  test('the anonymous cannot be present in a topic of the database', async () => {
    await database.query(`create function ${topics}.anyone(topic text) returns boolean language sql as 'select true'`);
    const room = uniqueName('anyone');
    await database.query(`select live.set_topic_rule('${room}', '${topics}.anyone(text)')`);
    const guest = await enter(clients[3], bridges[0], undefined, room);
    try {
      assert.equal(await guest.track({}), 'error');
      assert.deepEqual(await database.channelMembers(room), {});
    } finally {
      await guest.close();
    }
  });
});
