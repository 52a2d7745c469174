// Owns TCP connections that say exactly the bytes they are told, for what no WebSocket or HTTP library would send.
import { connect } from 'node:net';
import { eventually } from './support.mjs';

class TcpSocket {
  #received = [];
  closed = false;

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (piece) => this.#received.push(piece));
    socket.on('close', () => (this.closed = true));
    // A reset is one of the ways in which the bridge may hang up.
    socket.on('error', () => {});
  }

  get text() {
    return Buffer.concat(this.#received).toString('latin1');
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  destroy() {
    this.socket.destroy();
  }

  untilClosed() {
    return eventually('the bridge closes the connection', () => this.closed);
  }
}

/** `from`: the client's own address, one of 127.0.0.0/8. */
export async function connectTcp(bridge, { from } = {}) {
  const socket = connect({ port: bridge.port, host: '127.0.0.1', localAddress: from });
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new TcpSocket(socket);
}

/** A WebSocket after its upgrade, as bare TCP. */
export async function upgrade(bridge) {
  const socket = await connectTcp(bridge);
  socket.send(
    [
      `GET /realtime/v1/websocket?vsn=2.0.0&apikey=${bridge.token()} HTTP/1.1`,
      `Host: 127.0.0.1:${bridge.port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  );
  await eventually('the upgrade is answered', () => socket.text.includes('\r\n\r\n'));
  if (!socket.text.startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${socket.text.slice(0, 200)}`);
  return socket;
}

/** One WebSocket frame, right or wrong in any part (RFC 6455, 5.2). The masking key is zero: masked bytes read as plain. */
export function wireFrame({ opcode, payload, final = true, reserved = 0, masked = true, claimedLength }) {
  const body = Buffer.from(payload);
  const length = claimedLength ?? BigInt(body.length);
  const maskBit = masked ? 0x80 : 0;
  const first = (final ? 0x80 : 0) | reserved | opcode;
  let head;
  if (length < 126n) {
    head = Buffer.from([first, maskBit | Number(length)]);
  } else if (length < 65536n) {
    head = Buffer.from([first, maskBit | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.concat([Buffer.from([first, maskBit | 127]), Buffer.alloc(8)]);
    head.writeBigUInt64BE(length, 2);
  }
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}
