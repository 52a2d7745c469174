// Behaviour: behind a proxy the bridge knows clients by their own addresses, and believes no one else about an address.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { eventually, freePort, startBridge } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

const upgradeRequest = (bridge, headers = []) => [`GET /realtime/v1/websocket?vsn=2.0.0&apikey=${bridge.token()} HTTP/1.1`, 'Host: h', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers, '\r\n'].join('\r\n');

const binaryPreface = (address) => Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C', 'latin1'), Buffer.from([...address.split('.').map(Number), 127, 0, 0, 1, 1, 2, 3, 4])]);

const proxy = '127.0.0.2';

/** Sends the pieces one after the other on a connection of its own, from that address; resolves with the status of the answer. The connection stays open. */
async function statusOf(bridge, closeLater, from, ...pieces) {
  const socket = await connectTcp(bridge, { from });
  closeLater({ close: () => socket.destroy() });
  for (const piece of pieces) socket.send(piece);
  await eventually('an answer', () => socket.text.includes('\r\n') || socket.closed);
  return Number(socket.text.split(' ')[1]);
}

describe('behind a proxy that writes X-Forwarded-For', () => {
  let bridge;
  const closeLater = withBridge({ flags: ['--trusted-proxies', `${proxy}, 10.0.0.0/8`, '--limit-connections-by-address', '1'] }, (made) => ({ bridge } = made));
  const open = (...headers) => statusOf(bridge, closeLater, proxy, upgradeRequest(bridge, headers));

  test('each client has the limit of its own address', async () => {
    assert.equal(await open('X-Forwarded-For: 192.0.2.1'), 101);
    assert.equal(await open('X-Forwarded-For: 192.0.2.1'), 429);
    assert.equal(await open('X-Forwarded-For: 192.0.2.2, 10.0.0.1'), 101);
    assert.equal(await open('X-Forwarded-For: ::ffff:192.0.2.2'), 429, 'another form of the same address');
  });

  test('what a client says about itself does not count', async () => {
    assert.equal(await open('X-Forwarded-For: 192.0.2.3'), 101);
    assert.equal(await open('X-Forwarded-For: 203.0.113.1, 192.0.2.3'), 429);
    assert.equal(await open('X-Forwarded-For: 192.0.2.3', 'Forwarded: for=203.0.113.2', 'X-Real-IP: 203.0.113.3'), 429);
    assert.equal(await statusOf(bridge, closeLater, proxy, 'PROXY TCP4 203.0.113.4 127.0.0.1 1 2\r\n' + upgradeRequest(bridge)), 400);
  });

  test('headers of others change nothing', async () => {
    assert.equal(await statusOf(bridge, closeLater, '127.0.0.3', upgradeRequest(bridge)), 101);
    assert.equal(await statusOf(bridge, closeLater, '127.0.0.3', upgradeRequest(bridge, ['X-Forwarded-For: 192.0.2.9'])), 429);
  });

  test('the log names the client', async () => {
    assert.equal(await open('X-Forwarded-For: 192.0.2.77', 'Origin: https://evil.example'), 403);
    await eventually('the address is logged', () => bridge.log.includes('192.0.2.77'));
  });
});

describe('behind a proxy with the PROXY protocol', () => {
  let bridge, database;
  const flags = ['--trusted-proxies', proxy, '--proxy-protocol', '--limit-connections-by-address', '1'];
  const closeLater = withBridge({ flags }, (made) => ({ bridge, database } = made));
  const open = (...pieces) => statusOf(bridge, closeLater, proxy, ...pieces);

  test('each client has the limit of its own address, by either version', async () => {
    assert.equal(await open('PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n' + upgradeRequest(bridge)), 101);
    assert.equal(await open('PROXY TCP4 192.0.2.1 127.0.0.1 3 2\r\n', upgradeRequest(bridge)), 429);
    assert.equal(await open(binaryPreface('192.0.2.1'), upgradeRequest(bridge)), 429);
    assert.equal(await open(binaryPreface('192.0.2.2'), upgradeRequest(bridge, ['X-Forwarded-For: 192.0.2.1'])), 101);
  });

  test('a preface may come byte by byte', async () => {
    const socket = await connectTcp(bridge, { from: proxy });
    closeLater({ close: () => socket.destroy() });
    socket.socket.setNoDelay(true);
    for (const byte of binaryPreface('192.0.2.9')) await new Promise((done) => socket.socket.write(Buffer.from([byte]), done));
    socket.send(upgradeRequest(bridge));
    await eventually('the upgrade', () => socket.text.startsWith('HTTP/1.1 101'));
  });

  test('a connection without a preface, or with another one behind the first, is refused', async () => {
    assert.equal(await open(upgradeRequest(bridge)), 400);
    assert.equal(await open('PROXY TCP4 192.0.2.5 127.0.0.1 1 2\r\nPROXY TCP4 192.0.2.6 127.0.0.1 1 2\r\n' + upgradeRequest(bridge)), 400);
    assert.equal(await open('PROXY TCP4 999.0.2.5 127.0.0.1 1 2\r\n'), 400);
  });

  test('a preface from others is no request', async () => {
    assert.equal(await statusOf(bridge, closeLater, '127.0.0.3', 'PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n' + upgradeRequest(bridge)), 400);
    assert.equal(await statusOf(bridge, closeLater, '127.0.0.3', upgradeRequest(bridge)), 101);
  });

  test('Prometheus needs no preface', async () => {
    const port = await freePort();
    const measured = closeLater(await startBridge(database, { flags: [...flags, '--metrics-port', `${port}`] }));
    assert.equal(await statusOf({ port }, closeLater, proxy, 'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n'), 200);
    await measured.stop();
  });

  test('a proxy that looks whether the bridge is there gets its answer', async () => {
    assert.equal(await open('PROXY UNKNOWN\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n'), 200);
  });
});
