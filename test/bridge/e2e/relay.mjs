// Owns a network in front of a bridge that can break silently: nothing more passes, and neither side is told.
import { connect, createServer } from 'node:net';

/** Which sockets of a pair are read no more. */
const silences = { both: ['client', 'upstream'], requests: ['client'], answers: ['upstream'] };

export class Relay {
  #pairs = new Set();
  /** That of connections that are made from now on, if there is one. */
  #silence = null;

  constructor(server, bridge) {
    this.server = server;
    this.bridge = bridge;
    this.port = server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  static async before(bridge) {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const relay = new Relay(server, bridge);
    server.on('connection', (client) => relay.#connect(client));
    return relay;
  }

  #connect(client) {
    const pair = { client, upstream: connect(this.bridge.port, '127.0.0.1'), isSilent: false };
    this.#pairs.add(pair);
    for (const socket of [client, pair.upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => pair.isSilent || this.#end(pair));
    }
    this.#pass(pair);
    if (this.#silence) this.#hold(pair, this.#silence);
  }

  #pass(pair) {
    pair.isSilent = false;
    if (pair.client.destroyed || pair.upstream.destroyed) this.#end(pair);
    else pair.client.unpipe().pipe(pair.upstream.unpipe()).pipe(pair.client); // each once
  }

  #hold(pair, silence) {
    pair.isSilent = true;
    for (const name of silences[silence]) pair[name].unpipe().pause();
  }

  #end(pair) {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.upstream.destroy();
  }

  // What a client asks of a bridge.
  websocketUrl(path = '/realtime/v1') {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  get anonKey() {
    return this.bridge.anonKey;
  }

  token(claims) {
    return this.bridge.token(claims);
  }

  /** `silence`: both, requests or answers pass no more on the connections that there are. */
  breakSilently(silence = 'both') {
    for (const pair of this.#pairs) this.#hold(pair, silence);
  }

  /** The same for those that are made from now on. */
  breakAllSilently(silence) {
    this.#silence = silence;
    this.breakSilently(silence);
  }

  /** New connections pass again; those that were broken stay so. */
  forgetOld() {
    this.#silence = null;
  }

  /** What was held passes after all. */
  heal() {
    this.#silence = null;
    for (const pair of [...this.#pairs].filter(({ isSilent }) => isSilent)) this.#pass(pair);
  }

  /** Both sides are told that their connection is gone. */
  cut() {
    this.#silence = null;
    for (const pair of [...this.#pairs]) this.#end(pair);
  }

  close() {
    this.cut();
    this.server.close();
  }
}
