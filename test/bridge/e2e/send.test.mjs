// Behaviour: what a client sends on a topic goes through the database and reaches the others; who may not send is told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clients, newestRealtime } from './clients.mjs';
import { openDatabase } from './database.mjs';
import { RawSocket, userBroadcastPush } from './raw-socket.mjs';
import { startBridge } from './support.mjs';

describe('a broadcast on a topic of the database', () => {
  let database;
  let bridge;
  let prefix;
  const connections = [];
  before(async () => {
    database = await openDatabase();
    bridge = await startBridge(database);
    prefix = await database.topics({ send: "live.user_id() in ('anna', 'ben')" });
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await bridge?.stop();
    await database?.close();
  });

  async function joined(client, user, topic, config) {
    const connection = client.connect(bridge, bridge.token({ sub: user }));
    connections.push(connection);
    const subscription = connection.subscribe(topic, config);
    await subscription.reported('SUBSCRIBED');
    return subscription;
  }

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
  let database;
  let bridge;
  before(async () => {
    database = await openDatabase();
    bridge = await startBridge(database, { flags: ['--public-channels'] });
  });
  after(async () => {
    await bridge?.stop();
    await database?.close();
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

  test('a room named like a topic gives no event of it to who may not receive it, and adds none to it', async () => {
    const prefix = await database.topics({ receive: "live.user_id() = 'anna'" });
    const wire = `realtime:${prefix}:room`;
    const inside = await RawSocket.open(bridge);
    const outside = await RawSocket.open(bridge, { token: bridge.token({ sub: 'ben' }) });
    await inside.join(wire);
    assert.equal((await outside.join(wire, { config: { private: false, broadcast: { self: true } } })).payload.status, 'ok');
    await database.emit(`${prefix}:room`, 'secret');
    await inside.broadcast(wire, 'secret');
    outside.send('1', '2', wire, 'broadcast', { type: 'broadcast', event: 'chatter', payload: {} });
    await outside.broadcast(wire, 'chatter');
    await database.emit(`${prefix}:room`, 'marker');
    await inside.broadcast(wire, 'marker');
    assert.deepEqual(inside.broadcasts(wire).map((frame) => frame.payload.event), ['secret', 'marker']);
    assert.deepEqual(outside.broadcasts(wire).map((frame) => frame.payload.event), ['chatter']);
    inside.close();
    outside.close();
  });

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
