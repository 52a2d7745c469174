// Owns a network in front of a bridge, or of a database, that can break silently: nothing more passes, and neither side is
// told. It can also be slow.
import { connect, createServer } from 'node:net';
import { Transform } from 'node:stream';

/** Which sockets of a pair are read no more. */
const silences = { both: ['client', 'upstream'], requests: ['client'], answers: ['upstream'] };

export class Relay {
  #pairs = new Set();
  /** That of connections that are made from now on, if there is one. */
  #silence = null;
  /** Milliseconds that each piece takes to pass. */
  #delay = () => 0;

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
    const pair = { client, upstream: connect(this.bridge.port, '127.0.0.1'), ways: [this.#way(), this.#way()], isSilent: false };
    client.setNoDelay();
    pair.upstream.setNoDelay();
    pair.ways[0].pipe(pair.upstream);
    pair.ways[1].pipe(client);
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
    else for (const [index, from] of [pair.client, pair.upstream].entries()) from.unpipe().pipe(pair.ways[index]); // each once
  }

  #way() {
    return new Transform({
      transform: (piece, _encoding, passed) => {
        const delay = this.#delay();
        if (delay > 0) setTimeout(passed, delay, null, piece);
        else passed(null, piece);
      },
    });
  }

  #hold(pair, silence) {
    pair.isSilent = true;
    for (const name of silences[silence]) pair[name].unpipe().pause();
  }

  #end(pair) {
    this.#pairs.delete(pair);
    for (const way of pair.ways) way.destroy();
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

  /** `delay()`: how many milliseconds the next piece takes. */
  slowDown(delay = () => 0) {
    this.#delay = delay;
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
