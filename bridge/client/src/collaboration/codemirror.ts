// Owns the binding of a CodeMirror editor to a session with the policy `text`.
// Operations go to receiveUpdates() one at a time, as the database rebased them: a composition of several maps pending
// changes to other places than one after the other, and the texts would come apart.
import { collab, getSyncedVersion, receiveUpdates, sendableUpdates } from '@codemirror/collab';
import { ChangeSet, Text, type ChangeDesc, type EditorState, type Extension, type Transaction } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';
import type { Editor, Operation, Submission } from './editor';
import type { Rebase } from './kept_edits';
import type { Session } from './session';

/** An EditorView, or what stands for one without a page. */
export interface View {
  readonly state: EditorState;
  dispatch(transaction: Transaction): void;
}

/** Stands for who takes back what was refused: no client has it. */
const nobody = '';

export class CodeMirrorEditor implements Editor {
  /** The document at the version that was received last. */
  #logged: Text;
  /** Updates that the editor's state counts as received and that the log does not have. */
  #uncounted = 0;

  /** The document of the view is that of the log. */
  constructor(private readonly view: View) {
    this.#logged = view.state.doc;
  }

  get isSaved(): boolean {
    return sendableUpdates(this.view.state).length === 0;
  }

  pending(most: number): Submission | null {
    const updates = sendableUpdates(this.view.state).slice(0, most);
    if (updates.length === 0) return null;
    return { base_version: getSyncedVersion(this.view.state) - this.#uncounted, operations: updates.map(({ changes }) => changes.toJSON()) };
  }

  receive({ client_id, operation }: Operation): void {
    const changes = ChangeSet.fromJSON(operation);
    this.#logged = changes.apply(this.#logged);
    this.view.dispatch(receiveUpdates(this.view.state, [{ clientID: client_id, changes }]));
  }

  /** As if the log had the updates, and then what takes them back. */
  refuse(count: number): readonly unknown[] {
    const refused = sendableUpdates(this.view.state).slice(0, count);
    const inverse: ChangeSet[] = [];
    let text = this.#logged;
    for (const { changes } of refused) {
      inverse.unshift(changes.invert(text));
      text = changes.apply(text);
    }
    this.#uncounted += 2 * refused.length;
    if (refused.length > 0)
      this.view.dispatch(receiveUpdates(this.view.state, [...refused, ...inverse.map((changes) => ({ clientID: nobody, changes }))]));
    return refused.map(({ changes }) => changes.toJSON());
  }
}

/** The document with which an editor begins: its lines end with \n alone, as positions in the database count them. */
export const documentOf = (session: Session): Text => Text.of((session.state.document as string).split('\n'));

/** What the state of an editor needs before CodeMirrorEditor can bind it; it begins with documentOf(session). */
export const collaboration = (session: Session): Extension => collab({ startVersion: session.state.head, clientID: session.clientId });

/** The extension that makes an EditorView, which begins with documentOf(session), one of those that edit the session. */
export const codeMirror = (session: Session): Extension => [
  collaboration(session),
  ViewPlugin.define((view) => {
    session.attach(new CodeMirrorEditor(view), session.state.head);
    return {
      update: ({ docChanged }) => {
        if (docChanged) session.changed();
      },
      destroy: () => session.close(),
    };
  }),
];

function mapped(operations: readonly unknown[], over: ChangeDesc): readonly unknown[] {
  return operations.map((operation) => {
    const changes = ChangeSet.fromJSON(operation);
    const result = changes.map(over);
    over = over.mapDesc(changes, true);
    return result.toJSON();
  });
}

/** For KeptEdits of texts. */
export const textRebase = (): Rebase => ({
  over: (operations, logged) => mapped(operations, ChangeSet.fromJSON(logged)),
  withoutFirst: ([first, ...others]) => mapped(others, ChangeSet.fromJSON(first).invertedDesc),
});
