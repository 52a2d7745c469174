// Owns the record of unsaved edits that outlives a reload of the page.
// The storage is one that no other tab writes, such as sessionStorage: two editors with one client_id are taken for one.
import type { Operation, SessionState } from './editor';

/** What is used of sessionStorage. */
export interface EditStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** Unsaved edits of one editor of a session, as they were submitted or would have been next. */
export interface Kept {
  client_id: string;
  /** Of the last submission. */
  key: number;
  /** How many of the operations were submitted with the key, if it is not known what became of them. */
  submitted: number;
  base_version: number;
  operations: readonly unknown[];
}

/** How operations without an editor follow a log. */
export interface Rebase {
  /** The operations behind one of the log, which was made upon the same version. */
  over(operations: readonly unknown[], logged: unknown): readonly unknown[];
  /** The operations without the first of them. */
  withoutFirst(operations: readonly unknown[]): readonly unknown[];
  /** Version after which the log is needed, if the one upon which the operations stand is not enough. */
  readonly after?: number;
  /** Takes note of the log, each operation once and in order. */
  see?(operation: Operation): void;
  /** The operations that can be applied to the document of the log, for a database that does not know it. */
  applicable?(operations: readonly unknown[]): readonly unknown[];
}

/** Milliseconds until a change is kept, at the latest. */
const keepWithin = 200;
/** In UTF-16 units; browsers give a site some millions. */
const mostKept = 1_000_000;

function isKept(value: unknown): value is Kept {
  const { client_id, key, submitted, base_version, operations } = (value ?? {}) as Partial<Kept>;
  return typeof client_id === 'string' && [key, submitted, base_version].every(Number.isSafeInteger) && Array.isArray(operations) && operations.length > 0;
}

export class KeptEdits {
  /** `rebase`: that of the editor, for instance textRebase. */
  constructor(
    private readonly storage: EditStorage,
    readonly rebase: (state: SessionState) => Rebase,
  ) {}

  /** Null: nothing, or nothing that can be read. */
  read(session: string): Kept | null {
    try {
      const value: unknown = JSON.parse(this.storage.getItem(this.#name(session)) ?? 'null');
      return isKept(value) ? value : null;
    } catch {
      return null;
    }
  }

  /** Returns false if the edits are too many to be kept; those that were kept before are dropped then. */
  write(session: string, kept: Kept | null): boolean {
    const name = this.#name(session);
    const value = kept && JSON.stringify(kept);
    try {
      if (value !== null && value.length <= mostKept) {
        this.storage.setItem(name, value);
        return true;
      }
    } catch {
      // The storage is full, or forbidden.
    }
    this.storage.removeItem(name);
    return value === null;
  }

  #name(session: string): string {
    return `pg_live:unsaved:${session}`;
  }
}

/** Keeps the edits of one session while they change: before each submission, so that its repetition is known to be one, and soon after each change. */
export class Keeper {
  #kept = true;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly edits: KeptEdits,
    private readonly session: string,
    private readonly unsaved: () => Kept | null,
    private readonly onKept: (kept: boolean) => void = () => {},
  ) {
    globalThis.addEventListener?.('pagehide', this.now);
  }

  readonly now = (): void => {
    if (this.#ended) return; // the record is that of the next editor
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const kept = this.edits.write(this.session, this.unsaved());
    if (kept !== this.#kept) this.onKept((this.#kept = kept));
  };

  soon(): void {
    this.#timer ??= setTimeout(this.now, keepWithin);
  }

  end(): void {
    this.now();
    this.#ended = true;
    globalThis.removeEventListener?.('pagehide', this.now);
  }
}
