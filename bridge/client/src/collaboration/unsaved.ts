// Owns what an editor had not saved when its page was reloaded: it is submitted before the next editor begins, as what that
// editor would have submitted, so that the log has each edit once, whatever had become of the last submission.
import type { Editor, Operation, SessionState, Submission } from './editor';
import type { Kept, KeptEdits, Rebase } from './kept_edits';
import { Session } from './session';
import type { SessionOptions } from './session_options';
import { CommandError, overHttp, type Server } from './transport';

/** The operations of an editor that is gone. */
class Draft implements Editor {
  #version: number;
  #operations: readonly unknown[];

  constructor(
    private readonly kept: Kept,
    private readonly rebase: Rebase,
  ) {
    this.#version = kept.base_version;
    this.#operations = kept.operations;
  }

  get isSaved(): boolean {
    return this.#operations.length === 0;
  }

  pending(most: number): Submission | null {
    return this.isSaved ? null : { base_version: this.#version, operations: this.#operations.slice(0, most) };
  }

  receive(logged: Operation): void {
    this.rebase.see?.(logged);
    if (logged.version <= this.kept.base_version) return;
    this.#version = logged.version;
    if (logged.client_id === this.kept.client_id) {
      this.#operations = this.#operations.slice(1);
    } else {
      const behind = this.rebase.over(this.#operations, logged.operation);
      this.#operations = this.rebase.applicable?.(behind) ?? behind;
    }
  }

  refuse(count: number): readonly unknown[] {
    const refused = this.#operations.slice(0, count);
    for (const _ of refused) this.#operations = this.rebase.withoutFirst(this.#operations);
    return refused;
  }
}

/**
 * Submits what `kept` has of the session: call it after enterSession() and before the Session of the next editor is made.
 * Resolves when nothing is left: each operation is in the log, or was told to onRefused. Waits for a bridge that is away.
 */
export function submitUnsaved(server: Server, state: SessionState, kept: KeptEdits, onRefused: SessionOptions['onRefused'] = () => {}): Promise<void> {
  const unsaved = kept.read(state.session_id);
  if (unsaved === null) return Promise.resolve();
  return new Promise((resolve) => {
    const rebase = kept.rebase(state);
    const draft = new Draft(unsaved, rebase);
    const session = new Session(overHttp(server), state, {
      kept,
      continues: unsaved,
      onRefused,
      onSaved: (saved) => {
        if (saved) session.close();
      },
      onConnection: (connection, reason) => {
        if (connection !== 'ended') return;
        const left = draft.pending(Infinity);
        if (left !== null) onRefused(new CommandError(reason ?? 'the session has ended'), left.operations);
        kept.write(state.session_id, null);
        resolve();
      },
    });
    session.attach(draft, Math.min(unsaved.base_version, rebase.after ?? unsaved.base_version));
  });
}
