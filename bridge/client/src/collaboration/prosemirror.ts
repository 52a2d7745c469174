// Owns the binding of a ProseMirror editor to a session with the policy `cas`: the database takes steps that were made
// upon the head, and answers others with the steps they lack, upon which the editor brings its own.
import { collab, getVersion, receiveTransaction, sendableSteps } from 'prosemirror-collab';
import type { Node, Schema } from 'prosemirror-model';
import type { EditorState, Plugin, Transaction } from 'prosemirror-state';
import { Mapping, Step, type StepMap } from 'prosemirror-transform';
import { fromBase64 } from './base64';
import type { Editor, Operation, SessionState, Submission } from './editor';
import type { Rebase } from './kept_edits';
import type { Session } from './session';

/** An EditorView, or what stands for one without a page. */
export interface View {
  readonly state: EditorState;
  dispatch(transaction: Transaction): void;
}

/** Stands for who takes back what was refused: no client has it. */
const nobody = '';

export class ProseMirrorEditor implements Editor {
  /** The document at the version that was received last. */
  #logged: Node;
  /** Steps that the editor's state counts as received and that the log does not have, less those that it left out. */
  #uncounted = 0;

  /** The state of the view has the plugin of collaboration(). Call session.changed() after each transaction that changes the document. */
  constructor(
    session: Session,
    private readonly view: View,
  ) {
    this.#logged = view.state.doc;
    session.attach(this, getVersion(view.state));
  }

  get isSaved(): boolean {
    return sendableSteps(this.view.state) === null;
  }

  pending(most: number): Submission | null {
    const sendable = sendableSteps(this.view.state);
    return sendable && { base_version: sendable.version - this.#uncounted, operations: sendable.steps.slice(0, most).map((step) => step.toJSON()) };
  }

  receive({ client_id, operation }: Operation): void {
    const done = applied(operation, this.#logged);
    if (done === null) {
      this.#uncounted -= 1;
      return;
    }
    this.#logged = done.page;
    this.#dispatch([done.step], [client_id]);
  }

  /** As if the log had the steps, and then what takes them back. */
  refuse(count: number): readonly unknown[] {
    const sendable = sendableSteps(this.view.state);
    if (sendable === null || count === 0) return [];
    const refused = sendable.steps.slice(0, count);
    const inverse: Step[] = [];
    let page = this.#logged;
    for (const step of refused) {
      inverse.unshift(step.invert(page));
      page = step.apply(page).doc!;
    }
    this.#uncounted += 2 * refused.length;
    this.#dispatch([...refused, ...inverse], [...refused.map(() => sendable.clientID), ...inverse.map(() => nobody)]);
    return refused.map((step) => step.toJSON());
  }

  /** What documentOf() reads. */
  snapshot(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(this.#logged.toJSON()));
  }

  #dispatch(steps: readonly Step[], clients: readonly (string | number)[]): void {
    this.view.dispatch(receiveTransaction(this.view.state, steps, clients, { mapSelectionBackward: true }));
  }
}

/** The document with which an editor begins: that of the newest snapshot, or `initial`, which is the same for all. */
export function documentOf(session: { state: SessionState }, schema: Schema, initial: Node): Node {
  const { snapshot } = session.state;
  return snapshot ? schema.nodeFromJSON(JSON.parse(new TextDecoder().decode(fromBase64(snapshot)))) : initial;
}

/** The plugin that the state of an editor needs, which begins with documentOf(session). */
export const collaboration = (session: Session): Plugin => collab({ version: session.state.snapshot_version ?? 0, clientID: session.clientId });

/** The steps behind another change, which was made upon the same document; those whose place is gone are left out. */
function mapped(steps: readonly Step[], over: StepMap): Step[] {
  const mapping = new Mapping(steps.map((step) => step.getMap().invert()).reverse());
  mapping.appendMap(over);
  return steps.flatMap((step, index) => {
    const undone = steps.length - index;
    const result = step.map(mapping.slice(undone));
    if (result) mapping.appendMap(result.getMap(), undone - 1);
    return result ?? [];
  });
}

/**
 * A step of the log, and the page after it. Null if it is none, or cannot be applied: the database does not know the page,
 * so it takes any. All editors leave such a step out, and so have the same page.
 */
function applied(operation: unknown, page: Node): { step: Step; page: Node } | null {
  try {
    const step = Step.fromJSON(page.type.schema, operation);
    const { doc } = step.apply(page);
    return doc && { step, page: doc };
  } catch {
    return null; // positions beyond the page, or content that the schema lacks
  }
}

/** The page after an operation of the log. */
export const documentAfter = (page: Node, operation: unknown): Node => applied(operation, page)?.page ?? page;

/** For KeptEdits of documents of ProseMirror; `initial` is that of documentOf(). */
export const stepRebase =
  (schema: Schema, initial: Node) =>
  (state: SessionState): Rebase => {
    const fromJson = (operations: readonly unknown[]) => operations.map((operation) => Step.fromJSON(schema, operation));
    const toJson = (steps: readonly Step[]) => steps.map((step) => step.toJSON() as unknown);
    const after = state.snapshot_version ?? 0;
    let logged = documentOf({ state }, schema, initial);
    let before = logged;
    return {
      after,
      see({ version, operation }) {
        if (version <= after) return;
        before = logged;
        logged = documentAfter(logged, operation);
      },
      over(operations, operation) {
        const done = applied(operation, before);
        return done ? toJson(mapped(fromJson(operations), done.step.getMap())) : operations;
      },
      withoutFirst(operations) {
        const [first, ...others] = fromJson(operations);
        return toJson(mapped(others, first!.getMap().invert()));
      },
      applicable(operations) {
        const result: unknown[] = [];
        let page = logged;
        for (let left = operations; left.length > 0; ) {
          const [first, ...others] = left;
          const done = applied(first, page);
          if (done) result.push(first);
          page = done?.page ?? page;
          left = done ? others : this.withoutFirst(left);
        }
        return result;
      },
    };
  };
