// Behaviour: access that is taken away ends what is open, at once and with a reason, and nothing else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients, subscribed } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';

inEachMode((mode) => {
  let database, bridge, prefix;
  withBridge({ mode }, async ({ prefix: members, ...made }) => {
    ({ database, bridge } = made);
    await database.query(`
      create table ${members}.member (topic text, user_id text);
      grant select on ${members}.member to anon, authenticated`);
    const isMember = `exists (select from ${members}.member as m where m.topic = $1 and m.user_id = live.user_id())`;
    prefix = await database.topics({ receive: isMember });
    database.admit = (topic, user) => database.query(`insert into ${members}.member values ($1, $2)`, [topic, user]);
    database.expel = (topic, user) => database.query(`delete from ${members}.member where topic = $1 and user_id = $2`, [topic, user]);
  });

  async function member(topic, user) {
    await database.admit(topic, user);
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: user }) });
    assert.equal((await socket.join(`realtime:${topic}`)).payload.status, 'ok');
    return socket;
  }

  async function endsWithReason(socket, topic) {
    const wire = `realtime:${topic}`;
    await socket.frame('phx_close', (frame) => frame.event === 'phx_close' && frame.topic === wire);
    const system = socket.frames.find((frame) => frame.event === 'system' && frame.topic === wire);
    assert.equal(system?.payload.status, 'error');
    assert.match(system.payload.message, /permission|revoked/i);
  }

  test('one user loses a topic: every connection of theirs is told, nobody else is', async () => {
    const topic = `${prefix}:one`;
    const [first, second, other] = [await member(topic, 'anna'), await member(topic, 'anna'), await member(topic, 'ben')];
    await database.expel(topic, 'anna');
    await database.query('select live.revoke_access($1, $2)', [topic, 'anna']);
    await Promise.all([endsWithReason(first, topic), endsWithReason(second, topic)]);
    await database.emit(topic, 'marker');
    await other.broadcast(`realtime:${topic}`, 'marker');
    assert.ok(await first.answers());
    assert.deepEqual(first.broadcasts(`realtime:${topic}`), []);
    assert.equal((await first.join(`realtime:${topic}`, { ref: '2' })).payload.status, 'error');
    assert.ok(!other.frames.some((frame) => frame.event === 'phx_close' || frame.event === 'system'));
    for (const socket of [first, second, other]) socket.close();
  });

  test('a topic is asked about again for everybody: who may still receive stays', async () => {
    const topic = `${prefix}:all`;
    const [anna, ben] = [await member(topic, 'anna'), await member(topic, 'ben')];
    await database.expel(topic, 'ben');
    await database.query('select live.revoke_access($1)', [topic]);
    await endsWithReason(ben, topic);
    await database.emit(topic, 'marker');
    await anna.broadcast(`realtime:${topic}`, 'marker');
    assert.ok(!anna.frames.some((frame) => frame.event === 'phx_close' || frame.event === 'system'));
    assert.deepEqual(ben.broadcasts(`realtime:${topic}`), []);
    for (const socket of [anna, ben]) socket.close();
  });

  test('who loses a topic loses what is typed there too', async () => {
    const topic = `${prefix}:typing`;
    await database.admit(topic, 'anna');
    const socket = await member(topic, 'anna');
    assert.equal((await socket.join(`realtime:typing:${topic}`, { ref: '2' })).payload.status, 'ok');
    await database.expel(topic, 'anna');
    await database.query('select live.revoke_access($1, $2)', [topic, 'anna']);
    await endsWithReason(socket, `typing:${topic}`);
    socket.close();
  });

  test('a user who loses one topic keeps the others', async () => {
    const [lost, kept] = [`${prefix}:lost`, `${prefix}:kept`];
    const socket = await member(lost, 'anna');
    await database.admit(kept, 'anna');
    await socket.join(`realtime:${kept}`, { ref: '2' });
    await database.expel(lost, 'anna');
    await database.query('select live.revoke_access($1, $2)', [lost, 'anna']);
    await endsWithReason(socket, lost);
    await database.emit(kept, 'marker');
    await socket.broadcast(`realtime:${kept}`, 'marker');
    socket.close();
  });

  test('a rule that is dropped ends every channel it had allowed, and no other', async () => {
    const dropped = await database.topics();
    const kept = await database.topics();
    const sockets = [await RawSocket.open(bridge), await RawSocket.open(bridge)];
    for (const [index, socket] of sockets.entries()) {
      await socket.join(`realtime:${dropped}:${index}`);
      await socket.join(`realtime:${kept}:room`, { ref: '2' });
    }
    await database.query('select live.drop_topic_rule($1)', [`${dropped}:*`]);
    for (const [index, socket] of sockets.entries()) await endsWithReason(socket, `${dropped}:${index}`);
    await database.emit(`${kept}:room`, 'marker');
    for (const socket of sockets) {
      await socket.broadcast(`realtime:${kept}:room`, 'marker');
      socket.close();
    }
  });

  test('a revocation that is rolled back takes nothing away', async () => {
    const topic = `${prefix}:rollback`;
    const socket = await member(topic, 'anna');
    await database.query('begin');
    await database.expel(topic, 'anna');
    await database.query('select live.revoke_access($1, $2)', [topic, 'anna']);
    await database.query('rollback');
    await database.emit(topic, 'marker');
    await socket.broadcast(`realtime:${topic}`, 'marker');
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_close'));
    socket.close();
  });

  test('while others follow and unfollow without end, every join is answered by what the rule says', async () => {
    // A check that takes its time: some of what the others do falls into every question.
    const slow = await database.topics({ receive: "topic like '%:busy' and pg_sleep(0.05) is not null" });
    const topic = `${slow}:busy`;
    const crowd = await database.connect();
    let stop = false;
    const loop = (async () => {
      for (let n = 0; !stop; n++) {
        await crowd.query(`
          with claims as materialized (select set_config('request.jwt.claims', $1, false))
          select live.revoke_access('followers:idol' || n, 'fan' || n) from claims, generate_series(1, 20) as n`, [JSON.stringify({ sub: `fan${n}` })]);
      }
    })();
    try {
      const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'anna' }) });
      for (let n = 1; n <= 8; n++) {
        const { payload } = await socket.join(`realtime:${topic}`, { ref: `${n}` });
        assert.equal(payload.status, 'ok', JSON.stringify(payload));
      }
      assert.equal((await socket.join(`realtime:${slow}:other`, { ref: 'refused' })).payload.status, 'error');
      socket.close();
    } finally {
      stop = true;
      await loop;
    }
  });

  describe('npm clients', () => {
    for (const client of clients) {
      test(`${client.name} reports the channel closed and does not come back`, async () => {
        const topic = `${prefix}:client-${clients.indexOf(client)}`;
        await database.admit(topic, 'anna');
        const subscription = await subscribed(client, bridge, topic);
        await database.expel(topic, 'anna');
        await database.query('select live.revoke_access($1, $2)', [topic, 'anna']);
        await subscription.reported('CLOSED');
        assert.equal(subscription.system.at(-1).status, 'error');
        await subscription.close();
      });
    }
  });
});
