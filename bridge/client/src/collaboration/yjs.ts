// Owns the binding of a Y.Doc to a session with the policy `append`, whose log has the updates of all.
// Updates commute and may be repeated, so an update is saved when the database has acknowledged it.
import * as Y from 'yjs';
import { fromBase64, toBase64 } from './base64';
import type { Editor, Operation, Submission } from './editor';
import type { Session } from './session';

/** Bytes of updates in one submission: as base64 they are a third longer, and the database takes 256 kB. */
const mostBytes = 120_000;

const isEmpty = (update: Uint8Array) => update.length === 2 && update[0] === 0 && update[1] === 0;

export class YjsProvider implements Editor {
  #queue: Uint8Array[] = [];
  /** What is submitted, and the updates of the document that it was made of. */
  #batch: (Submission & { updates: Uint8Array[] }) | null = null;
  /** What the log has, as far as it was read, until the document has been compared with it. */
  #logged: Uint8Array[] | null = [];

  constructor(
    private readonly session: Session,
    readonly doc: Y.Doc,
  ) {
    const { snapshot, snapshot_version } = session.state;
    if (snapshot) this.#apply(fromBase64(snapshot));
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this || this.#logged !== null) return;
      this.#queue.push(update);
      session.changed();
    });
    session.attach(this, snapshot_version ?? 0);
  }

  get isSaved(): boolean {
    return this.#batch === null && this.#queue.length === 0 && this.#logged === null;
  }

  pending(most: number): Submission | null {
    if (this.#batch === null && this.#queue.length > 0) {
      let bytes = 0;
      const end = this.#queue.findIndex((update, at) => at === most || ((bytes += update.length) > mostBytes && at > 0));
      const updates = this.#queue.splice(0, end < 0 ? this.#queue.length : end);
      const operations = [{ update: toBase64(Y.mergeUpdates(updates)) }];
      this.#batch = { base_version: this.session.version, operations, edits: updates.length, updates };
    }
    return this.#batch;
  }

  receive({ client_id, operation }: Operation): void {
    if (client_id === this.session.clientId) this.#batch = null;
    this.#apply(fromBase64((operation as { update: string }).update));
  }

  acknowledged(): void {
    this.#batch = null;
  }

  /** A document of Yjs cannot take an update out: those that follow stand upon it. */
  refuse(count: number): null {
    if (count === 0 && this.#batch !== null) {
      this.#queue.unshift(...this.#batch.updates);
      this.#batch = null;
    }
    return null;
  }

  /** What the document had before it was connected, and what was written meanwhile, is for the others too. */
  caughtUp(): void {
    if (this.#logged === null) return;
    const known = this.#logged.length > 0 ? Y.encodeStateVectorFromUpdate(Y.mergeUpdates(this.#logged)) : undefined;
    const missing = Y.encodeStateAsUpdate(this.doc, known);
    if (!isEmpty(missing)) this.#queue.push(missing);
    this.#logged = null;
  }

  snapshot(): Uint8Array | null {
    return this.isSaved ? Y.encodeStateAsUpdate(this.doc) : null;
  }

  #apply(update: Uint8Array): void {
    this.#logged?.push(update);
    Y.applyUpdate(this.doc, update, this);
  }
}
