// Behaviour: at the encrypted port connections count for their address before the handshake, so that an address with too
// many costs no handshake, and one with many unfinished handshakes pushes out its own.
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { describe, test } from 'node:test';
import { startEncrypted } from './certificate.mjs';
import { withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

/** What a client says first. */
function clientHello() {
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (bytes) => resolve(bytes) });
    connect({ socket, servername: 'localhost' }).on('error', () => {});
  });
}

describe('limits at an encrypted port', () => {
  let database;
  const closeLater = withDatabase({}, (made) => ({ database } = made));

  /** A bridge with its encrypted port, and what a test asks it for. */
  async function start(...flags) {
    const { plain, secure, port, metrics } = await startEncrypted(database, closeLater, { flags });
    const value = async (name) => Number((await (await fetch(metrics)).text()).split('\n').find((line) => line.startsWith(`${name} `)).split(' ')[1]);
    const tcp = async (from) => closeLater(Object.assign(await connectTcp({ port }, { from }), { close() { this.destroy(); } }));
    return {
      stop: () => plain.stop(),
      tcp,
      /** A connection whose handshake the bridge has answered, and that goes no further. */
      halfway: async (from, preface = '') => {
        const socket = await tcp(from);
        socket.send(Buffer.concat([Buffer.from(preface), await clientHello()]));
        await eventually('the bridge answers the handshake', () => socket.text);
        return socket;
      },
      open: async (from) => closeLater(await RawSocket.open(secure, { options: { localAddress: from, family: 4 } })),
      hits: (limit) => value(`pg_live_limits_hit_total{limit="${limit}"}`),
      failedHandshakes: () => value('pg_live_tls_handshakes_total{result="failed"}'),
    };
  }

  const closed = (sockets) => sockets.map((socket) => socket.closed);

  test('an address that has too many connections is closed before its handshake, and its neighbour is served', async () => {
    const bridge = await start('--limit-connections-by-address', '2');
    const [first, second] = [await bridge.tcp('127.0.0.5'), await bridge.tcp('127.0.0.5')];
    await (await bridge.tcp('127.0.0.5')).untilClosed(); // though it has said nothing
    assert.equal(await bridge.hits('connections-by-address'), 1);
    assert.equal(await bridge.failedHandshakes(), 0);
    assert.ok(await (await bridge.open('127.0.0.6')).answers());
    assert.deepEqual(closed([first, second]), [false, false]);
    await bridge.stop();
  });

  test('a connection counts once, before its handshake and after, and no more when it is over', async () => {
    const bridge = await start('--limit-connections-by-address', '2');
    for (let round = 0; round < 5; round++) {
      const sockets = await eventually('there is room for two', async () => {
        const made = await Promise.allSettled([bridge.open('127.0.0.5'), bridge.open('127.0.0.5')]);
        for (const { value } of made.some(({ status }) => status === 'rejected') ? made : []) value?.close();
        return made.every(({ value }) => value) && made.map(({ value }) => value);
      });
      await (await bridge.tcp('127.0.0.5')).untilClosed();
      for (const socket of sockets) socket.close();
    }
    await bridge.stop();
  });

  test('of too many unfinished handshakes the address that has most gives way, and older ones of others go on', async () => {
    const bridge = await start('--limit-handshakes', '4');
    const slow = await bridge.halfway('127.0.0.7');
    const many = [];
    for (let n = 0; n < 8; n++) many.push(await bridge.tcp('127.0.0.8'));
    await Promise.all(many.slice(0, 5).map((socket) => socket.untilClosed()));
    assert.deepEqual(closed([slow, ...many.slice(5)]), [false, false, false, false]);
    assert.equal(await bridge.hits('handshakes'), 5);
    assert.equal(await bridge.failedHandshakes(), 5);
    assert.ok(await (await bridge.open('127.0.0.9')).answers());
    assert.equal(slow.closed, false);
    await bridge.stop();
  });

  test('behind a proxy an unfinished handshake counts for the address that its preface says', async () => {
    const bridge = await start('--limit-handshakes', '3', '--trusted-proxies', '127.0.0.2', '--proxy-protocol');
    const from = (client) => bridge.halfway('127.0.0.2', `PROXY TCP4 ${client} 127.0.0.1 1 2\r\n`);
    const slow = await from('192.0.2.1');
    const many = [];
    for (let n = 0; n < 6; n++) many.push(await from('192.0.2.2'));
    await Promise.all(many.slice(0, 4).map((socket) => socket.untilClosed()));
    assert.deepEqual(closed([slow, ...many.slice(4)]), [false, false, false]);
    await bridge.stop();
  });
});
