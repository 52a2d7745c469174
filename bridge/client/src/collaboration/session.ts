// Owns the way of operations between an editor and the log of a session.
// Invariants: the editor receives each operation of the log once, in order of version; one submission is under way at a
// time; an edit is saved when it comes back from the log and not before, so a lost acknowledgement loses nothing.
import { CommandError, type Transport } from './transport';

export interface Operation {
  version: number;
  user_id: string;
  client_id: string;
  operation: unknown;
}

/** What live.get_session() returns. */
export interface SessionState {
  session_id: string;
  room_name: string;
  policy: 'text' | 'json' | 'cas' | 'append';
  role: 'viewer' | 'editor' | 'owner';
  head: number;
  document: unknown;
  /** Of cas and append: base64 of what a client saved, null if none did. */
  snapshot?: string | null;
  snapshot_version?: number | null;
}

export interface Submission {
  base_version: number;
  operations: readonly unknown[];
}

/** What a session needs of an editor. */
export interface Editor {
  /** What the log lacks, or null. The same object as long as it is to be recognized as a repetition of itself. */
  pending(): Submission | null;
  receive(operation: Operation): void;
  /** The database has what was pending, whether or not the log will bring it back. */
  acknowledged?(): void;
  /** The editor has received all of the log. */
  caughtUp?(): void;
}

/** `joined`: operations flow. `waiting`: the session tries again by itself. `ended`: it does not, for the reason given. */
export type ConnectionState = 'waiting' | 'joined' | 'ended';

export interface SessionOptions {
  onConnection?(state: ConnectionState, reason: string | null): void;
  /** True: the log has every edit of this editor. */
  onSaved?(saved: boolean): void;
  /** The database refused what the editor has pending. It is submitted again after the next change. */
  onRefused?(error: CommandError): void;
  /** Other events of the session: participants, cursors, activities. */
  onEvent?(event: string, payload: unknown): void;
}

interface Answer {
  status: 'accepted' | 'stale' | 'duplicate';
  head: number;
  last_version?: number;
  operations?: Operation[];
}

/** The first operations, at least one, that fit one submission: the database takes 1000 of them, and 256 kB as it writes them. */
export function oneSubmission<Operation>(operations: readonly Operation[]): Operation[] {
  let bytes = 0;
  const end = operations.findIndex((operation, at) => {
    bytes += new TextEncoder().encode(JSON.stringify(operation)).length;
    return at === mostOperations || (at > 0 && bytes > mostBytes);
  });
  return end < 0 ? [...operations] : operations.slice(0, end);
}

const mostOperations = 200;
/** In JSON without spaces; the database counts them. */
const mostBytes = 160_000;

const page = 500;
const mostHeldBack = 5000;
/** SQLSTATE for a version that is not kept any more. */
const notKept = '55000';
const longestPause = 5000;

