// Owns the document of a session with the policy `json`, as the editor sees it: that of the log, with the editor's own
// operations on top until the log has them. Both are never changed in place, so a new object means a new value.
import type { Editor, Operation, Submission } from './editor';
import type { Rebase } from './kept_edits';
import type { Session } from './session';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };
export type Path = readonly string[];

interface Change {
  path: Path;
  /** Absent: deletes. */
  value?: Json;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== name));
}

/** A document after an operation: setting makes objects on the way, deleting does nothing where the way is missing. */
export function changed(document: Json | undefined, { path: [name, ...rest], value }: Change): Json {
  if (name === undefined) return value === undefined ? {} : value;
  const object = isObject(document) ? document : {};
  const member = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value !== undefined) return { ...object, [name]: changed(member, { path: rest, value }) };
  if (document !== object || member === undefined) return document ?? {};
  return rest.length === 0 ? without(object, name) : { ...object, [name]: isObject(member) ? changed(member, { path: rest }) : member };
}

export class JsonStore implements Editor {
  #logged: Json;
  #shown: Json;
  /** What the log lacks. */
  #queue: Change[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(private readonly session: Session) {
    this.#logged = this.#shown = session.state.document as Json;
    session.attach(this, session.state.head);
  }

  /** The document. Compare it by reference: what has not changed is the same object. */
  get value(): Json {
    return this.#shown;
  }

  /** Sets the value at a path of names; the last one to set a path, in the order of the log, wins. */
  set(path: Path, value: Json): void {
    this.#change({ path: [...path], value: structuredClone(value) });
  }

  delete(path: Path): void {
    this.#change({ path: [...path] });
  }

  /** Calls the listener after each change of the value; returns what ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get isSaved(): boolean {
    return this.#queue.length === 0;
  }

  pending(most: number): Submission | null {
    if (this.#queue.length === 0) return null;
    return { base_version: this.session.version, operations: this.#queue.slice(0, most) };
  }

  receive({ client_id, operation }: Operation): void {
    this.#logged = changed(this.#logged, operation as Change);
    if (client_id === this.session.clientId) this.#queue.shift();
    this.#show(this.#queue.reduce(changed, this.#logged));
  }

  refuse(count: number): readonly unknown[] {
    const refused = this.#queue.splice(0, count);
    if (count > 0) this.#show(this.#queue.reduce(changed, this.#logged));
    return refused;
  }

  #change(change: Change): void {
    this.#queue.push(change);
    this.#show(changed(this.#shown, change));
    this.session.changed();
  }

  #show(value: Json): void {
    this.#shown = value;
    for (const listener of this.#listeners) listener();
  }
}

/** For KeptEdits of JSON documents, whose operations stand upon nothing. */
export const jsonRebase = (): Rebase => ({ over: (operations) => operations, withoutFirst: ([, ...others]) => others });
