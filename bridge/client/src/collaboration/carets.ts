// Owns where the others are in the document of a session: their newest selections, as far as this editor has received the log.
// A selection is told as {version, anchor, head}: positions in the document of the log at a version, in which the editors agree.
import { Announcer, cursorsOf, tellerOf } from './announcer';
import type { Cursor, Operation } from './editor';
import type { Session } from './session';

/** A selection in the document of the log. */
export interface Selection {
  version: number;
  anchor: number;
  head: number;
}

export interface Caret extends Selection {
  userId: string;
  clientId: string;
}

/** What carets need of an editor. */
export interface CaretEditor {
  /** Where an operation of the log moves positions. */
  mappingOf(operation: unknown): Mapping;
  /** Sides to which the editor moves the beginning and the end of a selection, where another participant inserts something. */
  readonly sides: readonly [-1 | 1, -1 | 1];
  /** The user's own selection; null: none. */
  selection(): Selection | null;
  /** The carets of others have changed. */
  changed(): void;
}

/** `side`: where a position goes that is where text is inserted, before it (-1) or behind it. */
export type Mapping = (position: number, side: -1 | 1) => number;

export interface CaretOptions {
  /** How a user is called; the id of the user if not given. It is shown as text. */
  nameOf?(userId: string): string;
}

const mostCarets = 500;
const mostRecent = 1000;

const colors = 8;

/** Number of the colour of a user, the same one for all. */
export function colorOf(userId: string): number {
  let hash = 0;
  for (let at = 0; at < userId.length; at++) hash = (hash * 31 + userId.charCodeAt(at)) >>> 0;
  return hash % colors;
}

/** What is shown at a caret: span.pg-live-caret.pg-live-color-N with the name in span.pg-live-caret-name. */
export function caretElement(userId: string, { nameOf }: CaretOptions): HTMLElement {
  const [caret, name] = [document.createElement('span'), document.createElement('span')];
  caret.className = `pg-live-caret pg-live-color-${colorOf(userId)}`;
  caret.setAttribute('aria-hidden', 'true');
  name.className = 'pg-live-caret-name';
  name.textContent = nameOf?.(userId) ?? userId;
  caret.append(name);
  return caret;
}

interface Recent {
  version: number;
  client_id: string;
  mapping: Mapping;
}

function isSelection(cursor: unknown): cursor is Selection {
  const { version, anchor, head } = (cursor ?? {}) as Partial<Selection>;
  return [version, anchor, head].every((number) => Number.isSafeInteger(number) && number! >= 0);
}

export class Carets {
  /** By tellerOf(). */
  readonly #carets = new Map<string, Caret>();
  /** The operations that were received last, for selections that were made before them. */
  readonly #recent: Recent[] = [];
  readonly #announcer: Announcer;
  readonly end: () => void;

  constructor(
    private readonly session: Session,
    private readonly editor: CaretEditor,
  ) {
    const listener = {
      operation: (operation: Operation) => this.#follow(operation),
      event: (name: string, payload: unknown) => this.#hear(cursorsOf(name, payload)),
      connection: (state: string) => {
        if (state !== 'joined') this.#forget();
      },
    };
    session.listeners.add(listener);
    this.#announcer = new Announcer(session, () => editor.selection());
    this.end = () => {
      session.listeners.delete(listener);
      this.#announcer.end();
    };
    this.#hear(session.state.cursors ?? []);
  }

  /** The user's selection may have changed. */
  moved(): void {
    this.#announcer.changed();
  }

  /** Those of others, in the document of the log at the version that the editor received last. */
  get all(): readonly Caret[] {
    return [...this.#carets.values()].filter(({ version }) => version === this.session.version);
  }

  #hear(cursors: readonly Cursor[]): void {
    for (const told of cursors) {
      const { user_id, client_id, cursor } = told;
      if (client_id === null || client_id === this.session.clientId) continue;
      this.#carets.delete(tellerOf(told));
      if (!isSelection(cursor) || this.#carets.size >= mostCarets) continue;
      const caret = { version: cursor.version, anchor: cursor.anchor, head: cursor.head, userId: user_id, clientId: client_id };
      for (const operation of this.#recent) this.#move(caret, operation);
      this.#carets.set(tellerOf(told), caret);
    }
    if (cursors.length > 0) this.editor.changed();
  }

  #follow({ version, client_id, operation }: Operation): void {
    const recent = { version, client_id, mapping: this.editor.mappingOf(operation) };
    this.#recent.push(recent);
    if (this.#recent.length > mostRecent) this.#recent.shift();
    for (const caret of this.#carets.values()) this.#move(caret, recent);
    if (client_id === this.session.clientId || !this.session.isSaved) this.moved(); // the others cannot know a place in what is not saved
  }

  #forget(): void {
    this.#carets.clear();
    this.editor.changed();
  }

  /** What a participant types goes before its own caret, and behind those of others. */
  #move(caret: Caret, { version, client_id, mapping }: Recent): void {
    if (version !== caret.version + 1) return;
    const { anchor, head } = caret;
    const [atStart, atEnd] = client_id === caret.clientId ? [1 as const, 1 as const] : anchor === head ? [-1 as const, -1 as const] : this.editor.sides;
    caret.version = version;
    caret.anchor = mapping(anchor, anchor < head ? atStart : atEnd);
    caret.head = mapping(head, head < anchor ? atStart : atEnd);
  }
}