export class Session {
  /** One for each tab and each load of it: the log tells by it which operations are the editor's own. */
  readonly clientId = crypto.randomUUID();
  #editor: Editor | null = null;
  #version = 0;
  #connection: ConnectionState = 'waiting';
  /** Operations that came before those they stand upon. */
  readonly #early = new Map<number, Operation>();
  #isBehind = true;
  /** The log has what was submitted up to here; it has yet to come. */
  #acknowledged = 0;
  #submission: Submission | null = null;
  /** Keys ascend, by which the database knows a late copy of an earlier submission. */
  #key = 0;
  #isWorking = false;
  #isRefused = false;
  #saved = true;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly transport: Transport,
    readonly state: SessionState,
    private readonly options: SessionOptions = {},
  ) {}

  /** Version up to which the editor has received the log. */
  get version(): number {
    return this.#version;
  }

  /** Begins to feed an editor that has the document of `version`. A session has one editor. */
  attach(editor: Editor, version: number): void {
    this.#editor = editor;
    this.#version = version;
    this.transport.open(this.state.session_id, {
      joined: () => {
        this.#isBehind = true;
        this.#failures = 0;
        this.#report('joined', null);
        this.#work();
      },
      lost: (reason) => this.#report('waiting', reason),
      ended: (reason) => this.#report('ended', reason),
      event: (name, payload) => this.#hear(name, payload),
    });
  }

  /** The editor has something pending. */
  changed(): void {
    this.#isRefused = false;
    this.#work();
  }

  /** Shows the others where this user is: for the text policy {version, anchor, head}. A signal: it may be lost. */
  moveCursor(cursor: unknown): void {
    if (this.#connection === 'joined') this.transport.push('collab:cursor', { cursor, client_id: this.clientId }).catch(() => {});
  }

  close(): void {
    this.#report('ended', null);
    this.transport.close();
  }

  #report(connection: ConnectionState, reason: string | null): void {
    if (this.#connection === 'ended') return;
    this.#connection = connection;
    if (connection === 'ended') clearTimeout(this.#timer);
    this.options.onConnection?.(connection, reason);
  }

  #hear(name: string, payload: unknown): void {
    if (this.#connection === 'ended') return;
    if (name === 'collab:edit') this.#receive(payload as Operation);
    else this.options.onEvent?.(name, payload);
    this.#work();
  }

  #receive(operation: Operation): void {
    if (operation.version <= this.#version) return;
    if (this.#early.size < mostHeldBack) this.#early.set(operation.version, operation);
    for (let next; (next = this.#early.get(this.#version + 1)); ) {
      this.#early.delete(next.version);
      this.#version = next.version;
      this.#editor!.receive(next);
    }
    if (this.#early.size > 0) this.#isBehind = true;
  }

  /** Does what is to be done: read what was missed, then submit, until nothing is left. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    clearTimeout(this.#timer);
    try {
      while (this.#connection === 'joined') {
        if (this.#isBehind) await this.#catchUp();
        else if (this.#isRefused || this.#version < this.#acknowledged) break;
        else {
          const submission = this.#editor!.pending();
          if (submission === null) break;
          await this.#submit(submission);
        }
        this.#failures = 0;
      }
      // What was acknowledged comes as an event; look into the log if it does not.
      if (this.#version < this.#acknowledged) this.#tryAgainIn(3000);
    } catch (error) {
      this.#fail(error);
    }
    this.#isWorking = false;
    this.#tellWhetherSaved();
  }

  async #catchUp(): Promise<void> {
    this.#isBehind = false;
    for (let wasFull = true; wasFull; ) {
      const from = this.#version;
      let operations: Operation[];
      try {
        ({ operations } = (await this.transport.push('collab:operations', { after_version: from, limit: page })) as { operations: Operation[] });
      } catch (error) {
        if (!(error instanceof CommandError && error.code === notKept)) throw error;
        this.#report('ended', 'the log no longer has the operations since the last connection: join the session again');
        return;
      }
      for (const operation of operations) this.#receive(operation);
      wasFull = operations.length === page;
    }
    for (const version of this.#early.keys()) if (version <= this.#version) this.#early.delete(version);
    this.#isBehind = this.#early.size > 0;
    if (!this.#isBehind) this.#editor!.caughtUp?.();
  }

  async #submit(submission: Submission): Promise<void> {
    if (submission !== this.#submission) {
      this.#submission = submission;
      this.#key += 1;
    }
    this.#tellWhetherSaved();
    const answer = (await this.transport.push('collab:edit', { ...submission, client_id: this.clientId, key: String(this.#key) })) as Answer;
    for (const operation of answer.operations ?? []) this.#receive(operation);
    if (answer.status === 'stale') this.#isBehind ||= this.#version < answer.head;
    else {
      this.#acknowledged = answer.last_version ?? answer.head;
      this.#editor!.acknowledged?.();
    }
  }

  /** Without a SQLSTATE, or with one that passes, the outcome is unknown: the log tells it. Else what is pending was refused. */
  #fail(error: unknown): void {
    this.#isBehind = true;
    if (error instanceof CommandError && error.isFinal) {
      this.#isRefused = true;
      this.options.onRefused?.(error);
    } else if (this.#connection === 'joined') {
      this.#failures += 1;
      this.#tryAgainIn(Math.min(longestPause, 50 * 2 ** this.#failures) * (0.5 + Math.random() / 2));
    }
  }

  #tryAgainIn(milliseconds: number): void {
    if (this.#connection !== 'joined') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isBehind = true;
      void this.#work();
    }, milliseconds);
  }

  #tellWhetherSaved(): void {
    const saved = this.#editor?.pending() === null;
    if (saved === this.#saved) return;
    this.#saved = saved;
    this.options.onSaved?.(saved);
  }
}
