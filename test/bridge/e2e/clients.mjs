// Owns the list of unmodified npm clients the bridge must serve, each behind the same few calls: connect, join, send.
// An adapter translates names and nothing else: it hides no frame and repairs none.
import * as phoenix18 from 'phoenix';
import { RealtimeClient as Realtime2119 } from 'realtime-js-2.119';
import { RealtimeClient as Realtime275 } from 'realtime-js-2.75';
import { RealtimeClient as Realtime299 } from 'realtime-js-2.99';
import WebSocket from 'ws';
import { byText } from './database.mjs';
import { eventually } from './support.mjs';

/** The transport of one client, which trusts the bridge's certificate and remembers its sockets: to break them off as a failed network does. */
function breakableTransport({ ca }) {
  const sockets = [];
  class Transport extends WebSocket {
    constructor(address, protocols, options) {
      super(address, protocols, { ca, ...options });
      sockets.push(this);
    }
  }
  return { Transport, breakOff: () => sockets.at(-1)?.terminate() };
}

/** One joined topic of one client: what arrived on it, and what became of the join. */
class Subscription {
  /** Arrived events: {event, payload, meta}. */
  events = [];
  /** Every status the client reported, oldest first: {status, message}. */
  statuses = [];
  system = [];
  /** What the client told of presence: {event: 'sync' | 'join' | 'leave', key}. */
  presence = [];

  get status() {
    return this.statuses.at(-1)?.status;
  }

  names() {
    return this.events.map((event) => event.event);
  }

  reported(status) {
    return eventually(`the client reports ${status}`, () => this.statuses.find((report) => report.status === status));
  }

  /** Who the client says is there, without refs: {key: [meta]}, in an order of its own. */
  members() {
    return Object.fromEntries(
      Object.entries(this.presenceState()).map(([key, metas]) => [
        key,
        metas.map(({ presence_ref, phx_ref, phx_ref_prev, ...meta }) => meta).sort(byText),
      ]),
    );
  }

  arrived(event) {
    return eventually(`event ${event} arrives`, () => this.events.find((candidate) => candidate.event === event));
  }
}

/** What became of a push, with the body of the reply: {status, response}. */
function outcomeOf(push) {
  return new Promise((resolve) => {
    for (const status of ['ok', 'error', 'timeout']) push.receive(status, (response) => resolve({ status, response }));
  });
}

export class RealtimeConnection {
  #token;

  /** `make` gives a RealtimeClient for a bridge with a function that tells the token, and a transport. */
  constructor(make, bridge, token) {
    this.#token = token;
    const { Transport, breakOff } = breakableTransport(bridge);
    this.breakOff = breakOff;
    // The WebSocket of Node 22 itself never reports "close" for a refused connection, so its user never tries again.
    this.client = make(bridge, async () => this.#token, Transport);
    // realtime-js joins as the API key's role unless the token is there before the join: its manual says to wait.
    this.signedIn = this.client.setAuth();
  }

  async refresh(token) {
    this.#token = token;
    await this.client.setAuth();
  }

  /** Asks to join; wait for `reported('SUBSCRIBED')` where it matters. */
  subscribe(topic, config = {}) {
    const channel = this.client.channel(topic, { config: { private: true, ...config } });
    const subscription = Object.assign(new Subscription(), {
      channel,
      send: (event, payload) => channel.send({ type: 'broadcast', event, payload }),
      // Its public send() tells no reply but "ok"; what it is made of does.
      push: (event, payload) =>
        outcomeOf(channel.channelAdapter ? channel.channelAdapter.push(event, payload) : channel._push(event, payload)),
      leave: () => channel.unsubscribe(),
      track: (meta) => channel.track(meta),
      untrack: () => channel.untrack(),
      presenceState: () => channel.presenceState(),
    });
    if (config.presence) {
      for (const event of ['sync', 'join', 'leave']) {
        channel.on('presence', { event }, ({ key } = {}) => subscription.presence.push({ event, key }));
      }
    }
    channel.on('broadcast', { event: '*' }, ({ event, payload, meta }) => subscription.events.push({ event, payload, meta }));
    channel.on('system', {}, (message) => subscription.system.push(message));
    this.signedIn.then(() =>
      channel.subscribe((status, error) => subscription.statuses.push({ status, message: error?.message })),
    );
    return subscription;
  }

  async close() {
    await this.client.removeAllChannels();
    await this.client.disconnect();
  }
}

export const realtime = (RealtimeClient) => (bridge, token) =>
  new RealtimeConnection(
    (at, accessToken, transport) => new RealtimeClient(at.websocketUrl(), { params: { apikey: at.anonKey }, accessToken, transport }),
    bridge, token);

export class PhoenixConnection {
  #phoenix;

