// Behaviour: what a client pushes on a channel as a command runs in the database as its user, and is answered with what
// the function returned, or with the error and its code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients, newestRealtime, subscribed } from './clients.mjs';
import { openDatabase } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge, uniqueName } from './support.mjs';

describe('commands', () => {
  let database, bridge, prefix;
  const closeLater = withBridge({ flags: ['--poll-interval', '1'] }, (made) => ({ database, bridge, prefix } = made));

  /** A channel that a user has joined with an npm client. */
  const joined = async (client, user, topic = 'presence') => closeLater(await subscribed(client, bridge, topic, { claims: { sub: user } }));

  /** A socket spoken to by hand; `push` sends a command and returns the payload of its reply. */
  async function socketOf(user, topic = 'realtime:presence', claims = {}) {
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.token({ sub: user, ...claims }) }));
    const { payload } = await socket.join(topic);
    assert.equal(payload.status, 'ok', JSON.stringify(payload));
    let last = 100;
    socket.begin = (event, body) => {
      last += 1;
      socket.send('1', `${last}`, topic, event, body);
      return `${last}`;
    };
    socket.push = async (event, body) => (await socket.reply(socket.begin(event, body))).payload;
    return socket;
  }

  // Of a user who has only connected, or not even that yet.
  const untouched = { mode: 'auto', custom_status: null, metadata: {} };

  /** What the database has of a user, as an administrator sees it. */
  async function stored(user) {
    const { rows } = await database.query('select mode::text, custom_status, metadata from live.user_presence where user_id = $1', [user]);
    return rows[0];
  }

  for (const client of clients) {
    test(`${client.name}: presence:update changes what is shown, and is answered with it`, async () => {
      const user = uniqueName('user');
      const channel = await joined(client, user);
      const { status, response } = await channel.push('presence:update', { mode: 'busy', custom_status: 'grüße 🦀', metadata: { x: 1 } });
      assert.equal(status, 'ok');
      assert.deepEqual([response.user_id, response.mode, response.custom_status, response.metadata], [user, 'busy', 'grüße 🦀', { x: 1 }]);
      assert.deepEqual(await stored(user), { mode: 'busy', custom_status: 'grüße 🦀', metadata: { x: 1 } });
    });

    test(`${client.name}: typing:indicator reaches who listens at that place`, async () => {
      const location = uniqueName('document');
      const channel = await joined(client, 'anna', `typing:${location}`);
      assert.deepEqual(await channel.push('typing:indicator', { location, is_typing: true }), { status: 'ok', response: {} });
      assert.deepEqual((await channel.arrived('typing:indicator')).payload, { location, user_ids: ['anna'] });
    });

    test(`${client.name}: heartbeat brings its user online, and away when the device is not in use`, async () => {
      const channel = await joined(client, uniqueName('user'));
      assert.equal((await channel.push('heartbeat', { device_type: 'mobile' })).response.status, 'online');
      const { response } = await channel.push('heartbeat', { active: false });
      assert.deepEqual([response.status, response.device_type, response.connections], ['away', 'mobile', 1]);
    });

    test(`${client.name}: an error comes with its code`, async () => {
      const channel = await joined(client, 'anna');
      const { status, response } = await channel.push('presence:update', { mode: 'asleep' });
      assert.equal(status, 'error');
      assert.equal(response.code, '22P02');
      assert.match(response.reason, /asleep/);
    });
  }

  for (const client of clients.filter(({ name }) => name.startsWith('realtime-js'))) {
    test(`${client.name}: channel.send({type, payload}) is a command too`, async () => {
      const user = uniqueName('user');
      const channel = await joined(client, user);
      assert.equal(await channel.channel.send({ type: 'presence:update', event: 'any', payload: { mode: 'away' } }), 'ok');
      assert.equal((await stored(user)).mode, 'away');
      assert.equal(await channel.channel.send({ type: 'presence:update', event: 'any', payload: { mode: 'asleep' } }), 'error');
    });
  }

  for (const [status, mode] of Object.entries({ online: 'auto', away: 'away', busy: 'busy', offline: 'invisible' })) {
    test(`presence:update takes the status ${status} for the mode ${mode}`, async () => {
      const socket = await socketOf(uniqueName('user'));
      assert.equal((await socket.push('presence:update', { status })).response.mode, mode);
    });
  }

  test('the mode wins over the status', async () => {
    const socket = await socketOf(uniqueName('user'));
    assert.equal((await socket.push('presence:update', { mode: 'busy', status: 'away' })).response.mode, 'busy');
  });

  for (const status of ['asleep', 'invisible', 'auto', '', 7, {}]) {
    test(`the status ${JSON.stringify(status)} is none: 22P02`, async () => {
      const socket = await socketOf(uniqueName('user'));
      const { status: outcome, response } = await socket.push('presence:update', { status });
      assert.deepEqual([outcome, response.code], ['error', '22P02']);
    });
  }

  test('what presence:update does not say, or says is null, stays as it is', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    await socket.push('presence:update', { mode: 'away', custom_status: 'here', metadata: { kept: true } });
    await socket.push('presence:update', {});
    await socket.push('presence:update', { mode: null, status: null, custom_status: null, device_type: null, metadata: null });
    assert.deepEqual(await stored(user), { mode: 'away', custom_status: 'here', metadata: { kept: true } });
  });

  test('numbers in metadata keep every digit', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    socket.sendRaw('["1","7","realtime:presence","presence:update",{"metadata":{"big":9007199254740993,"price":1.10}}]');
    const { text } = await socket.reply('7');
    assert.ok(text.includes('9007199254740993') && text.includes('1.10'), text);
  });

  test('typing:indicator is about the topic it is pushed on, unless it names a place', async () => {
    const location = uniqueName('document');
    const socket = await socketOf('anna', `realtime:typing:${location}`);
    assert.deepEqual(await socket.push('typing:indicator', {}), { status: 'ok', response: {} });
    const { payload } = await socket.broadcast(`realtime:typing:${location}`, 'typing:indicator');
    assert.deepEqual(payload.payload, { location, user_ids: ['anna'] });
  });

  test('a place where one may not be is refused with 42501', async () => {
    const closed = await database.topics({ receive: "live.user_id() = 'ben'" });
    const socket = await socketOf('anna');
    const { status, response } = await socket.push('typing:indicator', { location: `${closed}:x` });
    assert.deepEqual([status, response.code], ['error', '42501']);
  });

  test('a heartbeat is of the connection it comes through: two sockets are two connections', async () => {
    const user = uniqueName('user');
    const [one, other] = await Promise.all([socketOf(user), socketOf(user)]);
    await one.push('heartbeat', {});
    await one.push('heartbeat', {});
    assert.equal((await other.push('heartbeat', {})).response.connections, 2);
  });

  test('the heartbeat of Phoenix itself stays what it is', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    assert.ok(await socket.answers());
    const { rows } = await database.query('select from live.connection where user_id = $1 and node_id is null', [user]);
    assert.equal(rows.length, 0, 'it makes no connection beside the one that the bridge holds');
  });

  test('commands of one connection are carried out in the order they were given', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    const refs = Array.from({ length: 200 }, (_, n) => socket.begin('presence:update', { custom_status: `step ${n}` }));
    await socket.reply(refs.at(-1));
    const replies = socket.frames.filter((frame) => refs.includes(frame.ref));
    assert.deepEqual(replies.map((frame) => frame.ref), refs);
    assert.deepEqual(replies.map((frame) => frame.payload.response.custom_status), refs.map((_, n) => `step ${n}`));
    assert.equal((await stored(user)).custom_status, 'step 199');
  });

  test('who is not signed in is refused with 42501, and told why', async () => {
    const socket = closeLater(await RawSocket.open(bridge, { token: bridge.anonKey }));
    await socket.join(`realtime:${prefix}:anonymous`);
    for (const event of ['presence:update', 'typing:indicator', 'heartbeat']) {
      socket.send('1', event, `realtime:${prefix}:anonymous`, event, {});
      const { payload } = await socket.reply(event);
      assert.equal(payload.status, 'error');
      assert.deepEqual([payload.response.code, payload.response.reason], ['42501', 'not signed in']);
    }
  });

  for (const payload of [[], [{}], 'text', '', 7, true, null]) {
    test(`a payload that is ${JSON.stringify(payload)} is refused with 22023`, async () => {
      const socket = await socketOf(uniqueName('user'));
      for (const event of ['presence:update', 'typing:indicator', 'heartbeat']) {
        const { status, response } = await socket.push(event, payload);
        assert.deepEqual([status, response.code], ['error', '22023'], event);
      }
    });
  }

  test('bytes are no payload of a command', async () => {
    const socket = await socketOf(uniqueName('user'));
    const parts = ['1', '9', 'realtime:presence', 'heartbeat'].map((part) => Buffer.from(part));
    socket.sendRaw(Buffer.concat([Buffer.from([0, ...parts.map((part) => part.length)]), ...parts, Buffer.from('{}')]));
    assert.equal((await socket.reply('9')).payload.response.code, '22023');
  });

  for (const [what, event, payload, code] of [
    ['metadata of 20 kB', 'presence:update', { metadata: { x: 'x'.repeat(20_000) } }, '54000'],
    ['metadata that is a list', 'presence:update', { metadata: [] }, '22023'],
    ['metadata with __proto__', 'presence:update', { metadata: JSON.parse('{"__proto__": {"admin": true}}') }, '22023'],
    ['metadata with constructor', 'presence:update', { metadata: { constructor: {} } }, '22023'],
    ['a status of 10 kB', 'presence:update', { custom_status: 'x'.repeat(10_000) }, '22023'],
    ['a status that is a number', 'presence:update', { custom_status: 7 }, '22023'],
    ['a place that is a number', 'typing:indicator', { location: 7 }, '22023'],
    ['a place that is an object', 'typing:indicator', { location: {} }, '22023'],
    ['a device nobody has', 'presence:update', { device_type: 'fridge' }, '22P02'],
    ['a place of 10 kB', 'typing:indicator', { location: 'x'.repeat(10_000) }, '22023'],
    ['a place without a name', 'typing:indicator', { location: '' }, '22023'],
    ['a place of control characters', 'typing:indicator', { location: 'a\nb' }, '22023'],
    ['an is_typing that is neither', 'typing:indicator', { location: 'x', is_typing: 'maybe' }, '22P02'],
    ['an active that is neither', 'heartbeat', { active: [] }, '22P02'],
    ['a heartbeat of a device nobody has', 'heartbeat', { device_type: 'fridge' }, '22P02'],
  ]) {
    test(`${what}: ${code}, and nothing is stored`, async () => {
      const user = uniqueName('user');
      const socket = await socketOf(user);
      const { status, response } = await socket.push(event, payload);
      assert.deepEqual([status, response.code], ['error', code], response.reason);
      assert.deepEqual((await stored(user)) ?? untouched, untouched);
      assert.equal((await socket.push('heartbeat', {})).status, 'ok');
    });
  }

  test('metadata of 5 MB ends the connection and leaves nothing', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    socket.begin('presence:update', { metadata: { x: 'x'.repeat(5_000_000) } });
    assert.ok([1009, 1006].includes((await socket.untilClosed()).code));
    assert.deepEqual((await stored(user)) ?? untouched, untouched);
  });

  test('a member named __proto__ beside the arguments changes nothing', async () => {
    const socket = await socketOf(uniqueName('user'));
    socket.sendRaw('["1","7","realtime:presence","presence:update",{"__proto__":{"mode":"busy"},"constructor":1,"mode":"away"}]');
    assert.equal((await socket.reply('7')).payload.response.mode, 'away');
  });

  test('a user id in the payload is ignored: the command acts for its sender', async () => {
    const victim = uniqueName('victim');
    const socket = await socketOf(uniqueName('user'));
    await socket.push('presence:update', { user_id: victim, mode: 'busy' });
    assert.equal(await stored(victim), undefined);
  });

  /** How often the user has begun or renewed typing: each call that reaches the database moves the deadline. */
  async function countingTyping(location, work) {
    await database.query(`
      create table public.${location} (n int);
      create function ${location}_count() returns trigger language plpgsql security definer as
        $f$ begin insert into public.${location} values (1); return null; end $f$;
      create trigger ${location} after insert or update of expires_at on live.typing for each row
        when (new.location = '${location}') execute function ${location}_count()`);
    try {
      await work();
      return Number((await database.query(`select count(*) from public.${location}`)).rows[0].count);
    } finally {
      await database.query(`drop trigger ${location} on live.typing; drop function ${location}_count(); drop table ${location}`);
    }
  }

  test('a flood of typing at one place is answered, and reaches the database once a second', async () => {
    const location = uniqueName('flood');
    const socket = await socketOf('anna');
    const started = Date.now();
    let ended;
    const calls = await countingTyping(location, async () => {
      const refs = Array.from({ length: 300 }, () => socket.begin('typing:indicator', { location }));
      for (const ref of refs) assert.deepEqual((await socket.reply(ref)).payload, { status: 'ok', response: {} });
      ended = Date.now();
    });
    assert.ok(calls >= 1 && calls <= 1 + Math.ceil((ended - started) / 1000), `${calls} calls`);
  });

  test('typing that is repeated within the second goes on for as long as the last call says', async () => {
    const location = uniqueName('repeated');
    const socket = await socketOf('anna');
    const deadline = async () => (await database.query('select expires_at from live.typing where location = $1', [location])).rows[0].expires_at;
    await socket.push('typing:indicator', { location });
    const first = await deadline();
    await socket.push('typing:indicator', { location });
    await eventually('the repeat has moved the deadline', async () => (await deadline()) - first >= 900);
  });

  test('who repeats that one is typing where another tab has said the contrary is typing', async () => {
    const location = uniqueName('tabs');
    const [one, other] = [await socketOf('anna'), await socketOf('anna')];
    await one.push('typing:indicator', { location });
    await other.push('typing:indicator', { location, is_typing: false });
    await one.push('typing:indicator', { location });
    await eventually('anna types', async () => (await database.as('anna', `live.get_typing('${location}')`))[0].value.includes('anna'));
  });

  for (const client of clients) {
    test(`${client.name}: a tab that stops typing does not end the typing of another tab`, async () => {
      const location = uniqueName('tabs');
      const observer = await socketOf('ben', `realtime:typing:${location}`);
      const [one, other] = await Promise.all([1, 2].map(() => subscribed(client, bridge, 'presence')));
      try {
        for (const [tab, is_typing] of [[one, true], [other, true], [other, false], [one, false]]) {
          assert.equal((await tab.push('typing:indicator', { location, is_typing })).status, 'ok');
          await database.query(`update live.typing set expires_at = now() + interval '1 hour' where location = $1`, [location]);
        }
        const sets = () => observer.broadcasts(`realtime:typing:${location}`).map(({ payload }) => payload.payload.user_ids);
        await eventually('anna has stopped', () => sets().at(-1)?.length === 0);
        assert.deepEqual(sets(), [['anna'], []]);
      } finally {
        await Promise.all([one, other].map((tab) => tab.close()));
      }
    });
  }

  test('an open transaction that locks a place delays no command elsewhere', async () => {
    const location = uniqueName('held');
    const app = await database.connect();
    const sockets = await Promise.all(Array.from({ length: 8 }, (_, i) => socketOf(`typist${i}`)));
    const neighbour = await socketOf('neighbour');
    await app.query(`begin; select set_config('request.jwt.claims', '{"sub":"app"}', true)`);
    await app.query('select live.set_typing($1, true)', [location]);
    const refs = sockets.map((socket) => socket.begin('typing:indicator', { location }));
    assert.equal((await neighbour.push('presence:update', { mode: 'busy' })).response.status, 'busy');
    for (const [i, socket] of sockets.entries()) assert.equal((await socket.reply(refs[i])).payload.response.code, '55P03');
    await app.query('commit');
  });

  test('participants type in their session, nobody else does', async () => {
    const { rows } = await database.query(`
      with room as (insert into live.collaboration_sessions (room_name, created_by) values ('room', 'anna') returning id)
      insert into live.session_participants (session_id, user_id) select id, 'anna' from room returning session_id`);
    const location = `session:${rows[0].session_id}`;
    const socket = await socketOf('anna', `realtime:typing:${location}`);
    assert.equal((await socket.push('typing:indicator', {})).status, 'ok');
    assert.deepEqual((await socket.broadcast(`realtime:typing:${location}`, 'typing:indicator')).payload.payload.user_ids, ['anna']);
    const stranger = await socketOf('stranger');
    assert.equal((await stranger.push('typing:indicator', { location })).response.code, '42501');
  });

  test('who went offline with the socket open comes back by saying how to be shown', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    await database.as(user, 'live.go_offline()');
    assert.equal((await socket.push('heartbeat', {})).response.status, 'offline');
    assert.equal((await socket.push('presence:update', { mode: 'auto' })).response.status, 'online');
  });

  test('the first use of an inactive connection makes its user active again', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    assert.equal((await socket.push('heartbeat', { active: false })).response.status, 'away');
    await socket.push('typing:indicator', { location: uniqueName('document') });
    await eventually('the user is back', async () => (await database.as(user, '(live.get_presence()).status'))[0].value === 'online');
  });

  test('typing goes to the database again after one has stopped, by another user, and at another place', async () => {
    const location = uniqueName('again');
    const socket = await socketOf('anna');
    const calls = await countingTyping(location, async () => {
      await socket.push('typing:indicator', { location });
      await socket.push('typing:indicator', { location: `${location}-other` });
      await socket.push('typing:indicator', { location, is_typing: false });
      await socket.push('typing:indicator', { location, is_typing: true });
      const neighbour = await socketOf('ben');
      await neighbour.push('typing:indicator', { location });
    });
    assert.equal(calls, 3);
  });

  test('a flood of typing where one may not be is refused, every call of it', async () => {
    const closed = await database.topics({ receive: 'false' });
    const socket = await socketOf('anna');
    const refs = Array.from({ length: 50 }, () => socket.begin('typing:indicator', { location: `${closed}:x` }));
    for (const ref of refs) assert.equal((await socket.reply(ref)).payload.response.code, '42501');
  });

  test('the answer to a command on a channel that was left is dropped, and the command is carried out', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    await eventually('the user is there', () => stored(user));
    const app = await database.connect();
    await app.query('begin');
    await app.query('select from live.user_presence where user_id = $1 for update', [user]); // the command waits for it
    const ref = socket.begin('presence:update', { mode: 'busy' });
    socket.send('1', 'leave', 'realtime:presence', 'phx_leave', {});
    await socket.reply('leave');
    await app.query('commit');
    await eventually('it is stored', async () => (await stored(user))?.mode === 'busy');
    assert.ok(await socket.answers());
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_reply' && frame.ref === ref));
  });

  test('an event nobody knows is still answered "unknown event"', async () => {
    const socket = await socketOf('anna');
    for (const event of ['presence:delete', 'Heartbeat', '/api/presence', 'PATCH']) {
      assert.deepEqual(await socket.push(event, {}), { status: 'error', response: { reason: 'unknown event' } });
    }
  });

  test('a command on a topic that was not joined is refused', async () => {
    const socket = closeLater(await RawSocket.open(bridge));
    socket.send('1', '2', 'realtime:presence', 'presence:update', { mode: 'busy' });
    assert.equal((await socket.reply('2')).payload.response.reason, 'unmatched topic');
  });

  test('what went wrong inside is in the log without the payload, and the client learns its code alone', async () => {
    const user = uniqueName('user');
    const socket = await socketOf(user);
    await socket.push('heartbeat', {}); // so that the database knows of the connection
    await database.query(`
      create function ${user}() returns trigger language plpgsql as $f$ begin raise exception 'inside: %', new.custom_status; end $f$;
      create trigger ${user} before update on live.user_presence for each row when (new.user_id = '${user}') execute function ${user}()`);
    try {
      const { response } = await socket.push('presence:update', { custom_status: 'my secret' });
      assert.deepEqual(response, { reason: 'the command failed', code: 'P0001' });
    } finally {
      await database.query(`drop trigger ${user} on live.user_presence; drop function ${user}()`);
    }
    await eventually('it is logged', () => bridge.log.includes('P0001'));
    assert.ok(!bridge.log.includes('my secret'));
  });

  test('commands of the newest client are carried out by a bridge without a worker in the database too', async () => {
    const plain = await openDatabase('in-transaction');
    const other = await startBridge(plain);
    const connection = newestRealtime.connect(other, other.token());
    const channel = connection.subscribe('presence');
    await channel.reported('SUBSCRIBED');
    assert.equal((await channel.push('heartbeat', {})).response.status, 'online');
    await connection.close();
    await other.stop();
    await plain.close();
  });
});
