// Behaviour: whatever a hostile client sends, the bridge lives, says what is wrong or closes, and a neighbour who does
// nothing wrong keeps receiving all the while, each event once.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { clients } from './clients.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually } from './support.mjs';
import { connectTcp, upgrade, wireFrame } from './tcp-socket.mjs';

describe('beside a hostile client', () => {
  let database, bridge, prefix;
  let innocent;
  let markers = 0;
  withBridge({ flags: ['--request-timeout', '1', '--limit-unfinished-bytes', '3300000'] }, async (made) => {
    ({ database, bridge, prefix } = made);
    innocent = made.closeLater(await RawSocket.open(bridge));
    await innocent.join(`realtime:${prefix}:innocent`);
  });
  afterEach(async () => {
    markers += 1;
    await database.emit(`${prefix}:innocent`, `m${markers}`);
    await innocent.broadcast(`realtime:${prefix}:innocent`, `m${markers}`);
    const received = innocent.broadcasts(`realtime:${prefix}:innocent`).map((frame) => frame.payload.event);
    assert.deepEqual(received, Array.from({ length: markers }, (_, index) => `m${index + 1}`));
    assert.equal(bridge.exit, null);
  });

  const nest = (depth, open, close) => open.repeat(depth) + close.repeat(depth);
  const push = (event, payload, topic = 'realtime:x') => JSON.stringify(['1', '2', topic, event, payload]);
  /** What a client may get wrong in a frame without losing its connection. */
  const malformed = {
    nothing: '',
    'text that is not JSON': 'hello',
    'half of a frame': '["1","2","realtime:x"',
    'something after the frame': `${push('phx_leave', {})} x`,
    'a frame of serializer 1.0.0': '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}',
    'a number': '7',
    null: 'null',
    'an empty array': '[]',
    'an array too short': '["1","2","realtime:x","phx_join"]',
    'an array too long': '["1","2","realtime:x","phx_join",{},{}]',
    'a topic that is a number': '["1","2",7,"phx_join",{}]',
    'a topic that is null': '["1","2",null,"phx_join",{}]',
    'an event that is an object': '["1","2","realtime:x",{},{}]',
    'an event that is null': '["1","2","realtime:x",null,{}]',
    'references that are objects': '[{},{},"realtime:x","phx_join",{}]',
    'a payload that is null': push('phx_join', null),
    'a payload that is a text': push('phx_join', 'x'),
    'a payload that is an array': push('phx_join', []),
    'a broadcast that is null': push('broadcast', null),
    'an access token that is an object': push('access_token', { access_token: {} }),
    'presence that is null': push('presence', null),
    'an event nobody knows': push('drop_everything', {}),
    'an event of the server': push('phx_close', {}),
    'a heartbeat on another topic': push('heartbeat', {}),
    'a join of phoenix itself': push('phx_join', {}, 'phoenix'),
    'a topic that is empty': push('phx_join', {}, ''),
    'a topic with NUL': '["1","2","realtime:x\\u0000y","phx_join",{}]',
    'a topic of half a surrogate pair': '["1","2","realtime:\\ud800","phx_join",{}]',
    'a topic of control characters': push('phx_join', {}, 'realtime:\n\r\t\u001b[31m'),
    'a topic of 100,000 letters': push('phx_join', { config: { private: true } }, `realtime:${'x'.repeat(100_000)}`),
    'duplicate keys': '["1","2","realtime:x","phx_join",{"config":{"private":false},"config":{"private":true}}]',
    'arrays in arrays, 50,000 deep': nest(50_000, '[', ']'),
    'a payload 50,000 deep': `["1","2","realtime:x","broadcast",${nest(50_000, '[', ']')}]`,
    'objects 20,000 deep': `["1","2","realtime:x","phx_join",${nest(20_000, '{"a":', '}').replace('}', '1}')}]`,
    'a number of 10,000 digits': `["1","2","realtime:x","broadcast",{"type":"broadcast","event":"e","payload":${'9'.repeat(10_000)}}]`,
    'a number too large for a double': '["1","2","realtime:x","phx_join",{"config":{"broadcast":{"replay":{"since":1e999}}}}]',
    'a byte order mark': `\ufeff${push('phx_leave', {})}`,
    'bytes of no kind': Buffer.alloc(0),
    'bytes of kind 255': Buffer.from([255, 1, 2, 3]),
    'bytes of kind 4, which is the server\u2019s': Buffer.from('040a010a017265616c74696d653a61657b226964223a2278227d7b7d', 'hex'),
    'bytes of kind 3 cut short': Buffer.from([3, 255, 255, 255, 255, 255, 1, 1]),
    'bytes of kind 3 and nothing more': Buffer.from([3]),
    'bytes of kind 3 with an encoding nobody knows': Buffer.from([3, 1, 1, 1, 1, 0, 9, 49, 50, 120, 101]),
    'bytes of kind 3 that are no JSON': Buffer.from([3, 1, 1, 1, 1, 0, 1, 49, 50, 120, 101, 123]),
    'bytes of kind 3 whose names are not UTF-8': Buffer.from([3, 1, 1, 2, 2, 0, 1, 49, 50, 0xff, 0xfe, 0xc3, 0x28, 123, 125]),
  };
  for (const [what, data] of Object.entries(malformed)) {
    test(`${what}: the connection lives on`, async () => {
      const socket = await RawSocket.open(bridge);
      socket.sendRaw(data);
      assert.ok(await socket.answers());
      socket.close();
    });
  }

  for (const [what, data] of Object.entries({
    'an array of serializer 2.0.0': push('phx_leave', {}),
    'bytes, which 1.0.0 does not know': Buffer.from([3, 1, 1, 1, 1, 0, 1, 49, 50, 120, 101, 123, 125]),
    'an object without anything': '{}',
    'a topic that is an array': '{"topic":[],"event":"phx_join","payload":{},"ref":"1"}',
    'a payload that is null': '{"topic":"realtime:x","event":"phx_join","payload":null,"ref":"1"}',
  })) {
    test(`${what} under serializer 1.0.0: the connection lives on`, async () => {
      const socket = await RawSocket.open(bridge, { vsn: '1.0.0' });
      socket.sendRaw(data);
      assert.ok(await socket.answers());
      socket.close();
    });
  }

  for (const [what, payload] of Object.entries({
    'that are too deep for the database': nest(20_000, '[', ']'),
    'with NUL, which jsonb cannot hold': '"x\\u0000y"',
    'with a number beyond numeric': '1e200000',
  })) {
    test(`broadcasts ${what}: the sender is told, the channel lives on`, async () => {
      const topic = `realtime:${prefix}:bad`;
      const socket = await RawSocket.open(bridge);
      await socket.join(topic, { config: { broadcast: { self: true, ack: true } } });
      socket.sendRaw(`["1","2","${topic}","broadcast",{"type":"broadcast","event":"bad","payload":${payload}}]`);
      assert.ok(await socket.answers());
      socket.send('1', '3', topic, 'broadcast', { type: 'broadcast', event: 'good', payload: {} });
      await socket.broadcast(topic, 'good');
      assert.deepEqual(socket.broadcasts(topic).map((frame) => frame.payload.event), ['good']);
      const told = socket.frames.find((frame) => frame.event === 'phx_reply' && frame.ref === '2');
      assert.equal(told?.topic, topic);
      assert.equal(told.payload.status, 'error');
      assert.match(told.payload.response.code, /^(22|54)/);
      socket.close();
    });
  }

  for (const vsn of ['1.0.0', '2.0.0']) {
    const frame = (topic, event, payload) => (vsn === '1.0.0'
      ? `{"topic":"${topic}","event":"${event}","payload":${payload},"ref":"2","join_ref":"1"}` : `["1","2","${topic}","${event}",${payload}]`);
    for (const [what, data, topic] of [
      ['a track with half an emoji', (good) => frame(good, 'presence', '{"type":"presence","event":"track","payload":{"a":"\\ud83d"}}')],
      ['a join with NUL in its presence key', (good) => frame(`${good}-2`, 'phx_join', '{"config":{"private":true,"presence":{"key":"\\u0000"}}}'), '-2'],
      ['a join of half an emoji', (good) => frame(`${good}\\ud83d`, 'phx_join', '{}'), '\ud83d'],
      ['a join of a topic with a line break', (good) => frame(`${good}\\n`, 'phx_join', '{}'), '\n'],
      ['a join of a topic of 1,101 bytes', (good) => frame(`${good}${'x'.repeat(1110 - good.length)}`, 'phx_join', '{}')],
      ['a join with a presence key of 1,100 bytes', (good) => frame(`${good}-3`, 'phx_join', `{"config":{"presence":{"key":"${'k'.repeat(1100)}"}}}`), '-3'],
      ['a join of 70,000 bytes', (good) => frame(`${good}-4`, 'phx_join', `{"a":"${'x'.repeat(70_000)}"}`), '-4'],
    ]) {
      test(`${what} under serializer ${vsn} is answered where it belongs, with a reason and a code`, async () => {
        const good = `realtime:${prefix}:told`;
        const socket = await RawSocket.open(bridge, { vsn });
        await socket.join(good);
        socket.sendRaw(data(good));
        const { topic: told, payload } = await socket.reply('2');
        if (topic !== undefined) assert.equal(told, `${good}${topic}`);
        assert.equal(payload.status, 'error');
        assert.ok(payload.response.reason.length > 0);
        assert.match(payload.response.code, /^(22|54)/);
        socket.close();
      });
    }
  }

  for (const [what, send, code] of [
    ['a message of 5 MB', (socket) => socket.sendRaw('x'.repeat(5_000_000)), 1009],
    ['a message of 5 MB in small pieces', (socket) => {
      for (let n = 0; n < 500; n++) socket.socket.send('x'.repeat(10_000), { fin: false });
    }, 1009],
    ['text that is not UTF-8', (socket) => socket.socket.send(Buffer.from([0x5b, 0xff, 0xfe, 0x5d]), { binary: false }), 1007],
  ]) {
    test(`${what} closes the connection with ${code}`, async () => {
      const socket = await RawSocket.open(bridge);
      send(socket);
      const closed = await socket.untilClosed();
      // A reset may overtake the close frame while the client is still sending: then there is no code to see.
      assert.ok([code, 1006].includes(closed.code), `code ${closed.code}`);
    });
  }

  for (const [what, bytes] of Object.entries({
    'a frame that says it has 2^62 bytes': wireFrame({ opcode: 1, payload: 'x', claimedLength: 2n ** 62n }),
    'reserved bits': wireFrame({ opcode: 1, payload: 'x', reserved: 0x70 }),
    'an opcode nobody knows': wireFrame({ opcode: 5, payload: 'x' }),
    'a continuation of nothing': wireFrame({ opcode: 0, payload: 'x' }),
    'a ping of 126 bytes': wireFrame({ opcode: 9, payload: 'x'.repeat(126) }),
    'a ping in pieces': wireFrame({ opcode: 9, payload: 'x', final: false }),
  })) {
    test(`${what} ends the connection`, async () => {
      const socket = await upgrade(bridge);
      socket.send(bytes);
      await socket.untilClosed();
    });
  }

  test('a frame that is not masked is read or ends the connection', async () => {
    const socket = await upgrade(bridge);
    socket.send(wireFrame({ opcode: 1, payload: '[null,"1","phoenix","heartbeat",{}]', masked: false }));
    await eventually('an answer or the end', () => socket.closed || socket.text.includes('phx_reply'));
    socket.destroy();
  });

  const requests = {
    'an upgrade by POST': { text: upgradeRequest({ method: 'POST' }), status: /^4(?!01)/ },
    'an upgrade of version 12': { text: upgradeRequest({ version: '12' }), status: /^426/ },
    'an upgrade without a key': { text: upgradeRequest({ key: null }), status: /^4(?!01)/ },
    'an upgrade on a path of its own': { text: upgradeRequest({ path: '/nowhere' }), status: /^4(?!01)/ },
    'an upgrade of a serializer nobody knows': { text: upgradeRequest({ vsn: '9.9.9' }), status: /^4(?!01)/ },
    'a thousand headers': { text: get(Array.from({ length: 1000 }, (_, n) => `X-${n}: x`)), status: /^431/ },
    'a header of 100,000 letters': { text: get([`X-Long: ${'x'.repeat(100_000)}`]), status: /^431/ },
    'a length and chunks at once': { text: post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), status: /^4/ },
    'two lengths': { text: post(['Content-Length: 5', 'Content-Length: 6'], 'aaaaaa'), status: /^4/ },
    'a negative length': { text: post(['Content-Length: -1'], ''), status: /^4/ },
    'a length beyond 64 bits': { text: post(['Content-Length: 99999999999999999999'], ''), status: /^4/ },
    'a method nobody knows': { text: 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', status: /^(4|501)/ },
    'a request line that is none': { text: 'hello\r\n\r\n', status: /^4/ },
    'HTTP/3.7': { text: 'GET / HTTP/3.7\r\nHost: x\r\n\r\n', status: /^(4|505)/ },
    'the preface of HTTP/2': { text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: /^(4|505)/ },
    'a space before the colon': { text: get(['Content-Length : 5']), status: /^4/ },
    'a folded header': { text: get(['X-A: a', ' b']), status: /^4/ },
    'NUL in a header': { text: get(['X-A: a\0b']), status: /^4/ },
  };
  for (const [what, { text, status }] of Object.entries(requests)) {
    test(`${what} is refused`, async () => {
      const socket = await connectTcp(bridge);
      socket.send(text.replace('TOKEN', bridge.token()));
      await socket.untilClosed();
      assert.match(socket.text.replace(/^HTTP\/1\.[01] /, ''), status, socket.text.slice(0, 200));
    });
  }

  test('bytes of TLS on the plain port end the connection', async () => {
    const socket = await connectTcp(bridge);
    socket.send(Buffer.from('160301020001000001fc0303', 'hex'));
    socket.send(Buffer.alloc(600, 0xa5));
    await socket.untilClosed();
  });

  test('a head that is never finished is given up', async () => {
    const socket = await connectTcp(bridge);
    socket.send('GET / HTTP/1.1\r\nHost: x\r\n');
    await socket.untilClosed();
  });

  test('a head that drips is given up', async () => {
    const socket = await connectTcp(bridge);
    socket.send('GET / HTTP/1.1\r\nX: ');
    await eventually('the bridge hangs up', () => {
      if (!socket.closed) socket.send('x');
      return socket.closed;
    });
  });

  test('a connection that says nothing is given up', async () => {
    const socket = await connectTcp(bridge);
    await socket.untilClosed();
  });

  test('a flood of messages ends or is answered, on that connection alone', async () => {
    const socket = await RawSocket.open(bridge);
    for (let n = 0; n < 5000; n++) socket.send(null, `${n}`, 'phoenix', 'heartbeat', {});
    await eventually('the flood is dealt with', () => socket.closed || socket.frames.some((frame) => frame.ref === '4999'));
    socket.close();
  });

  // Serializer 1.0.0 says last what a message is to be answered by, so that beginning tells the topic alone.
  for (const client of clients.filter(({ name }) => !name.includes('1.0.0'))) {
    test(`${client.name}: a message that is too big is refused by itself, and the connection goes on`, async () => {
      const connection = client.connect(bridge, bridge.token());
      const subscription = connection.subscribe(`${prefix}:large`);
      await subscription.reported('SUBSCRIBED');
      for (const bytes of [1_000_001, 2_500_000]) {
        const { status, response } = await subscription.push('presence:update', { metadata: 'x'.repeat(bytes) });
        assert.equal(status, 'error');
        assert.equal(response.code, '54000');
      }
      assert.equal((await subscription.push('nonsense', {})).response.reason, 'unknown event');
      assert.deepEqual(subscription.statuses.map(({ status }) => status), ['SUBSCRIBED']);
      await connection.close();
    });
  }

  for (const client of clients) {
    test(`${client.name}: what is too much in a flood is refused, message by message, and the connection goes on`, async () => {
      const connection = client.connect(bridge, bridge.token());
      const subscription = connection.subscribe(`${prefix}:flood`);
      await subscription.reported('SUBSCRIBED');
      const answers = await Promise.all(Array.from({ length: 900 }, () => subscription.push('nonsense', {})));
      const reasons = answers.map(({ status, response }) => `${status}: ${response.reason.split(':')[0]}`);
      assert.deepEqual([...new Set(reasons)].sort(), ['error: too many messages a second of one connection', 'error: unknown event']);
      assert.deepEqual(subscription.statuses.map(({ status }) => status), ['SUBSCRIBED']);
      await connection.close();
    });
  }

  test('a connection that goes on sending what is refused is closed with 1008', async () => {
    const socket = await RawSocket.open(bridge);
    const flood = setInterval(() => {
      for (let n = 0; n < 2000 && !socket.closed; n++) socket.send(null, 'flood', 'phoenix', 'nonsense', {});
    }, 1);
    const { code } = await socket.untilClosed().finally(() => clearInterval(flood));
    assert.ok([1008, 1006].includes(code), `code ${code}`); // a reset may overtake the close frame
    assert.ok(socket.frames.some(({ payload }) => payload.response.code === '53400'));
  });

  test('many connections with half a message each are held to a bound: the largest is closed with 1013, and counted', async () => {
    const sockets = await Promise.all(Array.from({ length: 7 }, () => RawSocket.open(bridge)));
    const [small, ...large] = sockets;
    small.socket.send('["1",', { fin: false });
    for (const { socket } of large) socket.send('x'.repeat(600_000), { fin: false });
    await eventually('one is closed', () => large.some(({ closed }) => closed));
    assert.ok(await innocent.answers());
    assert.deepEqual(large.flatMap(({ closed }) => (closed ? [closed.code] : [])), [1013]);
    assert.match(bridge.log, /the largest unfinished message.*"closed":1\b/);
    small.socket.send('"2","realtime:x","nonsense",{}]');
    assert.equal((await small.reply('2')).payload.response.reason, 'unmatched topic');
    for (const socket of sockets) socket.close();
  });

  test('a flood of joins is limited, on that connection alone', async () => {
    const socket = await RawSocket.open(bridge);
    for (let n = 0; n < 1000; n++) socket.send(`${n}`, `${n}`, `realtime:${prefix}:${n}`, 'phx_join', { config: { private: true } });
    const refused = (frame) => frame.event === 'phx_reply' && frame.payload.status === 'error';
    await eventually('some are refused', () => socket.closed || socket.frames.some(refused));
    socket.close();
  });

  test('a hundred connections that break off in the middle of a frame leave nothing behind', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => upgrade(bridge)));
    for (const socket of sockets) {
      socket.send(wireFrame({ opcode: 1, payload: 'half', claimedLength: 1000n }));
      socket.destroy();
    }
    assert.ok(await innocent.answers());
  });
});

function get(headers) {
  return `GET /healthz HTTP/1.1\r\nHost: x\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
}

function post(headers, body) {
  return `POST /realtime/v1/api/broadcast HTTP/1.1\r\nHost: x\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
}

function upgradeRequest({ method = 'GET', version = '13', key = 'dGhlIHNhbXBsZSBub25jZQ==', path = '/realtime/v1/websocket', vsn = '2.0.0' }) {
  return [
    `${method} ${path}?vsn=${vsn}&apikey=TOKEN HTTP/1.1`,
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Version: ${version}`,
    ...(key === null ? [] : [`Sec-WebSocket-Key: ${key}`]),
    '\r\n',
  ].join('\r\n');
}
