// Owns what a session and an editor tell each other.

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
  cursors?: readonly Cursor[];
}

/** Where a participant is, in the app's own words; null: nowhere any more. */
export interface Cursor {
  user_id: string;
  client_id: string | null;
  cursor: unknown;
}

export interface Operation {
  version: number;
  user_id: string;
  client_id: string;
  operation: unknown;
}

export interface Submission {
  /** Version of the log upon which the operations stand, one upon the other. */
  base_version: number;
  operations: readonly unknown[];
  /** Edits that the operations were made of, if they are more than one each. */
  edits?: number;
}

/** What live.submit_operations() returns. */
export interface Answer {
  status: 'accepted' | 'stale' | 'duplicate';
  head: number;
  last_version?: number;
  operations?: Operation[];
}

/** What the command collab:operations returns. */
export interface LogPage {
  operations: Operation[];
  /** null for one who may not read the session. */
  head: number | null;
}

/** What a session needs of an editor. */
export interface Editor {
  /** The log has every edit. */
  readonly isSaved: boolean;
  /** What the log lacks, or null: the first edits, at most `most` of them. */
  pending(most: number): Submission | null;
  receive(operation: Operation): void;
  /**
   * The log has nothing of what was submitted, and will not take the first `count` edits: takes them out, with what they
   * changed, and returns them. Null if that cannot be done. With 0, less is submitted the next time.
   */
  refuse(count: number): readonly unknown[] | null;
  /** The database has what was submitted, whether or not the log will bring it back. */
  acknowledged?(): void;
  /** The editor has received all of the log. */
  caughtUp?(): void;
  /** The document of the log at the version received last, for those who join; null: the editor has more than that. Of cas and append. */
  snapshot?(): Uint8Array | null;
}

/** `joined`: operations flow. `waiting`: the session tries again by itself. `ended`: it does not, for the reason given. */
export type ConnectionState = 'waiting' | 'joined' | 'ended';

/** What else wants to know of a session. */
export interface Listener {
  /** Before the editor receives the operation. */
  operation?(operation: Operation): void;
  event?(name: string, payload: unknown): void;
  connection?(state: ConnectionState): void;
}

/** In JSON without spaces; the database counts them. */
const mostBytes = 160_000;

/** The first operations, at least one, that fit one submission: the database takes 256 kB as it writes them. */
export function fitting<Operation>(operations: readonly Operation[]): readonly Operation[] {
  let bytes = 0;
  const end = operations.findIndex((operation, at) => {
    bytes += new TextEncoder().encode(JSON.stringify(operation)).length;
    return at > 0 && bytes > mostBytes;
  });
  return end < 0 ? operations : operations.slice(0, end);
}
