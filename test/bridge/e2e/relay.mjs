// Owns a network in front of a bridge that can break silently: nothing more passes, and neither side is told.
import { connect, createServer } from 'node:net';

export class Relay {
  #pairs = [];

  constructor(server, bridge) {
    this.server = server;
    this.bridge = bridge;
    this.port = server.address().port;
  }

  static async before(bridge) {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const relay = new Relay(server, bridge);
    server.on('connection', (client) => relay.#connect(client));
    return relay;
  }

  #connect(client) {
    const upstream = connect(this.bridge.port, '127.0.0.1');
    this.#pairs.push([client, upstream]);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => {});
  }

  // What a client asks of a bridge.
  websocketUrl(path = '/realtime/v1') {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  get anonKey() {
    return this.bridge.anonKey;
  }

  breakSilently() {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        socket.unpipe();
        socket.pause();
      }
    }
  }

  close() {
    for (const socket of this.#pairs.flat()) socket.destroy();
    this.server.close();
  }
}
