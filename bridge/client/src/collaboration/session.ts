// Owns the way of operations between an editor and the log of a session.
// Invariants: the editor receives each operation of the log once, in order of version; one submission is under way at a
// time; an edit is saved when it comes back from the log and not before, so a lost acknowledgement loses nothing.
//
// What becomes of a submission that is not accepted, for every editor:
// - no answer, or an error that passes (see CommandError.isFinal): it is submitted again, later and later, for ever;
// - stale: the editor brings its operations upon what it lacked;
// - P0002, the user is removed or the session has ended, and operations that are not kept any more: the session ends;
// - 42501 and 55000, the user may not edit: all that was submitted is taken out of the editor;
// - any other error: the operation that caused it is found by submitting half as many, and is taken out; the others go on.
import { uniqueId } from '../core/unique_id';
import { toBase64 } from './base64';
import { fitting, type Answer, type ConnectionState, type Editor, type Listener, type LogPage, type Operation, type SessionState, type Submission } from './editor';
import { Keeper, type Kept } from './kept_edits';
import type { SessionOptions } from './session_options';
import { CommandError, type Transport } from './transport';

const usualSnapshotEvery = 500;
/** In base64: the bridge takes messages of a million bytes. */
const mostSnapshot = 900_000;
/** Of one submission. The database takes 1000. */
const mostEdits = 200;
const page = 500;
const mostHeldBack = 5000;
/** SQLSTATE for a version that is not kept any more, and for a session that is read only. */
const notInState = '55000';
/** SQLSTATE for a session that has ended, or in which the user does not take part. */
const noSession = 'P0002';
/** SQLSTATE for who may not edit. */
const noRight = '42501';
const historyGone = 'the log no longer has the operations since the last connection: join the session again';
const longestPause = 5000;

