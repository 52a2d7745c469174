// Owns what a page has of pg_live: one client, and the stores over it, which are made when they are first asked for.
// Elements find it by their property `live` or, if that is not set, where provide() has put it.
import { LiveClient, type ClientOptions } from '../core/client';
import { createConnectionStore, type ConnectionStore } from './connection';
import { createFeedStore, type FeedOptions, type FeedStore } from './feed';
import { createNotificationsStore, type NotificationsStore } from './notifications';
import { createPresenceStore, type PresenceStore } from './presence';
import { createSessionStore, type SessionStore } from './session';
import { createTypingStore, type TypingStore } from './typing';

export class Live {
  readonly client: LiveClient;
  readonly connection: ConnectionStore;
  readonly #feeds = new Map<string, FeedStore>();
  #presence: PresenceStore | null = null;
  #typing: TypingStore | null = null;
  #notifications: NotificationsStore | null = null;
  #session: SessionStore | null = null;

  constructor(options: ClientOptions) {
    this.client = new LiveClient(options);
    this.connection = createConnectionStore(this.client);
  }

  get presence(): PresenceStore {
    return (this.#presence ??= createPresenceStore(this.client));
  }

  get typing(): TypingStore {
    return (this.#typing ??= createTypingStore(this.client));
  }

  get notifications(): NotificationsStore {
    return (this.#notifications ??= createNotificationsStore(this.client));
  }

  get session(): SessionStore {
    return (this.#session ??= createSessionStore(this.client));
  }

  /** One store for each set of options. */
  feed(options: FeedOptions = {}): FeedStore {
    const key = JSON.stringify(Object.entries(options).sort());
    const known = this.#feeds.get(key) ?? createFeedStore(this.client, options);
    this.#feeds.set(key, known);
    return known;
  }

  disconnect(): void {
    this.client.disconnect();
  }
}

/** Connects. A failure is in the state of the connection, which goes on trying. */
export function connect(options: ClientOptions): Live {
  const live = new Live(options);
  live.client.connect().catch(() => {});
  return live;
}

/** Where elements look; one place for all copies of the package on a page. */
const place = Symbol.for('pg-live');
const provided = 'pg-live:provided';

export function provide(live: Live): void {
  (globalThis as { [place]?: Live })[place] = live;
  globalThis.dispatchEvent?.(new Event(provided));
}

export const providedLive = (): Live | null => (globalThis as { [place]?: Live })[place] ?? null;

/** Calls `changed` when another one is provided. */
export function onProvided(changed: () => void): () => void {
  globalThis.addEventListener?.(provided, changed);
  return () => globalThis.removeEventListener?.(provided, changed);
}
