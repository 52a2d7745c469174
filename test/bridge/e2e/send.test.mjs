// Behaviour: what a client sends on a topic goes through the database and reaches the others; who may not send is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clients, newestRealtime, subscribed } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket, userBroadcastPush } from './raw-socket.mjs';
import { startBridge, uniqueName } from './support.mjs';

describe('a broadcast on a topic of the database', () => {
  let database, bridge, prefix;
  const closeLater = withBridge({ topics: { send: "live.user_id() in ('anna', 'ben')" } }, (made) => ({ database, bridge, prefix } = made));

  const joined = async (client, user, topic, config) => closeLater(await subscribed(client, bridge, topic, { claims: { sub: user }, config }));

  for (const [index, client] of clients.entries()) {
    test(`${client.name} sends, is told that it is committed, and every other kind of client receives it`, async () => {
      const topic = `${prefix}:all-${index}`;
      const sender = await joined(client, 'anna', topic, { broadcast: { ack: true } });
      const receivers = await Promise.all(clients.map((other) => joined(other, 'ben', topic)));
      const payload = { text: 'grüße 🦀', list: [1, null, { a: true }] };
      assert.equal(await sender.send('said', payload), 'ok');
      for (const receiver of receivers) assert.deepEqual((await receiver.arrived('said')).payload, payload);
    });

    test(`${client.name} receives its own broadcast when it asked for it`, async () => {
      const sender = await joined(client, 'anna', `${prefix}:self-${index}`, { broadcast: { self: true, ack: true } });
      assert.equal(await sender.send('said', { x: 1 }), 'ok');
      assert.deepEqual((await sender.arrived('said')).payload, { x: 1 });
    });

    test(`${client.name} does not receive its own broadcast otherwise, though others do`, async () => {
      const topic = `${prefix}:others-${index}`;
      const sender = await joined(client, 'anna', topic, { broadcast: { self: false, ack: true } });
      const neighbour = await joined(newestRealtime, 'anna', topic);
      assert.equal(await sender.send('said', {}), 'ok');
      await neighbour.arrived('said');
      await database.emit(topic, 'marker');
      await sender.arrived('marker');
      assert.deepEqual(sender.names(), ['marker']);
    });

    test(`${client.name} is not told "ok" for what its user may not send, and nobody receives it`, async () => {
      const topic = `${prefix}:denied-${index}`;
      const sender = await joined(client, 'carl', topic, { broadcast: { self: true, ack: true } });
      const neighbour = await joined(newestRealtime, 'ben', topic);
      assert.notEqual(await sender.send('said', {}), 'ok');
      await database.emit(topic, 'marker');
      await Promise.all([sender.arrived('marker'), neighbour.arrived('marker')]);
      assert.deepEqual([...sender.names(), ...neighbour.names()], ['marker', 'marker']);
    });
  }

  test('the error of a refused broadcast names the problem, and the channel stays open', async () => {
    const topic = `realtime:${prefix}:refused`;
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'carl' }) });
    await socket.join(topic, { config: { broadcast: { ack: true } } });
    socket.send('1', '2', topic, 'broadcast', { type: 'broadcast', event: 'said', payload: {} });
    const { payload } = await socket.reply('2');
    assert.equal(payload.status, 'error');
    assert.match(JSON.stringify(payload.response), /permission/i);
    await database.emit(`${prefix}:refused`, 'marker');
    await socket.broadcast(topic, 'marker');
    socket.close();
  });

  test('a JSON broadcast in a binary frame keeps every byte that jsonb keeps', async () => {
    const topic = `realtime:${prefix}:exact`;
    const socket = await RawSocket.open(bridge);
    await socket.join(topic, { config: { broadcast: { self: true } } });
    const text = '{"big": 9007199254740993, "text": "ä🦀\\u2028"}';
    const frame = userBroadcastPush({ joinRef: '1', ref: '2', topic, event: 'said', payload: null });
    socket.sendRaw(Buffer.concat([frame.subarray(0, -4), Buffer.from(text)]));
    const { text: received } = await socket.broadcast(topic, 'said');
    const { rows } = await database.query('select $1::jsonb::text as text', [text]);
    assert.ok(received.includes(rows[0].text));
    socket.close();
  });

  test('a broadcast reaches the clients of another bridge', async () => {
    const topic = `${prefix}:two-bridges`;
    const other = await startBridge(database, { secret: bridge.secret });
    const far = await RawSocket.open(other);
    await far.join(`realtime:${topic}`);
    const near = await joined(newestRealtime, 'anna', topic, { broadcast: { ack: true } });
    assert.equal(await near.send('said', { x: 1 }), 'ok');
    assert.deepEqual((await far.broadcast(`realtime:${topic}`, 'said')).payload.payload, { x: 1 });
    far.close();
    await other.stop();
  });

  test('a broadcast that is to persist is kept, in every form it comes in, and the others are not', async () => {
    const topic = `${prefix}:kept`;
    const sender = await joined(newestRealtime, 'anna', topic, { broadcast: { ack: true } });
    assert.equal(await sender.channel.send({ type: 'broadcast', event: 'by socket', payload: {}, persist: true }), 'ok');
    assert.equal(await sender.channel.send({ type: 'broadcast', event: 'not kept', payload: {} }), 'ok');
    assert.deepEqual(await sender.channel.httpSend('by path', {}, { persist: true }), { success: true });
    assert.deepEqual(await sender.channel.httpSend('for a while', {}, { persist: { ttl: 60 } }), { success: true });
    const { rows } = await database.query('select event from live.event where topic = $1 order by id', [topic]);
    assert.deepEqual(rows.map(({ event }) => event), ['by socket', 'by path', 'for a while']);
  });

  test('what is sent right behind a new token is judged by that token', async () => {
    const topic = `realtime:${prefix}:fresh`;
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'carl' }) });
    await socket.join(topic, { config: { broadcast: { ack: true } } });
    for (const [ref, sub, status] of [['2', 'anna', 'ok'], ['3', 'carl', 'error']]) {
      socket.send('1', null, topic, 'access_token', { access_token: bridge.token({ sub }) });
      socket.send('1', ref, topic, 'broadcast', { type: 'broadcast', event: sub, payload: {} });
      assert.equal((await socket.reply(ref)).payload.status, status);
    }
    socket.close();
  });

  test('a backend whose token has a role and no user sends where the rule lets it, by socket and by HTTP, and nowhere else', async () => {
    const role = uniqueName('service');
    await database.makeClientRole(role);
    const ruled = await database.topics({ receive: `live.jwt_role() = '${role}'`, send: `live.jwt_role() = '${role}' and topic like '%:open'` });
    await database.query(`grant usage on schema ${ruled} to ${role}`);
    const token = bridge.token({ sub: undefined, role });
    const [sender, receiver] = await Promise.all([1, 2].map(() => RawSocket.open(bridge, { token })));
    const post = (path, body) => fetch(`${bridge.url}${path}`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify(body),
    });
    for (const [name, status] of [['open', 'ok'], ['closed', 'error']]) {
      const topic = `realtime:${ruled}:${name}`;
      for (const socket of [sender, receiver]) assert.equal((await socket.join(topic, { ref: name, config: { broadcast: { ack: true } } })).payload.status, 'ok');
      sender.send(name, `${name}-sent`, topic, 'broadcast', { type: 'broadcast', event: 'by socket', payload: { x: 1 } });
      assert.equal((await sender.reply(`${name}-sent`)).payload.status, status);
      const message = { topic: `${ruled}:${name}`, event: 'by HTTP', payload: { x: 2 }, private: true };
      for (const path of ['/api/broadcast', '/realtime/v1/api/broadcast']) {
        assert.equal((await post(path, { messages: [message] })).status, status === 'ok' ? 202 : 403);
      }
      await database.emit(`${ruled}:${name}`, 'marker');
      await receiver.broadcast(topic, 'marker');
      const arrived = receiver.broadcasts(topic).map((frame) => frame.payload.event);
      assert.deepEqual(arrived, status === 'ok' ? ['by socket', 'by HTTP', 'by HTTP', 'marker'] : ['marker']);
    }
    sender.close();
    receiver.close();
    await database.dropRole(role);
  });

  test('bytes cannot be stored in the database: the sender is told so', async () => {
    const topic = `realtime:${prefix}:bytes`;
    const socket = await RawSocket.open(bridge);
    await socket.join(topic, { config: { broadcast: { ack: true } } });
    socket.sendRaw(userBroadcastPush({ joinRef: '1', ref: '2', topic, event: 'said', payload: Buffer.from([0, 255]) }));
    const { payload } = await socket.reply('2');
    assert.equal(payload.status, 'error');
    assert.match(JSON.stringify(payload.response), /binary/i);
    socket.close();
  });
});

