// Owns the connection of a page to the bridge: the socket, its token, the topics, and what the page is told of them.
// The npm package `phoenix` connects and connects again; this file decides when that begins and ends.
import { Socket } from 'phoenix';
import { CommandError } from '../collaboration/transport';
import { startBeat } from './beat';
import type { Commands, DeviceType } from './contract';
import { Emitter, type Unsubscribe } from './emitter';
import { watchActivity } from './idle';
import { request, type Answered, type Arguments, type Route } from './request';
import { TokenKeeper, type TokenSource } from './token';
import { Topic, type LiveEvent, type TopicHost, type TopicListener } from './topic';

/** `idle`: connect() was not called. `lost`: it was online; phoenix tries again. */
export type ConnectionState = 'idle' | 'connecting' | 'online' | 'lost' | 'closed';

export interface ClientOptions {
  /** The address of the bridge, http(s)://host:port; what is relative is so to the page. */
  url: string | URL;
  /** Gives the JSON Web Token of the user; asked again before it expires. */
  token: TokenSource;
  deviceType?: DeviceType;
  /** Milliseconds without input after which the user is idle, 5 minutes if not given. */
  idleAfter?: number;
  /** Where beat_worker.js is served, or false: none. Beside the package's files if not given. */
  worker?: URL | false;
}

export interface ClientEvents {
  state: { state: ConnectionState; error: Error | null };
  lost: null;
  restored: null;
  /** Of all topics, in the order of arrival. */
  event: LiveEvent;
  user: string | null;
}

const reconnectAfter = [50, 200, 500, 1000, 2000, 3000];

export class LiveClient {
  readonly #events = new Emitter<ClientEvents>();
  readonly #topics = new Map<string, Topic>();
  readonly #base: string;
  readonly #keeper: TokenKeeper;
  readonly #reported = new Set<string>();
  #socket: Socket | null = null;
  #state: ConnectionState = 'idle';
  #error: Error | null = null;
  #userId: string | null = null;
  #connects: Promise<void> | null = null;
  #ends: Unsubscribe[] = [];
  #isActive = true;
  #isWanted = false;
  readonly #host: TopicHost;

