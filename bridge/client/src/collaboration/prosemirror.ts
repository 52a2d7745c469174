// Owns the binding of a ProseMirror editor to a session with the policy `cas`: the database takes steps that were made
// upon the head, and answers others with the steps they lack, upon which the editor brings its own.
import { collab, getVersion, receiveTransaction, sendableSteps } from 'prosemirror-collab';
import type { Node, Schema } from 'prosemirror-model';
import type { EditorState, Plugin, Transaction } from 'prosemirror-state';
import { Step } from 'prosemirror-transform';
import { fromBase64 } from './base64';
import { oneSubmission, type Editor, type Operation, type Session, type Submission } from './session';

/** An EditorView, or what stands for one without a page. */
export interface View {
  readonly state: EditorState;
  dispatch(transaction: Transaction): void;
}

export class ProseMirrorEditor implements Editor {
  /** The state of the view has the plugin of collaboration(). Call session.changed() after each transaction that changes the document. */
  constructor(
    session: Session,
    private readonly view: View,
  ) {
    session.attach(this, getVersion(view.state));
  }

  pending(): Submission | null {
    const sendable = sendableSteps(this.view.state);
    return sendable && { base_version: sendable.version, operations: oneSubmission(sendable.steps.map((step) => step.toJSON())) };
  }

  receive({ client_id, operation }: Operation): void {
    const step = Step.fromJSON(this.view.state.schema, operation);
    this.view.dispatch(receiveTransaction(this.view.state, [step], [client_id], { mapSelectionBackward: true }));
  }
}

/** The document with which an editor begins: that of the newest snapshot, or `initial`, which is the same for all. */
export function documentOf(session: Session, schema: Schema, initial: Node): Node {
  const { snapshot } = session.state;
  return snapshot ? schema.nodeFromJSON(JSON.parse(new TextDecoder().decode(fromBase64(snapshot)))) : initial;
}

/** The plugin that the state of an editor needs, which begins with documentOf(session). */
export const collaboration = (session: Session): Plugin => collab({ version: session.state.snapshot_version ?? 0, clientID: session.clientId });