  /** `authToken`: phoenix sends the token as the subprotocol; before 1.8 it stands in the address. */
  constructor(phoenix, bridge, token, { authToken = false } = {}) {
    this.#phoenix = phoenix;
    const { Transport, breakOff } = breakableTransport(bridge);
    this.breakOff = breakOff;
    const credentials = authToken ? { authToken: token } : { params: { token } };
    this.socket = new phoenix.Socket(bridge.websocketUrl('/socket'), { transport: Transport, ...credentials });
    this.socket.connect();
  }

  /** phoenix itself knows no refresh: it is a push on each channel. */
  async refresh(token) {
    for (const channel of this.socket.channels) channel.push('access_token', { access_token: token });
  }

  subscribe(topic, config = {}) {
    const channel = this.socket.channel(topic, { config: { private: true, ...config } });
    const report = (status, message) => subscription.statuses.push({ status, message });
    const subscription = Object.assign(new Subscription(), {
      channel,
      send: async (event, payload) =>
        (await outcomeOf(channel.push('broadcast', { type: 'broadcast', event, payload }))).status,
      push: (event, payload) => outcomeOf(channel.push(event, payload)),
      leave: () => channel.leave(),
      track: async (payload) => (await outcomeOf(channel.push('presence', { type: 'presence', event: 'track', payload }))).status,
      untrack: async () => (await outcomeOf(channel.push('presence', { type: 'presence', event: 'untrack' }))).status,
      presenceState: () => Object.fromEntries(presence.list((key, { metas }) => [key, metas])),
    });
    const presence = new this.#phoenix.Presence(channel);
    presence.onSync(() => subscription.presence.push({ event: 'sync' }));
    presence.onJoin((key) => subscription.presence.push({ event: 'join', key }));
    presence.onLeave((key) => subscription.presence.push({ event: 'leave', key }));
    channel.on('broadcast', ({ event, payload, meta }) => subscription.events.push({ event, payload, meta }));
    channel.on('system', (message) => subscription.system.push(message));
    channel.onClose(() => report('CLOSED'));
    channel
      .join()
      .receive('ok', () => report('SUBSCRIBED'))
      .receive('error', ({ reason }) => report('CHANNEL_ERROR', reason));
    return subscription;
  }

  async close() {
    await new Promise((resolve) => this.socket.disconnect(resolve));
  }
}

/** `binary`: the client can send and receive payloads that are bytes. */
export const clients = [
  { name: 'realtime-js 2.75 (serializer 1.0.0)', binary: false, connect: realtime(Realtime275) },
  { name: 'realtime-js 2.99', binary: true, connect: realtime(Realtime299) },
  { name: 'realtime-js 2.119', binary: true, connect: realtime(Realtime2119) },
  { name: 'phoenix 1.8', binary: false, connect: (bridge, token) => new PhoenixConnection(phoenix18, bridge, token, { authToken: true }) },
];

export const newestRealtime = clients[2];

/** A subscription that is up, over a connection of its own with a token of these claims, which close() closes. */
export async function subscribed(client, bridge, topic, { claims, config } = {}) {
  const connection = client.connect(bridge, bridge.token(claims));
  const subscription = connection.subscribe(topic, config);
  await subscription.reported('SUBSCRIBED');
  return Object.assign(subscription, { connection, breakOff: connection.breakOff, close: () => connection.close() });
}

/** Runs `work` with a subscription that is up, and closes its connection. */
export async function withSubscription(client, bridge, topic, work) {
  const subscription = await subscribed(client, bridge, topic);
  try {
    await work(subscription);
  } finally {
    await subscription.close();
  }
}
