// Behaviour: behind a pooler in transaction mode, whatever others have left on its connections, and whatever is set for
// the bridge's role, each command is the one asked for, of the user who asked.
// PG_LIVE_POOLER_USERS: users of the mixed commands (150).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openDatabase } from './database.mjs';
import { withDatabase } from './fixture.mjs';
import { ask as askBridge } from './http-client.mjs';
import { Pooler } from './pooler.mjs';
import { RawSocket } from './raw-socket.mjs';
import { startBridge, uniqueName } from './support.mjs';

const users = Number(process.env.PG_LIVE_POOLER_USERS ?? 150);

/** Calls `work` with 0, 1, … `count`-1, so many at a time. */
async function inParallel(count, most, work) {
  let next = 0;
  await Promise.all(Array.from({ length: most }, async () => {
    while (next < count) await work(next++);
  }));
}

/** All that a user asks for by HTTP, and that each answer is the one to it. */
async function useHttp(ask, user, other) {
  const expected = (what, { status, text }, wanted) => assert.equal(status, wanted, `${what} of ${user}: ${text}`);
  const shown = await ask('PATCH', '/api/presence', { user, body: { custom_status: `I am ${user} 🦀` } });
  expected('PATCH', shown, 200);
  assert.deepEqual([shown.body.user_id, shown.body.custom_status], [user, `I am ${user} 🦀`]);
  const [logged, followed, feed, presence, missing] = await Promise.all([
    ask('POST', '/api/activity', { user, body: { activity_type: 'saw', metadata: { by: user } } }),
    ask('POST', '/api/follow', { user, body: { user_id: other } }),
    ask('GET', `/api/activity?actor=${user}&since=2026-01-02`, { user }),
    ask('GET', '/api/presence', { user }),
    ask('DELETE', '/api/activity?id=0', { user }),
  ]);
  expected('POST activity', logged, 201);
  assert.deepEqual([logged.body.user_id, logged.body.metadata], [user, { by: user }]);
  expected('POST follow', followed, 204);
  expected('GET activity', feed, 200);
  assert.ok(Array.isArray(feed.body.activities) && feed.body.activities.every((each) => each.user_id === user), feed.text);
  expected('GET presence', presence, 200);
  assert.equal(presence.body.user_id, user);
  expected('DELETE activity', missing, 404);
}

async function unfollow(ask, user, other) {
  assert.equal((await ask('DELETE', `/api/follow?user_id=${other}`, { user })).status, 204);
}

/** What a user does on a socket: a join with what was missed, and a command. */
async function useSocket(bridge, topic, user) {
  const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: user }) });
  const joined = await socket.join(`realtime:${topic}`, { config: { broadcast: { replay: { since: 1 } } } });
  assert.equal(joined.payload.status, 'ok', JSON.stringify(joined.payload));
  socket.send('1', '2', `realtime:${topic}`, 'presence:update', { custom_status: `on a socket: ${user}` });
  const { payload } = await socket.reply('2');
  assert.deepEqual([payload.status, payload.response.user_id, payload.response.custom_status], ['ok', user, `on a socket: ${user}`], JSON.stringify(payload));
  const { payload: missed } = await socket.broadcast(`realtime:${topic}`, 'greeting');
  assert.deepEqual(missed.payload, { to: 'all' });
  await socket.close();
}

/** What the database has of it. */
async function stored(database, names) {
  const { rows } = await database.query(`
    select u as user_id, (select jsonb_agg(a.metadata->>'by') from live.activity_stream a where a.user_id = u) as activities,
           (select count(*)::int from live_private.follow_edge f where f.follower = u) as follows
    from unnest($1::text[]) as u`, [names]);
  return rows;
}

