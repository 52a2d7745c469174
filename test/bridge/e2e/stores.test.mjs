// Behaviour: the stores of the package, in Node over a bridge and a database: states, actions, and what is taken back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import WebSocket from 'ws';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';

// Which browsers have, and this Node may not; phoenix looks for it when it is imported.
globalThis.WebSocket = WebSocket;
const { createLiveStore, Live } = await import('../../../bridge/client/lib/index.js');

describe('the stores', () => {
  let database, bridge;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

  /** A store of a user who is connected. */
  async function storeOf(user) {
    const live = new Live({ url: bridge.url, token: () => bridge.token({ sub: user }) });
    closeLater({ close: () => live.disconnect() });
    const store = createLiveStore(live);
    await store.getState().connect();
    await eventually(`${user} is connected`, () => store.getState().isConnected && live.client.topic(`user:${user}`).isJoined);
    return Object.assign(store, { live, state: () => store.getState() });
  }

  const rejects = (action, pattern) => assert.rejects(action, (error) => pattern.test(error.message));

  test('what is loaded and what happens meanwhile are one list, without a gap or a repeat', async () => {
    const type = uniqueName('seam');
    const store = await storeOf('anna');
    const writer = await database.connect();
    const total = 300;
    const writing = (async () => {
      for (let n = 0; n < total; n++) {
        await writer.query(`with claims as materialized (select set_config('request.jwt.claims', '{"sub": "eve", "role": "authenticated"}', false))
          select live.log_activity($1, 'n', $2) from claims`, [type, String(n)]);
      }
    })();
    const feeds = [];
    while (feeds.length < 6) {
      const feed = store.live.feed({ types: [type], pageSize: 1000 - feeds.length });
      feeds.push(feed);
      void feed.getState().fetch();
      await eventually('it is loaded', () => feed.getState().status === 'ready');
      store.live.client.disconnect();
      await store.state().connect();
    }
    await writing;
    const expected = Array.from({ length: total }, (_, n) => String(total - 1 - n));
    for (const feed of feeds) {
      await eventually('all are there', () => feed.getState().activities.length >= total);
      assert.deepEqual(feed.getState().activities.map(({ entity_id }) => entity_id), expected);
    }
  });

  test('an activity shows before the answer, and is taken back when it is refused', async () => {
    const store = await storeOf('anna');
    const type = uniqueName('liked');
    await store.state().fetchActivities({ types: [type] });
    await eventually('it is loaded', () => !store.state().isLoadingActivities);
    const ids = [];
    store.subscribe(({ activities }) => ids.push(activities.map(({ id }) => id)));
    const made = await store.state().addActivity({ activity_type: type, entity_type: 'book', entity_id: '7' });
    assert.ok(ids[0][0] < 0, 'it is shown with an id of its own first');
    assert.deepEqual(store.state().activities.map(({ id }) => id), [made.id]);
    await rejects(store.state().addActivity({ activity_type: type, visibility: 'session' }), /session/);
    assert.deepEqual(store.state().activities.map(({ id }) => id), [made.id]);
    assert.match(store.state().errors.activities.message, /session/);
    await rejects(store.state().removeActivity(1_000_000_000), /./);
    await store.state().removeActivity(made.id);
    assert.deepEqual(store.state().activities, []);
    assert.equal(store.state().errors.activities, null);
  });

  test('presence changes at once, and is taken back when it is refused', async () => {
    const user = uniqueName('anna');
    const store = await storeOf(user);
    await store.state().fetchOnlineUsers();
    await eventually('one sees oneself', () => store.state().onlineUsers.some(({ user_id, status }) => user_id === user && status === 'online'));
    const changing = store.state().updatePresence({ mode: 'busy' });
    assert.equal(store.state().presence.status, 'busy');
    await changing;
    const refused = store.state().updatePresence({ mode: 'away', custom_status: 'x'.repeat(10_000) });
    assert.equal(store.state().presence.status, 'away');
    await rejects(refused, /./);
    assert.equal(store.state().presence.status, 'busy');
    assert.equal(store.state().onlineUsers.find(({ user_id }) => user_id === user).status, 'busy');
    assert.ok(store.state().errors.presence);
    store.state().clearErrors();
    assert.equal(store.state().errors.presence, null);
    assert.equal((await store.state().fetchPresence('nobody')).status, 'offline');
  });

  test('typing is told and ended, of others alone', async () => {
    const location = uniqueName('book');
    const [anna, ben] = [await storeOf('anna'), await storeOf('ben')];
    for (const store of [anna, ben]) store.state().watchTyping(location);
    await eventually('both listen', () => [anna, ben].every(({ live }) => live.client.topic(`typing:${location}`).isJoined));
    ben.state().setTyping(location, true);
    await eventually('anna sees it', () => anna.state().typingUsers[location]?.[0] === 'ben');
    assert.deepEqual(ben.state().typingUsers[location] ?? [], []);
    ben.state().setTyping(location, false);
    await eventually('anna sees the end', () => anna.state().typingUsers[location].length === 0);
  });

  test('notifications are counted, and read', async () => {
    const user = uniqueName('anna');
    const store = await storeOf(user);
    await store.state().fetchNotifications();
    const recommend = (entity) => database.as('ben', `live.log_activity('recommended', 'book', '${entity}', visibility => 'users', audience => '{${user}}')`);
    for (const entity of ['7', '8', '9']) await recommend(entity);
    await eventually('three are unread', () => store.state().unreadCount === 3 && store.state().notifications.length === 3);
    await store.state().markRead([store.state().notifications[0].id]);
    assert.equal(store.state().unreadCount, 2);
    const reading = store.state().markAllRead();
    assert.equal(store.state().unreadCount, 0);
    await reading;
    assert.ok(store.state().notifications.every(({ read }) => read));
    await store.state().markSeen();
  });

  test('a session: two join, edit, point, and leave', async () => {
    const room = uniqueName('room');
    const [anna, ben] = [await storeOf('anna'), await storeOf('ben')];
    const { session_id } = await anna.state().joinSession({ room_name: room, create_if_missing: true });
    await ben.state().joinSession({ session_id });
    await eventually('anna sees ben', () => anna.state().participants.some(({ user_id }) => user_id === 'ben'));
    await eventually('both listen', () => [anna, ben].every(({ live }) => live.client.topic(`session:${session_id}`).isJoined));
    assert.equal((await anna.state().sendEdit([[[0, 'hello']]])).status, 'accepted');
    await eventually('ben has the edit', () => ben.state().edits.some(({ user_id, version }) => user_id === 'anna' && version === 1));
    await ben.state().updateCursor({ at: 3 });
    await eventually('anna sees where ben is', () => anna.state().cursors.some(({ user_id, cursor }) => user_id === 'ben' && cursor.at === 3));
    await rejects(ben.state().sendEdit(['nonsense']), /./);
    assert.ok(ben.state().errors.session);
    await ben.state().leaveSession();
    assert.equal(ben.state().currentSession, null);
    await eventually('anna sees that ben left', () => !anna.state().participants.some(({ user_id }) => user_id === 'ben'));
    await rejects(ben.state().joinSession({ room_name: uniqueName('none') }), /./);
  });

  test('who disconnects is offline at once, and comes back with what was missed', async () => {
    const [type, user] = [uniqueName('liked'), uniqueName('anna')];
    const store = await storeOf(user);
    await store.state().fetchActivities({ types: [type] });
    await eventually('it is joined', () => store.live.client.topic('activity').isJoined);
    store.state().disconnect();
    await eventually('the user is offline', async () => (await database.query('select status from live.presence where user_id = $1', [user])).rows[0]?.status === 'offline');
    await database.as('ben', `live.log_activity('${type}', 'book', '7')`);
    await store.state().connect();
    await eventually('it is there', () => store.state().activities.length === 1);
  });
});