export class Session {
  /** One for each tab and each load of it: the log tells by it which operations are the editor's own. */
  readonly clientId: string;
  readonly listeners = new Set<Listener>();
  #editor: Editor | null = null;
  #version = 0;
  #connection: ConnectionState = 'waiting';
  /** Operations that came before those they stand upon. */
  readonly #early = new Map<number, Operation>();
  #isBehind = true;
  /** The log has what was submitted up to here; it has yet to come. */
  #acknowledged = 0;
  /** How many operations of the submission whose outcome is not known the log has not brought; its repetition is of these. */
  #submitted = 0;
  /** Keys ascend, by which the database knows a late copy of an earlier submission. */
  #key = 0;
  #most = mostEdits;
  #isSnapshotDue = false;
  #isWorking = false;
  #saved: boolean | null = null;
  readonly #keeper: Keeper | null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly transport: Transport,
    readonly state: SessionState,
    private readonly options: SessionOptions = {},
  ) {
    const { kept, continues } = options;
    if (kept && !continues && kept.read(state.session_id)) throw new Error('there are edits of an earlier load: submit them first, with submitUnsaved()');
    this.clientId = continues?.client_id ?? uniqueId();
    this.#key = continues?.key ?? 0;
    this.#submitted = continues?.submitted ?? 0;
    this.#keeper = kept && state.policy !== 'append' ? new Keeper(kept, state.session_id, () => this.#unsaved(), options.onKept) : null;
  }

  /** Version up to which the editor has received the log. */
  get version(): number {
    return this.#version;
  }

  /** The log has every edit of the editor. */
  get isSaved(): boolean {
    return this.#editor?.isSaved ?? true;
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
      refused: (reason) => this.#end(reason),
      ended: (reason) => this.#report('ended', reason),
      event: (name, payload) => this.#hear(name, payload),
    });
  }

  /** The editor has something pending. */
  changed(): void {
    this.#keeper?.soon();
    this.#work();
  }

  /** Shows the others where this user is, null: nowhere any more. A signal: it may be lost. */
  moveCursor(cursor: object | null): void {
    if (this.#connection === 'joined') this.transport.push('collab:cursor', { cursor, client_id: this.clientId }).catch(() => {});
  }

  close(): void {
    this.#report('ended', null);
    this.transport.close();
  }

  #report(connection: ConnectionState, reason: string | null): void {
    if (this.#connection === 'ended') return;
    this.#connection = connection;
    if (connection === 'ended') {
      clearTimeout(this.#timer);
      this.#keeper?.end();
    }
    for (const listener of this.listeners) listener.connection?.(connection);
    this.options.onConnection?.(connection, reason);
  }

  #hear(name: string, payload: unknown): void {
    if (this.#connection === 'ended') return;
    if (name === 'collab:ended') return this.#end('the session has ended');
    if (name === 'collab:edit') this.#receive(payload as Operation);
    else {
      for (const listener of this.listeners) listener.event?.(name, payload);
      this.options.onEvent?.(name, payload);
    }
    this.#work();
  }

  #receive(operation: Operation): void {
    if (operation.version <= this.#version) return;
    if (this.#early.size < mostHeldBack) this.#early.set(operation.version, operation);
    for (let next; (next = this.#early.get(this.#version + 1)); ) {
      this.#early.delete(next.version);
      this.#version = next.version;
      if (next.client_id === this.clientId) this.#noteOwn(next.version);
      for (const listener of this.listeners) listener.operation?.(next);
      this.#editor!.receive(next);
    }
    if (this.#early.size > 0) this.#isBehind = true;
  }

  /** One client, the author of the operation, is the one to save a snapshot. */
  #noteOwn(version: number): void {
    if (this.#submitted > 0) this.#submitted -= 1;
    if (version % (this.options.snapshotEvery ?? usualSnapshotEvery) === 0) this.#isSnapshotDue = true;
  }

  /** Does what is to be done: read what was missed, then submit, until nothing is left. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    clearTimeout(this.#timer);
    try {
      while (this.#connection === 'joined') {
        if (this.#isBehind) await this.#catchUp();
        else if (this.#version < this.#acknowledged) break;
        else {
          const submission = this.#editor!.pending(this.#submitted || this.#most);
          if (submission === null) {
            this.#saveSnapshot();
            break;
          }
          await this.#submit({ ...submission, operations: fitting(submission.operations) });
        }
        this.#failures = 0;
      }
      // What was acknowledged comes as an event; look into the log if it does not.
      if (this.#version < this.#acknowledged) this.#tryAgainIn(3000);
    } catch (error) {
      this.#fail(error);
    }
    this.#isWorking = false;
    this.#keeper?.soon();
    this.#tellWhetherSaved();
  }

  async #catchUp(): Promise<void> {
    this.#isBehind = false;
    // A page ends at a number of operations or of bytes, so its length does not tell whether there are more.
    let from: number;
    let answer: LogPage;
    do {
      from = this.#version;
      try {
        answer = (await this.transport.push('collab:operations', { after_version: from, limit: page })) as LogPage;
      } catch (error) {
        if (!(error instanceof CommandError && error.code === notInState)) throw error;
        return this.#end(historyGone);
      }
      for (const operation of answer.operations) this.#receive(operation);
    } while (this.#version > from && this.#version < (answer.head ?? 0));
    for (const version of this.#early.keys()) if (version <= this.#version) this.#early.delete(version);
    this.#isBehind = this.#early.size > 0;
    if (!this.#isBehind) this.#editor!.caughtUp?.();
  }

  /** A snapshot that is not saved costs those who join some time, and the next one is soon due. */
  #saveSnapshot(): void {
    const bytes = this.#isSnapshotDue ? this.#editor!.snapshot?.() : null;
    if (!bytes) return;
    this.#isSnapshotDue = false;
    const snapshot = toBase64(bytes);
    if (snapshot.length <= mostSnapshot) this.transport.push('collab:snapshot', { version: this.#version, snapshot }).catch(() => {});
  }

  async #submit(submission: Submission): Promise<void> {
    if (this.#submitted === 0) {
      this.#submitted = submission.operations.length;
      this.#key += 1;
    }
    this.#tellWhetherSaved();
    this.#keeper?.now();
    const { base_version, operations } = submission;
    let answer: Answer;
    try {
      answer = (await this.transport.push('collab:edit', { base_version, operations, client_id: this.clientId, key: String(this.#key) })) as Answer;
    } catch (error) {
      if (!(error instanceof CommandError && error.isFinal)) throw error;
      return this.#refused(submission, error);
    }
    this.#submitted = 0;
    this.#most = Math.min(mostEdits, 2 * this.#most);
    for (const operation of answer.operations ?? []) this.#receive(operation);
    if (answer.status === 'stale') this.#isBehind ||= this.#version < answer.head;
    else {
      this.#acknowledged = answer.last_version ?? answer.head;
      this.#editor!.acknowledged?.();
      if (this.transport.isSilent) this.#isBehind = true;
    }
  }

  /** The log has nothing of the submission. */
  async #refused({ base_version, operations, edits = operations.length }: Submission, error: CommandError): Promise<void> {
    if (error.code === noSession) return this.#end(error.message);
    if (error.code === notInState && !(await this.#isKept(base_version))) return this.#end(historyGone);
    this.#submitted = 0;
    const concernsOne = error.code !== noRight && error.code !== notInState;
    if (concernsOne && edits > 1) {
      this.#most = Math.ceil(edits / 2);
      this.#editor!.refuse(0);
      return;
    }
    const taken = this.#editor!.refuse(edits);
    this.options.onRefused?.(error, taken ?? operations);
    if (taken === null) this.#end(`an edit was refused on which others stand: ${error.message}`);
  }

  async #isKept(version: number): Promise<boolean> {
    try {
      await this.transport.push('collab:operations', { after_version: version, limit: 1 });
      return true;
    } catch (error) {
      if (error instanceof CommandError && error.code === notInState) return false;
      throw error;
    }
  }

  /** The session is over for this editor, though the connection may not be. */
  #end(reason: string | null): void {
    this.#report('ended', reason);
    this.transport.close();
  }

  /** The outcome is unknown: the log tells it. */
  #fail(error: unknown): void {
    this.#isBehind = true;
    if (error instanceof CommandError && error.code === noSession) return this.#end(error.message);
    this.#failures += 1;
    this.#tryAgainIn(Math.min(longestPause, 50 * 2 ** this.#failures) * (0.5 + Math.random() / 2));
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
    const saved = this.isSaved;
    if (saved === this.#saved) return;
    this.#saved = saved;
    this.#keeper?.now();
    this.options.onSaved?.(saved);
  }

  #unsaved(): Kept | null {
    const pending = this.#editor?.pending(Infinity) ?? null;
    return pending && { client_id: this.clientId, key: this.#key, submitted: this.#submitted, ...pending };
  }
}
