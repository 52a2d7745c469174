// Owns one topic: its channel on the socket, who listens to it, and up to where its events were received.
// Invariants: an event with a position reaches the listeners once and in order; after a break the channel resumes behind the
// last one, or says that it cannot (`joined(false)`), upon which a listener reads its state again.
import type { Channel, Socket } from 'phoenix';
import { CommandError } from '../collaboration/transport';
import { isAfter } from './position';

export interface LiveEvent<Payload = unknown> {
  topic: string;
  event: string;
  payload: Payload;
  /** Where it stands in the stream; null: a signal, which is not kept. */
  position: string | null;
}

export interface TopicListener {
  event?(event: LiveEvent): void;
  /** Events flow; `from`: behind which position, null: from now on. `gapless`: nothing is missing since the last joined(). */
  joined?(from: string | null, gapless: boolean): void;
  /** Events may be missing until joined() is called again. */
  lost?(): void;
  /** The user may not receive the topic. */
  refused?(error: CommandError): void;
}

/** What a topic needs of the client. @internal */
export interface TopicHost {
  readonly socket: Socket | null;
  token(): string;
  /** The bridge refused the token, or ended the topic: another token may help. */
  renewToken(): Promise<unknown>;
  report(problem: string): void;
}

const noRight = '42501';
const badToken = '28000';
const rejoinAfter = [0, 1000, 2000, 5000, 10_000];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export class Topic {
  readonly listeners = new Set<TopicListener>();
  isJoined = false;
  #channel: Channel | null = null;
  #last: string | null = null;
  #askedFrom: string | null = null;
  #endings = 0;
  /** Pushes whose answer has not come: with the connection it is lost. */
  readonly #waiting = new Set<(error: CommandError) => void>();
  #wasJoined = false;
  #isWanted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(
    readonly name: string,
    private readonly host: TopicHost,
  ) {}

  /** Joins, to receive the events behind `position`; does nothing if that was done already. */
  begin(position: string | null): void {
    if (this.#channel) return;
    this.#isWanted = true;
    if (position !== null && (this.#last === null || isAfter(position, this.#last))) this.#last = position;
    if (!this.host.socket) return;
    const channel = this.host.socket.channel(this.name, () => this.#parameters());
    this.#channel = channel;
    channel.on('broadcast', (message) => this.#receive(message));
    channel.on('system', ({ status, message }: { status?: unknown; message?: unknown }) => {
      if (status === 'error') this.host.report(`${this.name}: ${String(message)}`);
    });
    channel.onError(() => this.#lost());
    channel.onClose(() => this.#closed(channel));
    channel
      .join()
      .receive('ok', (response) => this.#joined(response?.resume))
      .receive('error', (response) => this.#refused(channel, new CommandError(response?.reason ?? 'refused', response?.code ?? null)));
  }

  /** There was no socket before. */
  socketCame(): void {
    if (this.#isWanted) this.begin(null);
  }

  /** Rejects without a code if it is not known what became of it. */
  push(event: string, payload: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#channel || !this.isJoined) return reject(new CommandError('there is no connection'));
      const refuse = (error: CommandError) => {
        this.#waiting.delete(refuse);
        reject(error);
      };
      this.#waiting.add(refuse);
      this.#channel
        .push(event, payload)
        .receive('ok', (response) => {
          this.#waiting.delete(refuse);
          resolve(response);
        })
        .receive('error', (response) => refuse(new CommandError(response?.reason ?? 'refused', response?.code ?? null)))
        .receive('timeout', () => refuse(new CommandError('no answer in time')));
    });
  }

  sendToken(token: string): void {
    if (this.isJoined) this.#channel?.push('access_token', { access_token: token });
  }

  end(): void {
    clearTimeout(this.#timer);
    const channel = this.#channel;
    this.#channel = null;
    this.#lost();
    channel?.leave();
  }

  #parameters(): object {
    this.#askedFrom = this.#last;
    const config = { private: true, broadcast: { self: true, ack: true } };
    return { config: this.#last === null ? config : { ...config, resume: this.#last }, access_token: this.host.token() };
  }

  #joined(resume: string | undefined): void {
    this.isJoined = true;
    this.#endings = 0;
    const resumed = this.#askedFrom !== null && resume !== 'lost';
    const gapless = resumed && this.#wasJoined;
    this.#wasJoined = true;
    if (resume === 'lost') this.#last = null;
    for (const listener of [...this.listeners]) listener.joined?.(resumed ? this.#askedFrom : null, gapless);
  }

  #lost(): void {
    for (const refuse of [...this.#waiting]) refuse(new CommandError('the connection broke'));
    if (!this.isJoined) return;
    this.isJoined = false;
    for (const listener of [...this.listeners]) listener.lost?.();
  }

  /** The bridge ended it for good, with the token or with the right: the next join tells which. */
  #closed(channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = null;
    this.#lost();
    this.#joinAgain();
  }

  #joinAgain(): void {
    const wait = rejoinAfter[Math.min(this.#endings++, rejoinAfter.length - 1)]!;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.host
        .renewToken()
        .catch(() => {})
        .then(() => this.begin(null));
    }, wait);
  }

  #refused(channel: Channel, error: CommandError): void {
    if (this.#channel !== channel || (error.code !== noRight && error.code !== badToken)) return; // phoenix joins again
    this.#channel = null;
    channel.leave();
    if (error.code === badToken) return this.#joinAgain();
    for (const listener of [...this.listeners]) listener.refused?.(error);
  }

  #receive(message: unknown): void {
    const { event, payload, meta } = isObject(message) ? message : {};
    if (typeof event !== 'string') return this.host.report(`${this.name}: an event without a name`);
    const position = isObject(meta) && typeof meta['id'] === 'string' ? meta['id'] : null;
    if (position !== null) {
      if (this.#last !== null && !isAfter(position, this.#last)) return;
      this.#last = position;
    }
    const received = { topic: this.name, event, payload, position };
    for (const listener of [...this.listeners]) {
      try {
        listener.event?.(received);
      } catch (error) {
        this.host.report(`${this.name}: the event ${event} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