for (const size of [1, 2]) {
  describe(`behind a pooler with ${size} connection(s)`, () => {
    let database, pooler, bridge, topic;
    const ask = (...request) => askBridge(bridge, ...request);
    withDatabase({}, async ({ closeLater, ...made }) => {
      ({ database } = made);
      pooler = closeLater(await Pooler.start(database, size));
      const flags = ['--listen-db', database.bridgeConninfo, '--statement-timeout', '60'];
      bridge = closeLater(await startBridge({ bridgeConninfo: pooler.bridgeConninfo }, { flags }));
      topic = `${made.prefix}:room`;
      await database.emit(topic, 'greeting', { to: 'all' });
    });

    test('mixed commands of many users at once are each carried out as asked, by the right user', async () => {
      const stem = uniqueName('user');
      const nameOf = (n) => `${stem}_${n % users}`;
      await inParallel(users, 60, async (n) => {
        await useHttp(ask, nameOf(n), nameOf(n + 1));
        if (n % 3 === 0) await useSocket(bridge, topic, nameOf(n));
      });
      const names = Array.from({ length: users }, (_, n) => nameOf(n));
      const expected = (follows) => names.map((user) => ({ user_id: user, activities: [user], follows }));
      assert.deepEqual(await stored(database, names), expected(1));
      await inParallel(users, 60, (n) => unfollow(ask, nameOf(n), nameOf(n + 1)));
      assert.deepEqual(await stored(database, names), expected(0));
    });

    if (size > 1) return; // what is left on the one connection is met for certain

    for (const [setting, value] of [
      ['request.jwt.claims', '{"sub":"mallory","role":"authenticated"}'],
      ['request.jwt.claim.sub', 'mallory'],
      ['request.jwt.claim.role', 'service_role'],
      ['role', 'anon'],
      ['default_transaction_isolation', 'serializable'],
      ['default_transaction_isolation', 'repeatable read'],
      ['default_transaction_read_only', 'on'],
      ['DateStyle', 'German, DMY'],
      ['IntervalStyle', 'iso_8601'],
      ['TimeZone', 'Asia/Tokyo'],
      ['bytea_output', 'escape'],
      ['extra_float_digits', '-15'],
      ['row_security', 'off'],
      ['search_path', 'nowhere, pg_catalog'],
      ['client_encoding', 'LATIN1'],
      ['statement_timeout', '3s'],
      ['lock_timeout', '3s'],
      ['plan_cache_mode', 'force_generic_plan'],
    ]) {
      test(`a leftover of ${setting} = ${value} changes nothing`, async () => {
        const user = uniqueName('user');
        await pooler.leave(`set ${setting} = '${value}'`);
        try {
          await useSocket(bridge, topic, user);
          await useHttp(ask, user, 'somebody');
          assert.deepEqual(await stored(database, [user]), [{ user_id: user, activities: [user], follows: 1 }]);
        } finally {
          await pooler.leave(`reset ${setting}`);
        }
      });
    }

    test('a function or an operator of a leftover search_path takes the place of none', async () => {
      await database.query(`
        create schema evil;
        create function evil.to_jsonb(anyelement) returns jsonb language sql as $f$ select '"evil"'::jsonb $f$;
        create function evil.never(text, text) returns boolean language sql as 'select false';
        create operator evil.<> (function = evil.never, leftarg = text, rightarg = text);
        create operator evil.= (function = evil.never, leftarg = text, rightarg = text);
        grant usage on schema evil to public`);
      try {
        await pooler.leave('set search_path = evil, pg_catalog');
        await useHttp(ask, uniqueName('user'), 'somebody');
      } finally {
        await pooler.leave('reset search_path');
        await database.query('drop schema evil cascade');
      }
    });

    test('what a command sets is gone after it', async () => {
      await ask('PATCH', '/api/presence', { user: uniqueName('user'), body: { mode: 'away' } });
      const other = await pooler.connect();
      const { rows } = await other.query(`
        select current_user::text as role, current_setting('request.jwt.claims', true) as claims,
               current_setting('transaction_read_only') as read_only, current_setting('statement_timeout') as timeout`);
      assert.deepEqual(rows, [{ role: 'live_bridge', claims: '', read_only: 'off', timeout: '0' }]);
      await other.end();
    });

    test('a name of a prepared statement that means another thing there is not taken for ours', async () => {
      const user = uniqueName('user');
      await pooler.leave('deallocate all');
      for (let n = 1; n < 20; n++) await pooler.leave(`prepare pg_live_${n} as select 'another thing'`);
      await useHttp(ask, user, 'somebody');
      await pooler.leave('deallocate all');
      await useHttp(ask, uniqueName('user'), 'somebody');
    });
  });
}

describe('settings of the bridge\'s role', () => {
  test('none of them changes what its commands do', async () => {
    const database = await openDatabase('in-transaction');
    for (const setting of [
      "default_transaction_isolation = 'serializable'", 'default_transaction_read_only = on', "statement_timeout = '1min'",
      "DateStyle = 'German, DMY'", "bytea_output = 'escape'", 'row_security = off', "IntervalStyle = 'sql_standard'",
      "request.jwt.claim.sub = 'mallory'", "search_path = 'live'", "lock_timeout = '1min'", 'session_replication_role = replica',
    ]) await database.query(`alter role live_bridge in database ${database.name} set ${setting}`);
    const plain = "options='-c default_transaction_isolation=read\\\\ committed -c default_transaction_read_only=off'";
    const bridge = await startBridge(database, { flags: ['--listen-db', `${database.bridgeConninfo} ${plain}`] });
    const topic = `${await database.topics()}:room`;
    await database.emit(topic, 'greeting', { to: 'all' });
    const user = uniqueName('user');
    await useHttp((...request) => askBridge(bridge, ...request), user, 'somebody');
    await useSocket(bridge, topic, user);
    assert.deepEqual(await stored(database, [user]), [{ user_id: user, activities: [user], follows: 1 }]);
    await bridge.stop();
    await database.close();
  });
});
