// Behaviour: joining and leaving topics, with every frame that the npm clients need in answer.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clients } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually } from './support.mjs';

describe('joining a topic', () => {
  let database, bridge, prefix;
  withBridge({ topics: { receive: "topic not like '%:secret'" } }, (made) => ({ database, bridge, prefix } = made));

  for (const client of clients) {
    for (const [what, topic] of [
      ['whose rule refuses the user', () => `${prefix}:secret`],
      ['for which there is no rule', () => `nobody-ruled-${prefix}`],
    ]) {
      test(`${client.name} is told why it may not join a topic ${what}`, async () => {
        const connection = client.connect(bridge, bridge.token());
        const { message } = await connection.subscribe(topic()).reported('CHANNEL_ERROR');
        const reason = `Unauthorized: You do not have permissions to read from this Channel topic: ${topic()}`;
        assert.ok(message.includes(reason), message);
        await connection.close();
      });
    }

    test(`${client.name} leaves, and can join the topic again`, async () => {
      const connection = client.connect(bridge, bridge.token());
      const topic = `${prefix}:again`;
      const first = connection.subscribe(topic);
      await first.reported('SUBSCRIBED');
      first.leave();
      await first.reported('CLOSED');
      const second = connection.subscribe(topic);
      await second.reported('SUBSCRIBED');
      await database.emit(topic, 'later');
      await second.arrived('later');
      assert.deepEqual(first.names(), []);
      await connection.close();
    });
  }

  for (const client of clients.filter(({ name }) => name.startsWith('realtime-js'))) {
    test(`${client.name} hears of presence it listens for: nobody is here`, async () => {
      const connection = client.connect(bridge, bridge.token());
      const channel = connection.client.channel(`${prefix}:presence`, { config: { private: true, presence: { key: 'anna', enabled: true } } });
      let synced = false;
      channel.on('presence', { event: 'sync' }, () => (synced = true));
      await connection.signedIn;
      channel.subscribe();
      await eventually('the client has the presence state', () => synced);
      assert.deepEqual(channel.presenceState(), {});
      await connection.close();
    });

    test(`${client.name} that asks for changes of tables is refused, and told why`, async () => {
      const connection = client.connect(bridge, bridge.token());
      const channel = connection.client.channel(`${prefix}:changes`, { config: { private: true } });
      const errors = [];
      channel.on('postgres_changes', { event: '*', schema: 'public', table: 'todos', filter: 'id=eq.1' }, () => {});
      await connection.signedIn;
      channel.subscribe((status, error) => errors.push({ status, message: error?.message }));
      const told = await eventually('the client is told', () => errors[0]);
      assert.equal(told.status, 'CHANNEL_ERROR');
      assert.match(told.message, /postgres_changes/);
      await connection.close();
    });
  }

  for (const vsn of ['1.0.0', '2.0.0']) {
    describe(`frames of serializer ${vsn}`, () => {
      let socket;
      let topic;
      before(async () => {
        socket = await RawSocket.open(bridge, { vsn });
        topic = `realtime:${prefix}:frames`;
      });
      after(() => socket?.close());

      test('a join is answered with its reference, its topic and an empty list of changes', async () => {
        const reply = await socket.join(topic, { ref: '6' });
        assert.equal(reply.topic, topic);
        assert.deepEqual(reply.payload, { status: 'ok', response: { postgres_changes: [] } });
        if (vsn === '2.0.0') assert.equal(reply.joinRef, '6');
      });

      test('a second join of the topic closes the first channel before it is answered', async () => {
        await socket.join(topic, { ref: '7' });
        const close = socket.frames.findIndex((frame) => frame.event === 'phx_close' && frame.ref === '6');
        const reply = socket.frames.findIndex((frame) => frame.event === 'phx_reply' && frame.ref === '7');
        assert.ok(close !== -1 && close < reply, 'phx_close of the old join comes first');
        await database.emit(`${prefix}:frames`, 'once');
        await database.emit(`${prefix}:frames`, 'marker');
        await socket.broadcast(topic, 'marker');
        assert.equal(socket.broadcasts(topic).filter((frame) => frame.payload.event === 'once').length, 1);
      });

      test('a leave is answered, and then the channel is closed', async () => {
        socket.send('7', '8', topic, 'phx_leave', {});
        assert.deepEqual((await socket.reply('8')).payload, { status: 'ok', response: {} });
        await socket.frame('phx_close', (frame) => frame.event === 'phx_close' && frame.ref === '7');
      });

      test('leaving what is not joined is answered with ok', async () => {
        socket.send('9', '9', `${topic}:never`, 'phx_leave', {});
        assert.equal((await socket.reply('9')).payload.status, 'ok');
      });

      test('a push to a topic that is not joined is answered with "unmatched topic"', async () => {
        socket.send(null, '10', `${topic}:never`, 'broadcast', { type: 'broadcast', event: 'e', payload: {} });
        assert.deepEqual((await socket.reply('10')).payload, { status: 'error', response: { reason: 'unmatched topic' } });
      });

      test('a heartbeat is answered with an object and its own reference, null included', async () => {
        socket.send(null, '11', 'phoenix', 'heartbeat', {});
        assert.deepEqual((await socket.reply('11')).payload, { status: 'ok', response: {} });
        socket.send(null, null, 'phoenix', 'heartbeat', {});
        const reply = await socket.reply(null);
        assert.equal(reply.topic, 'phoenix');
      });

      test('a join without a topic name is refused by name', async () => {
        const { payload } = await socket.join('realtime:', { ref: '12' });
        assert.equal(payload.status, 'error');
        assert.match(payload.response.reason, /^TopicNameRequired/);
        assert.equal(payload.response.code, '22023');
      });

      test('a join of a topic that one may not read is refused with a reason and a code', async () => {
        const { payload } = await socket.join(`realtime:${prefix}:secret`, { ref: '13' });
        assert.deepEqual(payload, {
          status: 'error',
          response: { reason: `Unauthorized: You do not have permissions to read from this Channel topic: ${prefix}:secret`, code: '42501' },
        });
      });

      const configs = {
        'no config at all': {},
        'config null': { config: null },
        'parts that are null': { config: { private: true, broadcast: null, presence: null, postgres_changes: null } },
        'booleans as text': { config: { private: 'true', broadcast: { self: 'True', ack: 'false' } } },
        'a presence key of another type': { config: { private: true, presence: { key: 7, enabled: false } } },
        'keys nobody knows': { config: { private: true, broadcast: { replication_ready: true }, future: [1] }, extra: {} },
        'nulls among the changes': { config: { private: true, postgres_changes: [null] } },
      };
      for (const [index, [what, payload]] of Object.entries(configs).entries()) {
        test(`a join with ${what} is answered`, async () => {
          const ref = `lenient-${index}`;
          socket.send(ref, ref, `${topic}:${ref}`, 'phx_join', payload);
          const reply = await socket.reply(ref);
          assert.ok(['ok', 'error'].includes(reply.payload.status));
          assert.equal(typeof reply.payload.response, 'object');
          assert.notEqual(reply.payload.response, null);
        });
      }

      test('presence comes after the answer to the join, in one frame of that join', async () => {
        await socket.join(`${topic}:here`, { ref: '20', config: { presence: { enabled: true } } });
        const isState = (frame) => frame.event === 'presence_state' && frame.topic === `${topic}:here`;
        const state = await socket.frame('presence_state', isState);
        assert.deepEqual(state.payload, {});
        assert.ok(state.joinRef === null || state.joinRef === '20');
        await socket.answers();
        assert.equal(socket.frames.filter(isState).length, 1);
      });

      test('a leave of an earlier join ends no later one; one that names no join does', async () => {
        await socket.join(`${topic}:stale`, { ref: '30' });
        socket.send('30', '31', `${topic}:stale`, 'phx_leave', {});
        await socket.join(`${topic}:stale`, { ref: '32' });
        socket.send('30', '33', `${topic}:stale`, 'phx_leave', {});
        assert.equal((await socket.reply('33')).payload.status, 'ok');
        await database.emit(`${prefix}:frames:stale`, 'still here');
        await socket.broadcast(`${topic}:stale`, 'still here');
        socket.send(null, '34', `${topic}:stale`, 'phx_leave', {});
        await socket.frame('phx_close', (frame) => frame.event === 'phx_close' && frame.ref === '32');
      });

      test('what is sent right behind a join is done after it, and what follows a join that fails is answered', async () => {
        const early = `${topic}:early`;
        socket.send('40', '40', early, 'phx_join', { config: { private: true, broadcast: { self: true, ack: true } } });
        for (const ref of ['41', '42', '43'])
          socket.send('40', ref, early, 'broadcast', { type: 'broadcast', event: `e${ref}`, payload: {} });
        socket.send('40', '44', early, 'presence', { type: 'presence', event: 'track', payload: {} });
        for (const ref of ['40', '41', '42', '43', '44']) assert.equal((await socket.reply(ref)).payload.status, 'ok');
        const order = socket.frames.filter((frame) => frame.event === 'phx_reply' && frame.topic === early).map((frame) => frame.ref);
        assert.equal(order[0], '40');
        await socket.broadcast(early, 'e43');
        assert.deepEqual(socket.broadcasts(early).map((frame) => frame.payload.event), ['e41', 'e42', 'e43']);
        socket.send('45', '45', `realtime:${prefix}:secret`, 'phx_join', { config: { private: true } });
        socket.send('45', '46', `realtime:${prefix}:secret`, 'broadcast', { type: 'broadcast', event: 'e', payload: {} });
        assert.equal((await socket.reply('45')).payload.status, 'error');
        assert.deepEqual((await socket.reply('46')).payload, { status: 'error', response: { reason: 'unmatched topic' } });
      });

      test('a client that asks when events are ready is told', async () => {
        await socket.join(`${topic}:ready`, { ref: '60', config: { broadcast: { replication_ready: true } } });
        const { payload } = await socket.frame('system', (frame) => frame.event === 'system' && frame.topic === `${topic}:ready`);
        assert.equal(payload.status, 'ok');
        assert.equal(payload.extension, 'system');
        assert.equal(payload.message, 'Replication connection established');
      });

      test('changes of tables are refused with a reason and a code', async () => {
        const { payload } = await socket.join(`${topic}:changes`, { ref: '21', config: { postgres_changes: [{ event: '*' }] } });
        assert.equal(payload.status, 'error');
        assert.match(payload.response.reason, /postgres_changes/);
        assert.equal(payload.response.code, '0A000');
      });

      for (const [what, replay] of Object.entries({
        'a fraction of a millisecond': { since: Date.now() + 0.5 },
        'an ISO date': { since: new Date().toISOString() },
        'a limit that is a text': { since: 0, limit: '5' },
        'a limit of 0': { since: 0, limit: 0 },
        'a limit below 0': { since: 0, limit: -1 },
        'a time before 1970': { since: -1 },
        'a time that no clock has': { since: 10 ** 18 },
        'no bounds': {},
        'no object': 5,
      })) {
        test(`a replay with ${what} is refused with a reason`, async () => {
          const ref = `replay ${what}`;
          const { payload } = await socket.join(`${topic}:${ref}`, { ref, config: { broadcast: { replay } } });
          assert.equal(payload.status, 'error');
          assert.match(payload.response.reason, /^UnableToReplayMessages: Replay params are not valid/);
          assert.equal(payload.response.code, '22023');
        });
      }
    });
  }

  test('too much behind a join is refused, message by message, and what was kept is done', async () => {
    const slow = await database.topics({ receive: 'pg_advisory_xact_lock_shared(5656) is not null' });
    await database.query('select pg_advisory_lock(5656)');
    const socket = await RawSocket.open(bridge);
    socket.send('1', '1', `realtime:${slow}:x`, 'phx_join', { config: { private: true } });
    for (let n = 0; n < 40; n++) socket.send('1', `n${n}`, `realtime:${slow}:x`, 'heartbeat', {});
    const { payload } = await socket.reply('n39');
    assert.deepEqual(payload.response, { reason: 'too much was sent before the join was answered', code: '53400' });
    await database.query('select pg_advisory_unlock(5656)');
    assert.equal((await socket.reply('n31')).payload.status, 'ok');
    socket.close();
  });

  for (const path of ['/realtime/v1/websocket', '/socket/websocket', '/websocket']) {
    test(`${path} is a door`, async () => {
      const socket = await RawSocket.open(bridge, { path });
      assert.ok(await socket.answers());
      socket.close();
    });
  }

  test('a socket that names no serializer speaks 1.0.0', async () => {
    const socket = await RawSocket.open(bridge, { vsn: null });
    assert.ok(await socket.answers());
    socket.close();
  });

  test('a rule that raises refuses its own topic and nothing else', async () => {
    const broken = await database.topics({ receive: '1 / (length(topic) - length(topic)) = 1' });
    const socket = await RawSocket.open(bridge);
    const { payload } = await socket.join(`realtime:${broken}:x`, { ref: '1' });
    assert.equal(payload.status, 'error');
    assert.equal((await socket.join(`realtime:${prefix}:x`, { ref: '2' })).payload.status, 'ok');
    socket.close();
  });
});
