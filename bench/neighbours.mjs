// Attacks a bridge, until the file that is named exists: one user who joins on 200 sockets far beyond the limit, or one
// address that tries to connect 5,000 times, two thousand times a second. Prints what became of it.
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { bridge } from './bridge.mjs';

const require = createRequire(new URL('../test/bridge/e2e/package.json', import.meta.url));
const { WebSocket } = require('ws');

const [, , kind, stop] = process.argv;
const ended = () => existsSync(stop);
const token = bridge.token({ sub: 'bench-99999' });
const counts = {};
const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);

async function joins() {
  const sockets = await Promise.all(Array.from({ length: 200 }, () => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${bridge.websocketUrl()}/websocket?vsn=2.0.0&apikey=${token}`, { localAddress: '127.0.0.8' });
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
    socket.on('message', (data) => count(/"status":"(\w+)"/.exec(data)?.[1] ?? 'other messages'));
  })));
  writeFileSync(`${stop}.begun`, '');
  const frame = JSON.stringify(['1', '1', 'realtime:bench:room', 'phx_join', { config: { private: true } }]);
  for (let turn = 0; !ended(); turn++) {
    for (let n = turn % 20; n < sockets.length; n += 20) sockets[n].send(frame); // 2,000 a second, four times the limit
    await pause(5);
  }
  for (const socket of sockets) socket.terminate();
}

async function attempts() {
  const head = ['GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1', 'Host: h', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', `apikey: ${token}`, '\r\n'].join('\r\n');
  const sockets = [];
  writeFileSync(`${stop}.begun`, '');
  for (let n = 0; n < 5000 && !ended(); n += 10) {
    for (let each = 0; each < 10; each++) {
      const socket = connect({ port: new URL(bridge.url).port, host: '127.0.0.1', localAddress: '127.0.0.9' });
      socket.on('error', () => count('reset'));
      socket.once('data', (data) => count(data.toString('latin1', 9, 12)));
      if (each % 2 === 0) socket.write(head); // the others say nothing
      count('attempts');
      sockets.push(socket);
    }
    await pause(5);
  }
  while (!ended()) await pause(50);
  for (const socket of sockets) socket.destroy();
}

await { joins, attempts }[kind]();
console.error(`${kind}: ${JSON.stringify(counts)}`);