describe('a broadcast on a channel that is no topic of the database', () => {
  let database, bridge;
  withBridge({ flags: ['--public-channels'] }, (made) => ({ database, bridge } = made));

  const postJson = (path, body, token) => fetch(`${bridge.url}${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify(body),
  });
  const bytes = new Uint8Array([0, 1, 127, 128, 255]);
  for (const client of clients.filter((candidate) => candidate.binary)) {
    test(`bytes go from ${client.name} to every client that can read them, and break none that cannot`, async () => {
      const open = clients.map((candidate) => ({ candidate, connection: candidate.connect(bridge, bridge.token()) }));
      const sender = client.connect(bridge, bridge.token());
      const topic = 'between-clients';
      const config = { private: false, broadcast: { ack: true } };
      const receivers = open.map(({ candidate, connection }) => ({ candidate, subscription: connection.subscribe(topic, config) }));
      const channel = sender.subscribe(topic, config);
      await Promise.all([channel, ...receivers.map(({ subscription }) => subscription)].map((each) => each.reported('SUBSCRIBED')));
      assert.equal(await channel.send('bytes', bytes.buffer), 'ok');
      assert.equal(await channel.send('after', { x: 1 }), 'ok');
      for (const { candidate, subscription } of receivers) {
        await subscription.arrived('after');
        if (!candidate.binary) continue;
        const { payload } = await subscription.arrived('bytes');
        assert.deepEqual(new Uint8Array(payload), bytes);
      }
      await Promise.all([sender, ...open.map(({ connection }) => connection)].map((connection) => connection.close()));
    });
  }

  test('a name that has a rule is no room: who may not receive the topic is refused, and sends nothing that its members hear', async () => {
    const prefix = await database.topics({ receive: "live.user_id() in ('anna', 'carl')", send: "live.user_id() = 'anna'" });
    const wire = `realtime:${prefix}:room`;
    const inside = await RawSocket.open(bridge);
    const silent = await RawSocket.open(bridge, { token: bridge.token({ sub: 'carl' }) });
    const outside = await RawSocket.open(bridge, { token: bridge.token({ sub: 'ben' }) });
    const open = { config: { private: false } };
    assert.equal((await inside.join(wire, open)).payload.status, 'ok');
    assert.equal((await silent.join(wire, open)).payload.status, 'ok');
    assert.match((await outside.join(wire, open)).payload.response.reason, /permission/);
    silent.send('1', '2', wire, 'broadcast', { type: 'broadcast', event: 'forged', payload: {} });
    assert.match((await silent.reply('2')).payload.response.reason, /permission/);
    const forged = { messages: [{ topic: `${prefix}:room`, event: 'forged', payload: {} }] };
    for (const [token, status] of [[bridge.anonKey, 401], [bridge.token({ sub: 'ben' }), 403]]) {
      assert.equal((await postJson('/api/broadcast', forged, token)).status, status);
    }
    await database.emit(`${prefix}:room`, 'marker');
    await Promise.all([inside, silent].map((socket) => socket.broadcast(wire, 'marker')));
    for (const socket of [inside, silent]) assert.deepEqual(socket.broadcasts(wire).map((frame) => frame.payload.event), ['marker']);
    for (const socket of [inside, silent, outside]) socket.close();
  });

  test('stock phoenix, which never says private, sends to the private members of a topic and hears them', async () => {
    const prefix = await database.topics();
    const stock = clients.find(({ name }) => name.startsWith('phoenix'));
    const connections = [stock.connect(bridge, bridge.token()), newestRealtime.connect(bridge, bridge.token({ sub: 'ben' }))];
    const open = connections[0].subscribe(`${prefix}:room`, { private: undefined, broadcast: { ack: true } });
    const member = connections[1].subscribe(`${prefix}:room`, { broadcast: { ack: true } });
    await Promise.all([open, member].map((subscription) => subscription.reported('SUBSCRIBED')));
    assert.equal(await open.send('from phoenix', { x: 1 }), 'ok');
    assert.deepEqual((await member.arrived('from phoenix')).payload, { x: 1 });
    assert.equal(await member.send('from realtime', { x: 2 }), 'ok');
    assert.deepEqual((await open.arrived('from realtime')).payload, { x: 2 });
    await Promise.all(connections.map((connection) => connection.close()));
  });

  test('a rule that is made for the name of a room ends it: members of the topic go on with the topic, others end', async () => {
    const topic = uniqueName('room');
    const ruled = await database.topics({ receive: "live.user_id() = 'anna'" });
    const anna = await RawSocket.open(bridge);
    const ben = await RawSocket.open(bridge, { token: bridge.token({ sub: 'ben' }) });
    for (const socket of [anna, ben]) await socket.join(`realtime:${topic}`, { config: { private: false, broadcast: { self: true } } });
    ben.send('1', '2', `realtime:${topic}`, 'broadcast', { type: 'broadcast', event: 'chatter', payload: {} });
    await anna.broadcast(`realtime:${topic}`, 'chatter');
    await database.query('select live.set_topic_rule($1, $2::regprocedure)', [topic, `${ruled}.receive(text)`]);
    await ben.frame('ben is told that it ended', (frame) => frame.event === 'phx_close' && frame.topic === `realtime:${topic}`);
    await database.emit(topic, 'marker');
    await anna.broadcast(`realtime:${topic}`, 'marker');
    await database.query('select live.drop_topic_rule($1)', [topic]);
    anna.close();
    ben.close();
  });

  test('a room keeps nothing: to ask it for a replay is refused, to join it is not', async () => {
    const socket = await RawSocket.open(bridge);
    const replay = { since: 0, limit: 5 };
    const refused = await socket.join('realtime:keeps-nothing', { ref: '1', config: { private: false, broadcast: { replay } } });
    assert.deepEqual(refused.payload, {
      status: 'error', response: { reason: 'UnableToReplayMessages: Replay is not allowed for public channels', code: '22023' },
    });
    const joined = await socket.join('realtime:keeps-nothing', { ref: '2', config: { private: false } });
    assert.equal(joined.payload.status, 'ok');
    socket.close();
  });

  test('a room carries whatever object is sent, but for what only the server says of it', async () => {
    const sockets = await Promise.all(['1.0.0', '2.0.0'].map((vsn) => RawSocket.open(bridge, { vsn })));
    const wire = `realtime:${uniqueName('any')}`;
    for (const socket of sockets) await socket.join(wire, { config: { private: false, broadcast: { self: true } } });
    sockets[0].send('1', '2', wire, 'broadcast', { type: 'broadcast', event: 'e', payload: 7, extra: { a: [1] }, meta: { id: '1-1' } });
    sockets[1].send('1', '3', wire, 'broadcast', {});
    for (const socket of sockets) {
      await socket.frame('both arrive', () => socket.broadcasts(wire).length === 2);
      assert.deepEqual(new Set(socket.broadcasts(wire).map((frame) => JSON.stringify(frame.payload))),
        new Set(['{"type":"broadcast","event":"e","payload":7,"extra":{"a":[1]}}', '{}']));
      socket.close();
    }
  });

  test('bytes go by HTTP to a room, and are refused with 415 on a topic of the database', async () => {
    const connection = newestRealtime.connect(bridge, bridge.token());
    const topic = uniqueName('bytes');
    const room = connection.subscribe(topic, { private: false });
    await room.reported('SUBSCRIBED');
    assert.deepEqual(await room.channel.httpSend('bytes', new Uint8Array([1, 2])), { success: true });
    assert.deepEqual([...new Uint8Array((await room.arrived('bytes')).payload)], [1, 2]);
    const ruled = `${await database.topics()}:x`;
    for (const query of ['', '?private=true']) {
      const response = await fetch(`${bridge.url}/api/broadcast/${ruled}/events/bytes${query}`, {
        method: 'POST', body: new Uint8Array([1, 2]),
        headers: { authorization: `Bearer ${bridge.token()}`, 'content-type': 'application/octet-stream' },
      });
      assert.equal(response.status, 415);
      assert.match((await response.json()).error, /JSON/);
    }
    await connection.close();
  });

  test('a request with one message that is refused sends none, and the answer names it', async () => {
    const prefix = await database.topics({ send: "topic like '%:allowed'" });
    const room = uniqueName('batch');
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${prefix}:allowed`);
    await socket.join(`realtime:${room}`, { ref: '2', config: { private: false } });
    const to = (topic, event) => ({ topic, event, payload: {} });
    const refused = await postJson('/api/broadcast', { messages: [to(room, 'no'), to(`${prefix}:allowed`, 'no'), to(`${prefix}:denied`, 'no')] }, bridge.token());
    assert.equal(refused.status, 403);
    assert.ok((await refused.json()).error.includes(`${prefix}:denied`));
    assert.equal((await postJson('/api/broadcast', { messages: [to(room, 'yes'), to(`${prefix}:allowed`, 'yes')] }, bridge.token())).status, 202);
    for (const topic of [room, `${prefix}:allowed`]) {
      await socket.broadcast(`realtime:${topic}`, 'yes');
      assert.deepEqual(socket.broadcasts(`realtime:${topic}`).map((frame) => frame.payload.event), ['yes']);
    }
    socket.close();
  });

  for (const [what, message] of Object.entries({
    'private is "true"': { private: 'true' },
    'private is "True"': { private: 'True' },
  })) {
    test(`a message by HTTP whose ${what} is private`, async () => {
      const topic = uniqueName('private');
      const response = await postJson('/api/broadcast', { messages: [{ topic, event: 'x', payload: {}, ...message }] }, bridge.token());
      assert.equal(response.status, 403);
    });
  }

  for (const [what, message] of Object.entries({
    'private is "yes"': { private: 'yes' },
    'private is a number': { private: 1 },
    'persist is "soon"': { persist: 'soon' },
    'persist is for a public room': { persist: true },
    'topic has a line break': { topic: 'a\nb' },
    'event has 256 bytes': { event: 'x'.repeat(256) },
  })) {
    test(`a message by HTTP whose ${what} is refused with 422`, async () => {
      const response = await postJson('/api/broadcast', { messages: [{ topic: 'x', event: 'x', payload: {}, ...message }] }, bridge.token());
      assert.equal(response.status, 422);
    });
  }

  test('topics of the extension are no rooms: what clients send there would look like what the database says', async () => {
    const socket = await RawSocket.open(bridge, { token: bridge.token({ sub: 'anna' }) });
    assert.equal((await socket.join('realtime:presence')).payload.status, 'ok');
    socket.send('1', '2', 'realtime:presence', 'broadcast', { type: 'broadcast', event: 'presence:update', payload: {} });
    assert.match((await socket.reply('2')).payload.response.reason, /permission/);
    assert.equal((await socket.join('realtime:user:ben', { ref: '3' })).payload.status, 'error');
    socket.close();
  });

  test('without --public-channels such a channel is refused', async () => {
    const strict = await startBridge(database);
    const connection = newestRealtime.connect(strict, strict.token());
    const subscription = connection.subscribe('between-clients', { private: false });
    const { message } = await subscription.reported('CHANNEL_ERROR');
    assert.match(message, /private|permission/i);
    await connection.close();
    await strict.stop();
  });
});
