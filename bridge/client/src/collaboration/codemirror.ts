// Owns the binding of a CodeMirror editor to a session with the policy `text`.
// Operations go to receiveUpdates() one at a time, as the database rebased them: a composition of several maps pending
// changes to other places than one after the other, and the texts would come apart.
import { collab, getSyncedVersion, receiveUpdates, sendableUpdates } from '@codemirror/collab';
import { ChangeSet, Text, type EditorState, type Extension, type Transaction } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';
import { oneSubmission, type Editor, type Operation, type Session, type Submission } from './session';

/** An EditorView, or what stands for one without a page. */
export interface View {
  readonly state: EditorState;
  dispatch(transaction: Transaction): void;
}

export class CodeMirrorEditor implements Editor {
  constructor(private readonly view: View) {}

  pending(): Submission | null {
    const updates = sendableUpdates(this.view.state);
    if (updates.length === 0) return null;
    return { base_version: getSyncedVersion(this.view.state), operations: oneSubmission(updates.map(({ changes }) => changes.toJSON())) };
  }

  receive({ client_id, operation }: Operation): void {
    this.view.dispatch(receiveUpdates(this.view.state, [{ clientID: client_id, changes: ChangeSet.fromJSON(operation) }]));
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
