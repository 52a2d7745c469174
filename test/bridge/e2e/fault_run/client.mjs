// Owns one client: keeps a connection to one of several doors, joins its topics, and resumes each where it was. It checks
// at once what it can: that what comes is its own, and comes in rising positions, so nothing twice and nothing out of order.
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';

const heartbeatEvery = 3000;
const patience = 15_000; // for an answer, after which a client takes its connection for dead

const parse = (position) => position.split('-').map(BigInt);

function isAfter(position, other) {
  const [[batch, id], [otherBatch, otherId]] = [parse(position), parse(other)];
  return batch > otherBatch || (batch === otherBatch && id > otherId);
}

/** One topic of a client. */
class Subscription {
  joinRef = null; // of the join that counts
  isJoined = false;
  position = null;
  tags = []; // of the durable events, in the order in which they came
  signals = new Set(); // those of this connection: another bridge may be behind, and send what the last one sent
}

export class Client {
  #socket = null;
  #isStopped = false;
  #refs = 0;
  #unanswered = new Map(); // ref -> when it was sent
  #lostAt = Date.now();
  #running;

  /** `token()` makes a token that is valid now; `foreign` is a topic that this client may not join. */
  constructor(user, { topics, foreign, doors, token, judge, random }) {
    Object.assign(this, { user, foreign, doors, token, judge, random });
    this.subscriptions = new Map(topics.map((topic) => [topic, new Subscription()]));
  }

  start() {
    this.#running = this.#run();
  }

  async stop() {
    this.#isStopped = true;
    this.#socket?.terminate();
    await this.#running;
  }

  get isJoined() {
    return [...this.subscriptions.values()].every(({ isJoined }) => isJoined);
  }

  /** The network fails this client alone. */
  vanish() {
    this.#socket?.terminate();
  }

  stall() {
    this.#socket?.pause();
  }

  goOn() {
    this.#socket?.resume();
  }

  async #run() {
    while (!this.#isStopped) {
      await this.#converse();
      for (const subscription of this.subscriptions.values()) {
        subscription.isJoined = false;
        subscription.signals.clear();
      }
      this.#lostAt ??= Date.now();
      if (!this.#isStopped) await pause(50 + this.random(950));
    }
  }

  /** One connection, until it ends. */
  async #converse() {
    const door = this.doors[this.random(this.doors.length)];
    const socket = new WebSocket(`${door.websocketUrl('/realtime/v1/websocket')}?apikey=${door.anonKey}&vsn=2.0.0`, { handshakeTimeout: patience });
    this.#socket = socket;
    this.#unanswered.clear();
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const beat = setInterval(() => this.#check(socket), heartbeatEvery);
    socket.on('error', () => {});
    socket.on('open', () => {
      for (const topic of this.subscriptions.keys()) this.#join(topic);
      if (this.random(4) === 0) this.#send(null, this.foreign, 'phx_join', this.#joinPayload(null));
    });
    socket.on('message', (data, isBinary) => this.#socket === socket && this.#handle(data, isBinary));
    await ended;
    clearInterval(beat);
  }

  #check(socket) {
    const [oldest] = this.#unanswered.values();
    if (oldest !== undefined && Date.now() - oldest > patience) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) {
      this.#send(null, 'phoenix', 'heartbeat', {});
      if (this.random(8) === 0) this.#refresh();
    }
  }

  /** In time for some tokens; others expire. */
  #refresh() {
    for (const [topic, { isJoined, joinRef }] of this.subscriptions)
      if (isJoined) this.#socket.send(JSON.stringify([joinRef, null, `realtime:${topic}`, 'access_token', { access_token: this.token() }]));
  }

  #joinPayload(position) {
    return { config: { private: true, ...(position && { resume: position }) }, access_token: this.token() };
  }

  #join(topic) {
    const subscription = this.subscriptions.get(topic);
    subscription.isJoined = false;
    subscription.joinRef = this.#send('own', topic, 'phx_join', this.#joinPayload(subscription.position));
  }

  #joinSoon(topic) {
    const socket = this.#socket;
    setTimeout(() => this.#socket === socket && socket.readyState === WebSocket.OPEN && this.#join(topic), 100 + this.random(900));
  }

  #send(joinRef, topic, event, payload) {
    const ref = String(++this.#refs);
    this.#unanswered.set(ref, Date.now());
    this.#socket.send(JSON.stringify([joinRef === 'own' ? ref : joinRef, ref, `realtime:${topic}`, event, payload]));
    return ref;
  }

  #handle(data, isBinary) {
    if (isBinary) return this.judge.blame(this.user, 'a binary frame came');
    const [joinRef, ref, wireTopic, event, payload] = JSON.parse(data.toString('utf8'));
    const topic = wireTopic.replace(/^realtime:/, '');
    if (ref !== null) this.#unanswered.delete(ref);
    if (topic === 'phoenix') return;
    if (topic === this.foreign) {
      if (event === 'broadcast' || payload.status === 'ok') this.judge.blame(this.user, `got ${event} of ${topic}, which is not its own`);
      return;
    }
    const subscription = this.subscriptions.get(topic);
    if (!subscription) return this.judge.blame(this.user, `got ${event} of ${topic}, which it never joined`);
    if (event === 'broadcast') return this.#note(topic, subscription, payload);
    if (event === 'phx_reply' && ref === subscription.joinRef) return this.#joined(topic, subscription, payload);
    if ((event === 'phx_close' || event === 'phx_error') && joinRef === subscription.joinRef && subscription.isJoined) {
      subscription.isJoined = false;
      this.#lostAt ??= Date.now();
      this.#joinSoon(topic);
    }
  }

  #joined(topic, subscription, { status, response }) {
    if (status !== 'ok') {
      if (response.code === '42501') this.judge.blame(this.user, `may not join ${topic}: ${response.reason}`);
      this.judge.noteRefusal(response.code);
      return this.#joinSoon(topic);
    }
    if (subscription.position && response.resume !== 'ok') this.judge.blame(this.user, `resume of ${topic} from ${subscription.position}: ${response.resume}`);
    subscription.isJoined = true;
    if (!this.isJoined) return;
    this.judge.recoveries.push(Date.now() - this.#lostAt);
    this.#lostAt = null;
  }

  #note(topic, subscription, { payload, meta }) {
    if (payload.topic !== topic) this.judge.blame(this.user, `got on ${topic} an event of ${payload.topic}`);
    if (!meta?.id) {
      if (subscription.signals.has(payload.tag)) this.judge.blame(this.user, `signal ${payload.tag} came twice`);
      subscription.signals.add(payload.tag);
      return;
    }
    if (subscription.position && !isAfter(meta.id, subscription.position))
      this.judge.blame(this.user, `event ${payload.tag} of ${topic} at ${meta.id} came after ${subscription.position}`);
    subscription.position = meta.id;
    subscription.tags.push(payload.tag);
    this.judge.note(this.user, payload, meta.id);
  }
}
