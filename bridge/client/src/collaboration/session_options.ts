// Owns what an app chooses for a session, and what it is told of it.
import type { ConnectionState } from './editor';
import type { Kept, KeptEdits } from './kept_edits';
import type { CommandError } from './transport';

export interface SessionOptions {
  onConnection?(state: ConnectionState, reason: string | null): void;
  /** True: the log has every edit of this editor. */
  onSaved?(saved: boolean): void;
  /** Keeps what is not saved over a reload, of a session with another policy than append. See submitUnsaved(). */
  kept?: KeptEdits;
  /** False: a reload would lose what is not saved, since it is too much to be kept. */
  onKept?(kept: boolean): void;
  /** The editor before, whose client_id and keys this one goes on with. For submitUnsaved(). */
  continues?: Kept;
  /** The database refused operations, which are taken out of the editor: an app may show or keep what the user loses. */
  onRefused?(error: CommandError, operations: readonly unknown[]): void;
  /** Operations between two snapshots of a session with the policy cas or append, 500 if not given. */
  snapshotEvery?: number;
  /** Other events of the session: participants, cursors, activities. */
  onEvent?(event: string, payload: unknown): void;
}
