// Owns one connection to the bridge and the topics joined on it, over the unmodified realtime-js.
// Invariant: an event that has a position reaches the listener once and in order, however often it was delivered:
// delivery is at least once, and positions of one topic only grow.
import { RealtimeClient, type RealtimeChannel } from '@supabase/realtime-js';
import { isAfter } from './position';

export interface LiveEvent {
  topic: string;
  event: string;
  payload: unknown;
  /** Where the event stands in the stream; null for a signal, which cannot be asked for again. */
  position: string | null;
}

/** `joined`: events flow. `waiting`: the client tries again by itself. `ended`: the bridge closed the topic for good. */
export type TopicState = 'joining' | 'joined' | 'waiting' | 'ended';

export interface StreamOptions {
  /** The bridge's address, `ws(s)://host/realtime/v1`. */
  url: string;
  apiKey: string;
  /** The JSON Web Token of the user who joins and sends. */
  token: string;
  topics: readonly string[];
  onEvent(event: LiveEvent): void;
  /** `reason` says why, where the bridge gave a reason. */
  onTopicState(topic: string, state: TopicState, reason: string | null): void;
}

interface BroadcastMessage {
  event: string;
  payload?: unknown;
  meta?: { id?: string };
}

export class LiveStream {
  readonly #client: RealtimeClient;
  readonly #channels = new Map<string, RealtimeChannel>();
  readonly #lastPosition = new Map<string, string>();
  #closed = false;

  constructor(private readonly options: StreamOptions) {
    this.#client = new RealtimeClient(options.url, {
      params: { apikey: options.apiKey },
      accessToken: async () => options.token,
    });
    void this.#start();
  }

  /** realtime-js joins as the API key's role unless the user's token is there before the join. */
  async #start(): Promise<void> {
    for (const topic of this.options.topics) this.#report(topic, 'joining', null);
    await this.#client.setAuth();
    if (!this.#closed) for (const topic of this.options.topics) this.#join(topic);
  }

  /** Sends one event to a topic; resolves once it is committed, rejects with the reason when it is not. */
  async send(topic: string, event: string, payload: Record<string, unknown>): Promise<void> {
    const channel = this.#channels.get(topic);
    if (!channel) throw new Error(`topic ${topic} is not joined`);
    const outcome = await channel.send({ type: 'broadcast', event, payload });
    if (outcome !== 'ok') throw new Error(outcome === 'timed out' ? 'the bridge did not confirm it' : 'it was refused');
  }

  /** Ends the connection. Nothing is reported any more from here on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#client.removeAllChannels();
    await this.#client.disconnect();
  }

  #join(topic: string): void {
    const channel = this.#client.channel(topic, { config: { private: true, broadcast: { self: true, ack: true } } });
    this.#channels.set(topic, channel);
    channel.on('broadcast', { event: '*' }, (message) => this.#receive(topic, message as BroadcastMessage));
    channel.on('system', {}, (message: { status?: string; message?: string }) => {
      if (message.status === 'error') this.#report(topic, 'waiting', message.message ?? null);
    });
    channel.subscribe((status, error) => {
      const reason = error?.message ?? null;
      if (status === 'SUBSCRIBED') this.#report(topic, 'joined', null);
      else if (status === 'CLOSED') this.#report(topic, 'ended', reason);
      else this.#report(topic, 'waiting', reason);
    });
  }

  #report(topic: string, state: TopicState, reason: string | null): void {
    if (!this.#closed) this.options.onTopicState(topic, state, reason);
  }

  #receive(topic: string, message: BroadcastMessage): void {
    if (this.#closed) return;
    const position = message.meta?.id ?? null;
    if (position !== null) {
      const last = this.#lastPosition.get(topic);
      if (last !== undefined && !isAfter(position, last)) return;
      this.#lastPosition.set(topic, position);
    }
    this.options.onEvent({ topic, event: message.event, payload: message.payload, position });
  }
}
