// Behaviour: an activity is told live to those who may see it and to nobody else, whatever becomes of it later; what is
// for one user reaches each tab of that user.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { clients, subscribed } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, uniqueName } from './support.mjs';

// Who hears of an activity of each visibility, with all the topics joined that a viewer may join.
const hearers = {
  public: ['anonymous', 'follower', 'participant', 'addressee', 'actor', 'stranger'],
  followers: ['follower', 'actor'],
  session: ['participant', 'actor'],
  users: ['addressee', 'actor'],
  private: ['actor'],
};

inEachMode((mode) => {
  let database, bridge;
  const closeLater = withBridge({ mode }, (made) => ({ database, bridge } = made));

  /** A socket that has joined these topics; `push` sends a command on the first and returns the payload of its reply. */
  async function viewer(token, topics) {
    const socket = closeLater(await RawSocket.open(bridge, { token }));
    for (const [n, topic] of topics.entries()) {
      const { payload } = await socket.join(`realtime:${topic}`, { ref: `join-${n}` });
      assert.equal(payload.status, 'ok', `${topic}: ${JSON.stringify(payload)}`);
    }
    let last = 0;
    socket.push = async (event, body) => {
      last += 1;
      socket.send('join-0', `push-${last}`, `realtime:${topics[0]}`, event, body);
      return (await socket.reply(`push-${last}`)).payload;
    };
    socket.heard = (event, matches = () => true) =>
      topics.flatMap((topic) => socket.broadcasts(`realtime:${topic}`)).map(({ payload }) => payload)
        .filter((told) => told.event === event && matches(told.payload));
    /** All that has happened so far has arrived: on each topic a mark comes after it. */
    socket.caughtUp = async () => {
      for (const topic of topics) {
        const mark = uniqueName('mark');
        await database.emit(topic, mark);
        await socket.broadcast(`realtime:${topic}`, mark);
      }
    };
    return socket;
  }

  const tab = (user, ...topics) => viewer(bridge.token({ sub: user }), topics.length ? topics : [`user:${user}`]);
  const follow = (follower, followed) => database.query('insert into live_private.follow_edge (follower, followed) values ($1, $2)', [follower, followed]);

  for (const client of clients) {
    test(`${client.name}: activity:new is answered with the activity, and arrives as it is in the feed`, async () => {
      const [channel, subscription] = await Promise.all(['actor', 'reader'].map(async (name) =>
        closeLater(await subscribed(client, bridge, 'activity', { claims: { sub: uniqueName(name) } }))));
      const { status, response } = await channel.push('activity:new', { activity_type: 'liked', entity_type: 'book', entity_id: '7', metadata: { x: 'grüße 🦀' } });
      assert.equal(status, 'ok', JSON.stringify(response));
      const told = await eventually('it arrives', () => subscription.events.find(({ event, payload }) => event === 'activity:new' && payload.id === response.id));
      assert.deepEqual(told.payload, response);
      assert.match(told.meta.id, /^\d+-\d+$/);
      const { rows } = await database.query('select to_jsonb(f) as row from live.get_feed_activities(1, actor => $1) f', [response.user_id]);
      assert.deepEqual(rows[0].row, response);
      assert.equal((await channel.push('activity:delete', { id: response.id })).status, 'ok');
      await eventually('it is gone', () => subscription.events.find(({ event, payload }) => event === 'activity:deleted' && payload.id === response.id));
    });

    test(`${client.name}: an activity that may not be is answered with its code`, async () => {
      const channel = closeLater(await subscribed(client, bridge, 'activity'));
      const { status, response } = await channel.push('activity:delete', { id: 1e15 });
      assert.deepEqual([status, response], ['error', { reason: 'no such activity of yours', code: 'P0002' }]);
    });
  }

  describe('visibility', () => {
    const names = {};
    const viewers = {};
    let room;
    before(async () => {
      for (const name of ['follower', 'participant', 'addressee', 'actor', 'stranger']) names[name] = uniqueName(name);
      room = await database.makeSession(names.actor, names.participant);
      await follow(names.follower, names.actor);
      const more = { follower: [`followers:${names.actor}`], participant: [`session:${room}`], actor: [`session:${room}`] };
      for (const [name, user] of Object.entries(names)) viewers[name] = await tab(user, 'activity', `user:${user}`, ...(more[name] ?? []));
      viewers.anonymous = await viewer(bridge.anonKey, ['activity']);
    });

    /** Logs an activity as the actor; returns its id. */
    async function logged(visibility) {
      const audience = visibility === 'users' ? [names.addressee] : undefined;
      const { status, response } = await viewers.actor.push('activity:new', { activity_type: 'x', visibility, audience, session_id: room });
      assert.equal(status, 'ok', JSON.stringify(response));
      return response.id;
    }

    /** Who has heard that event of that activity, each of them once. */
    async function whoHeard(event, id) {
      await Promise.all(Object.values(viewers).map((each) => each.caughtUp()));
      const times = Object.entries(viewers).map(([name, each]) => [name, each.heard(event, (payload) => payload.id === id).length]);
      assert.ok(times.every(([, heard]) => heard <= 1), JSON.stringify(times));
      return times.filter(([, heard]) => heard === 1).map(([name]) => name).sort();
    }

    for (const [visibility, expected] of Object.entries(hearers)) {
      test(`${visibility}: activity:new, and activity:deleted in the end, reach ${expected.join(', ')}`, async () => {
        const id = await logged(visibility);
        assert.deepEqual(await whoHeard('activity:new', id), [...expected].sort());
        assert.deepEqual(await whoHeard('activity:deleted', id), []);
        assert.equal((await viewers.actor.push('activity:delete', { id })).status, 'ok');
        assert.deepEqual(await whoHeard('activity:deleted', id), [...expected].sort());
      });

      for (const [changed, expectedLater] of Object.entries(hearers).filter(([other]) => other !== visibility)) {
        test(`from ${visibility} to ${changed}: who saw it is told that it is gone, who sees it now is told it`, async () => {
          const id = await logged(visibility);
          await Promise.all(Object.values(viewers).map((each) => each.caughtUp()));
          for (const each of Object.values(viewers)) each.frames = each.frames.filter((frame) => frame.event !== 'broadcast');
          const audience = changed === 'users' ? `array['${names.addressee}']` : 'null';
          await database.as(names.actor, `live.set_activity_visibility(${id}, '${changed}', ${audience})`);
          assert.deepEqual(await whoHeard('activity:deleted', id), [...expected].sort());
          assert.deepEqual(await whoHeard('activity:new', id), [...expectedLater].sort());
        });
      }
    }

    test('who hears both of a change hears that it is gone first', async () => {
      const id = await logged('followers');
      await database.as(names.actor, `live.set_activity_visibility(${id}, 'private')`);
      await viewers.actor.caughtUp();
      const told = viewers.actor.broadcasts(`realtime:user:${names.actor}`).map(({ payload }) => payload).filter(({ payload }) => payload.id === id);
      assert.deepEqual(told.map(({ event }) => event), ['activity:new', 'activity:deleted', 'activity:new']);
    });

    test('a stranger cannot join what is for others', async () => {
      for (const topic of [`followers:${names.actor}`, `session:${room}`, `user:${names.actor}`]) {
        for (const token of [bridge.token({ sub: names.stranger }), bridge.anonKey]) {
          const socket = closeLater(await RawSocket.open(bridge, { token }));
          assert.equal((await socket.join(`realtime:${topic}`)).payload.status, 'error', topic);
        }
      }
    });

    test('an activity that is rolled back is told to nobody', async () => {
      const connection = await database.connect();
      await connection.query('begin');
      await connection.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify({ sub: names.actor })]);
      const { rows: [{ id }] } = await connection.query("select id::integer from live.log_activity('x')");
      await connection.query('rollback');
      assert.deepEqual(await whoHeard('activity:new', id), []);
    });

    test('an idempotency key that is used again tells nothing again', async () => {
      const pushed = () => viewers.actor.push('activity:new', { activity_type: 'x', idempotency_key: 'once' });
      const first = await pushed();
      assert.deepEqual(await pushed(), first);
      assert.deepEqual(await whoHeard('activity:new', first.response.id), [...hearers.public].sort());
    });
  });

  describe('notifications', () => {
    let user;
    let actor;
    let tabs;
    before(async () => {
      [user, actor] = ['user', 'actor'].map(uniqueName);
      tabs = [await tab(user), await tab(user), await tab(actor)];
    });
    const notify = async (...audience) => {
      const { response } = await tabs[2].push('activity:new', { activity_type: 'x', visibility: 'users', audience });
      return response.id;
    };
    const newest = (socket) => socket.heard('notification:count').at(-1)?.payload;

    test('notification:new reaches each tab of the user, once, with the activity', async () => {
      const id = await notify(user, user, actor);
      for (const socket of tabs) await socket.caughtUp();
      for (const socket of tabs.slice(0, 2)) {
        const told = socket.heard('notification:new', (payload) => payload.id === id);
        assert.equal(told.length, 1);
        assert.deepEqual(told[0].payload, socket.heard('activity:new', (payload) => payload.id === id)[0].payload);
      }
      assert.deepEqual(tabs[2].heard('notification:new'), [], 'the actor needs no telling');
    });

    test('activity:read on one tab gives the other the new number', async () => {
      const ids = [await notify(user), await notify(user)];
      const unread = (await database.as(user, 'live.unread_count()'))[0].value;
      assert.deepEqual(await tabs[0].push('activity:read', { ids: [ids[0]] }), { status: 'ok', response: {} });
      await tabs[1].caughtUp();
      assert.deepEqual(newest(tabs[1]), { unread: unread - 1 });
      await tabs[0].push('activity:read', {});
      await tabs[1].caughtUp();
      assert.deepEqual(newest(tabs[1]), { unread: 0 });
    });

    for (const [event, payload] of [
      ['activity:read', { id: 1 }], ['activity:read', { ids: null, id: 1 }], ['activity:read', { payload: { ids: [1] } }], ['activity:seen', { upto: 1 }],
    ]) {
      test(`${event} ${JSON.stringify(payload)} is refused, and all stays unread`, async () => {
        const id = await notify(user);
        const { status, response } = await tabs[0].push(event, payload);
        assert.deepEqual([status, response.code], ['error', '22023'], response.reason);
        const { rows } = await database.query(
          "with claims as materialized (select set_config('request.jwt.claims', $1, false)) select id::integer, seen, read from claims, live.get_notifications(1)",
          [JSON.stringify({ sub: user })]);
        assert.deepEqual(rows, [{ id, seen: false, read: false }]);
      });
    }

    test('a notification that is taken back gives the new number', async () => {
      await tabs[0].push('activity:read', {});
      const id = await notify(user);
      await tabs[2].push('activity:delete', { id });
      await tabs[1].caughtUp();
      assert.deepEqual(newest(tabs[1]), { unread: 0 });
      assert.equal(tabs[1].heard('activity:deleted', (payload) => payload.id === id).length, 1);
    });

    test('activity:seen takes the newest notification, and no other', async () => {
      const id = await notify(user);
      assert.deepEqual(await tabs[0].push('activity:seen', { up_to: id }), { status: 'ok', response: {} });
      const { rows } = await database.query(
        "with claims as materialized (select set_config('request.jwt.claims', $1, false)) select seen, read from claims, live.get_notifications(1)",
        [JSON.stringify({ sub: user })]);
      assert.deepEqual(rows, [{ seen: true, read: false }]);
      assert.equal((await tabs[2].push('activity:seen', { up_to: id })).response.code, 'P0002');
    });
  });

  for (const event of ['follow', 'unfollow']) {
    test(`${event} of nobody is refused`, async () => {
      const socket = await tab(uniqueName('user'));
      for (const [payload, code] of [[{}, '22004'], [{ user_id: null }, '22004'], [{ user: 'ben' }, '22004'], [{ user_id: '' }, '22023'], [{ user_id: 7 }, '22023']]) {
        const { status, response } = await socket.push(event, payload);
        assert.deepEqual([status, response.code], ['error', code], JSON.stringify(payload));
      }
    });
  }

  test('follow opens what is for followers, unfollow ends the open subscription', async () => {
    const [follower, actor] = ['follower', 'actor'].map(uniqueName);
    const socket = await tab(follower);
    const topic = `realtime:followers:${actor}`;
    assert.equal((await socket.join(topic, { ref: 'early' })).payload.status, 'error');
    assert.deepEqual(await socket.push('follow', { user_id: actor }), { status: 'ok', response: {} });
    assert.equal((await socket.join(topic, { ref: 'open' })).payload.status, 'ok');
    await database.as(actor, "live.log_activity('x', visibility => 'followers')");
    await socket.broadcast(topic, 'activity:new');
    assert.deepEqual(await socket.push('unfollow', { user_id: actor }), { status: 'ok', response: {} });
    await socket.frame('the subscription ends', (frame) => frame.event === 'phx_close' && frame.topic === topic);
    await database.as(actor, "live.log_activity('x', visibility => 'followers')");
    await socket.caughtUp();
    assert.equal(socket.broadcasts(topic).length, 1);
    assert.equal((await socket.join(topic, { ref: 'late' })).payload.status, 'error');
  });

  test('who resumes hears the activities that were missed, once and in order', async () => {
    const actor = uniqueName('actor');
    const follower = uniqueName('follower');
    await follow(follower, actor);
    const topic = `realtime:followers:${actor}`;
    const first = await tab(follower, `followers:${actor}`);
    const log = (type) => database.as(actor, `live.log_activity('${type}', visibility => 'followers')`);
    await log('before');
    const { payload: { meta } } = await first.broadcast(topic, 'activity:new');
    first.close();
    for (const type of ['one', 'two', 'three']) await log(type);
    const back = closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: follower }) }));
    await back.join(topic, { config: { resume: meta.id } });
    await log('after');
    await eventually('the last arrives', () => back.broadcasts(topic).some(({ payload }) => payload.payload.activity_type === 'after'));
    assert.deepEqual(back.broadcasts(topic).map(({ payload }) => payload.payload.activity_type), ['one', 'two', 'three', 'after']);
  });
});
