// Owns the way of a Yjs awareness between the participants of a session: each signals the state of its own document.
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import { Announcer, cursorsOf, tellerOf } from './announcer';
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
  /** The client in the awareness by tellerOf(): a participant cannot speak for one that was heard before. */
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
    for (const told of cursors) {
      const { client_id, cursor } = told;
      if (client_id === null || client_id === this.session.clientId) continue;
      const teller = tellerOf(told);
      if (!isTold(cursor)) this.#forget([teller]);
      else if (this.#mayTell(teller, cursor.client)) this.#take(teller, cursor);
    }
  }

  #mayTell(teller: string, client: number): boolean {
    if (client === this.awareness.clientID) return false;
    const known = this.#clients.get(teller);
    return known === undefined ? this.#clients.size < mostStates && ![...this.#clients.values()].includes(client) : known === client;
  }

  /** The clock is one more than what was told, since an awareness takes no first clock of 0. */
  #take(teller: string, { client, clock, state }: Told): void {
    this.#clients.set(teller, client);
    const told = { states: new Map([[client, state]]), meta: new Map([[client, { clock: clock + 1, lastUpdated: 0 }]]) };
    applyAwarenessUpdate(this.awareness, encodeAwarenessUpdate(told as unknown as Awareness, [client]), this);
  }

  /** Without their clocks: what they tell next is new, whatever its clock is. */
  #forget(tellers: readonly string[]): void {
    const clients = tellers.flatMap((teller) => this.#clients.get(teller) ?? []);
    for (const teller of tellers) this.#clients.delete(teller);
    removeAwarenessStates(this.awareness, clients, this);
    for (const client of clients) this.awareness.meta.delete(client);
  }
}
