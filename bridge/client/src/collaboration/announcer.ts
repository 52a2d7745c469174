// Owns when a participant tells the others of a session where it is. What is told is a signal and may be lost.
import type { Cursor, Listener } from './editor';
import type { Session } from './session';

/** Milliseconds between two signals; until one is sent again, for those who have missed it. */
const shortestPause = 50;
const longestPause = 15_000;

/**
 * Signals where this user is: when it changes, when the connection is there or back, which greets the others, when another one
 * greets, and once in a while.
 */
export class Announcer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity;
  #told: string | null = null;
  #greets = false;
  #isOver = false;
  readonly end: () => void;

  constructor(
    private readonly session: Session,
    private readonly current: () => object | null,
  ) {
    const listener: Listener = {
      event: (name, payload) => {
        if (cursorsOf(name, payload).some((cursor) => this.#isGreeting(cursor))) this.#tellAgainIn(shortestPause + Math.random() * 500);
      },
      connection: (state) => {
        if (state === 'joined') this.#greet();
        if (state === 'ended') this.end();
      },
    };
    session.listeners.add(listener);
    this.end = () => {
      this.#isOver = true;
      session.listeners.delete(listener);
      clearTimeout(this.#timer);
      clearTimeout(this.#renewal);
    };
    this.#greet();
  }

  /** It may have changed. */
  changed(): void {
    this.#tellIn(shortestPause);
  }

  #greet(): void {
    this.#greets = true;
    this.#tellAgainIn(0);
  }

  #isGreeting({ client_id, cursor }: Cursor): boolean {
    return client_id !== this.session.clientId && (cursor as { greets?: unknown } | null)?.greets === true;
  }

  #tellAgainIn(milliseconds: number): void {
    this.#told = null;
    this.#tellIn(milliseconds);
  }

  #tellIn(milliseconds: number): void {
    const due = Date.now() + milliseconds;
    if (this.#isOver || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#tell(), milliseconds);
  }

  #tell(): void {
    this.#due = Infinity;
    const current = this.current();
    const text = JSON.stringify(current);
    if (text === this.#told) return;
    this.#told = text;
    this.session.moveCursor(current && this.#greets ? { ...current, greets: true } : current);
    this.#greets = false;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => this.#tellAgainIn(0), longestPause);
  }
}

/** Whose cursor it is. A client chooses its client_id, and only the user_id is that of its token: so both count. */
export const tellerOf = ({ user_id, client_id }: Cursor): string => JSON.stringify([user_id, client_id]);

/** The cursors that an event tells. */
export function cursorsOf(name: string, payload: unknown): readonly Cursor[] {
  if (name === 'collab:cursor') return [payload as Cursor];
  return name === 'collab:cursors' ? (payload as { cursors: readonly Cursor[] }).cursors : [];
}