  constructor(private readonly options: ClientOptions) {
    this.#base = new URL(options.url, globalThis.location?.href).href.replace(/\/+$/, '');
    this.#keeper = new TokenKeeper(options.token, {
      token: (token) => this.#useToken(token),
      failed: (error) => this.#setState(this.#state, error),
    });
    const client = this;
    this.#host = {
      get socket() {
        return client.#socket;
      },
      token: () => this.#keeper.current,
      renewToken: () => this.#keeper.renew(),
      report: (problem) => this.report(problem),
    };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get error(): Error | null {
    return this.#error;
  }

  get url(): string {
    return this.#base;
  }

  /** Whom the token names. */
  get userId(): string | null {
    return this.#userId;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (value: ClientEvents[Name]) => void): Unsubscribe {
    return this.#events.on(name, listener);
  }

  /** Resolves when the socket is being opened; rejects if the app gives no token, which is asked for again all the same. */
  connect(): Promise<void> {
    this.#isWanted = true;
    this.#connects ??= this.#open().finally(() => {
      if (!this.#socket) this.#connects = null;
    });
    return this.#connects;
  }

  /** The user is offline at once, unless another page is open. What is shown stays; connect() goes on with what was missed. */
  disconnect(): void {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    this.#isWanted = false;
    this.#connects = null;
    for (const end of this.#ends.splice(0)) end();
    for (const topic of this.#topics.values()) topic.end();
    this.#keeper.stop();
    this.#socket?.disconnect(undefined, 1000, 'the page left');
    this.#socket = null;
    this.#setState('closed', null);
  }

  /** A fresh token, for requests of the app's own. */
  token(): Promise<string> {
    return this.#keeper.get();
  }

  async request<Name extends Route>(route: Name, given: Arguments<Name>): Promise<Answered<Name>> {
    const token = await this.#keeper.get();
    try {
      return await request(this.#base, token, route, given);
    } catch (error) {
      if (!(error instanceof CommandError && error.code === '28000')) throw error;
      return request(this.#base, await this.#keeper.renew(), route, given);
    }
  }

  /** Runs a command on a channel that is joined. */
  push<Name extends keyof Commands>(topic: string, command: Name, given: Commands[Name]['arguments']): Promise<Commands[Name]['answer']> {
    const joined = this.#topics.get(topic);
    if (!joined) return Promise.reject(new CommandError(`the topic ${topic} is not joined`));
    return joined.push(command, given) as Promise<Commands[Name]['answer']>;
  }

  /** The topic, to listen to before it begins. */
  topic(name: string): Topic {
    const known = this.#topics.get(name) ?? new Topic(name, this.#host);
    if (!this.#topics.has(name)) {
      this.#topics.set(name, known);
      known.listeners.add({ event: (event) => this.#events.emit('event', event) });
    }
    return known;
  }

  /** Receives the events of a topic from now on, or behind `from`. */
  subscribe(name: string, listener: TopicListener, from: string | null = null): Unsubscribe {
    const topic = this.topic(name);
    topic.listeners.add(listener);
    topic.begin(from);
    return () => this.unlisten(topic, listener);
  }

  /** Leaves the topic with its last listener. */
  unlisten(topic: Topic, listener: TopicListener): void {
    topic.listeners.delete(listener);
    if (topic.listeners.size > 1 || this.#topics.get(topic.name) !== topic) return;
    this.#topics.delete(topic.name);
    topic.end();
  }

  /** One line on the console for each problem, until the connection is restored. */
  report(problem: string): void {
    if (this.#reported.has(problem) || this.#reported.size > 100) return;
    this.#reported.add(problem);
    console.warn(`pg-live: ${problem}`);
  }

  async #open(): Promise<void> {
    this.#setState('connecting', null);
    this.#keeper.start();
    try {
      await this.#keeper.renew();
    } catch (error) {
      this.report((error as Error).message);
      throw error;
    }
  }

  #useToken(token: string): void {
    for (const topic of this.#topics.values()) topic.sendToken(token);
    const user = this.#keeper.userId;
    if (user !== this.#userId) this.#events.emit('user', (this.#userId = user));
    if (this.#isWanted && !this.#socket) this.#openSocket();
  }

  #openSocket(): void {
    const socket = new Socket(`${this.#base.replace(/^http/, 'ws')}/socket`, {
      authToken: () => this.#keeper.current,
      heartbeatIntervalMs: 25_000,
      reconnectAfterMs: (tries) => {
        this.#keeper.get().catch(() => {});
        return reconnectAfter[Math.min(tries - 1, reconnectAfter.length - 1)]! * (0.75 + Math.random() / 2);
      },
      decode: (message, callback) => this.#decode(message, callback),
    });
    this.#socket = socket;
    socket.onOpen(() => this.#opened());
    for (const broke of [socket.onClose, socket.onError]) broke.call(socket, () => this.#socketLost(socket));
    this.#ends.push(
      startBeat(this.options.worker, () => socket.ping(() => {})),
      watchActivity(this.options.idleAfter ?? 300_000, (isActive) => {
        this.#isActive = isActive;
        this.#tellActivity();
      }),
    );
    if (this.#userId !== null) this.#ends.push(this.subscribe(`user:${this.#userId}`, { joined: () => this.#tellActivity() }));
    for (const topic of this.#topics.values()) topic.socketCame();
    socket.connect();
  }

  #decode(message: unknown, callback: (decoded: unknown) => void): void {
    let decoded: unknown;
    try {
      const [join_ref, ref, topic, event, payload] = JSON.parse(message as string) as unknown[];
      if (typeof topic !== 'string' || typeof event !== 'string') throw new Error('no message');
      decoded = { join_ref, ref, topic, event, payload: payload ?? {} };
    } catch {
      return this.report('the server sent what is no message of Phoenix Channels; it is passed over');
    }
    callback(decoded);
  }

  #tellActivity(): void {
    if (this.#userId === null) return;
    const given = { active: this.#isActive, device_type: this.options.deviceType ?? 'web' } as const;
    this.push(`user:${this.#userId}`, 'heartbeat', given).catch(() => {});
  }

  #opened(): void {
    const wasLost = this.#state === 'lost';
    this.#reported.clear();
    this.#setState('online', null);
    if (wasLost) this.#events.emit('restored', null);
  }

  #socketLost(socket: Socket): void {
    if (this.#socket !== socket) return;
    const error = new CommandError(`no connection to ${this.#base}`);
    this.report(`${error.message}; it is tried again`);
    if (this.#state === 'online') {
      this.#setState('lost', error);
      this.#events.emit('lost', null);
    } else this.#setState(this.#state, error);
  }

  #setState(state: ConnectionState, error: Error | null): void {
    if (state === this.#state && error?.message === this.#error?.message) return;
    this.#state = state;
    this.#error = error;
    this.#events.emit('state', { state, error });
  }
}
