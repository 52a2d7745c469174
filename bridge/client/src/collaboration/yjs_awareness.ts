// Owns the way of a Yjs awareness between the participants of a session: each signals the state of its own document.
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import { Announcer, cursorsOf } from './announcer';
import type { Cursor, Listener } from './editor';
import type { Session } from './session';

/** What is signalled. */
interface Told {
  client: number;
  clock: number;
  state: object;
}

function isTold(cursor: unknown): cursor is Told {
  const { client, clock, state } = (cursor ?? {}) as Partial<Told>;
  return [client, clock].every((number) => Number.isSafeInteger(number) && number! >= 0) && typeof state === 'object' && state !== null;
}

const mostStates = 500;

export class SharedAwareness {
  /** The client in the awareness for each client_id: a participant cannot speak for another one. */
  readonly #clients = new Map<string, number>();
  readonly end: () => void;

  constructor(
    private readonly session: Session,
    private readonly awareness: Awareness,
  ) {
    const announcer = new Announcer(session, () => this.#own());
    const changed = (_: unknown, origin: unknown) => {
      if (origin !== this) announcer.changed();
    };
    const listener: Listener = {
      event: (name, payload) => this.#hear(cursorsOf(name, payload)),
      connection: (state) => {
        if (state !== 'joined') this.#forget([...this.#clients.keys()]);
      },
    };
    awareness.on('update', changed);
    session.listeners.add(listener);
    this.end = () => {
      awareness.off('update', changed);
      session.listeners.delete(listener);
      announcer.end();
    };
    this.#hear(session.state.cursors ?? []);
  }

  #own(): Told | null {
    const { clientID, meta } = this.awareness;
    const state = this.awareness.getLocalState();
    return state && { client: clientID, clock: meta.get(clientID)!.clock, state };
  }

  #hear(cursors: readonly Cursor[]): void {
    for (const { client_id, cursor } of cursors) {
      if (client_id === null || client_id === this.session.clientId) continue;
      if (!isTold(cursor)) this.#forget([client_id]);
      else if (this.#mayTell(client_id, cursor.client)) this.#take(client_id, cursor);
    }
  }

  #mayTell(clientId: string, client: number): boolean {
    if (client === this.awareness.clientID) return false;
    const known = this.#clients.get(clientId);
    return known === undefined ? this.#clients.size < mostStates && ![...this.#clients.values()].includes(client) : known === client;
  }

  /** The clock is one more than what was told, since an awareness takes no first clock of 0. */
  #take(clientId: string, { client, clock, state }: Told): void {
    this.#clients.set(clientId, client);
    const told = { states: new Map([[client, state]]), meta: new Map([[client, { clock: clock + 1, lastUpdated: 0 }]]) };
    applyAwarenessUpdate(this.awareness, encodeAwarenessUpdate(told as unknown as Awareness, [client]), this);
  }

  /** Without their clocks: what they tell next is new, whatever its clock is. */
  #forget(clientIds: readonly string[]): void {
    const clients = clientIds.flatMap((clientId) => this.#clients.get(clientId) ?? []);
    for (const clientId of clientIds) this.#clients.delete(clientId);
    removeAwarenessStates(this.awareness, clients, this);
    for (const client of clients) this.awareness.meta.delete(client);
  }
}
