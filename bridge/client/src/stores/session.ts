// Owns the session a page is in: who takes part, where they are, and the operations since it was joined.
// The document of an editor is none of this store's: see Session and the bindings for editors.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LiveClient } from '../core/client';
import type { Unsubscribe } from '../core/emitter';
import { uniqueId } from '../core/unique_id';
import type { Events, Participant, SessionCursor, SessionDetails, Submitted } from '../core/contract';
import type { LiveEvent } from '../core/topic';
import { acting, loaded, notLoaded, type LoadState } from './load_state';

export type Edit = Events['collab:edit'];

export interface SessionState extends LoadState {
  session: SessionDetails | null;
  participants: readonly Participant[];
  cursors: readonly SessionCursor[];
  /** The newest operations since the session was joined, the oldest first. */
  edits: readonly Edit[];
  head: number;
  join(room: { room_name: string; create_if_missing?: boolean } | { session_id: string }): Promise<SessionDetails>;
  leave(): Promise<void>;
  /** Submits operations made upon `baseVersion`, the head if not given. */
  sendEdit(operations: readonly unknown[], baseVersion?: number): Promise<Submitted>;
  updateCursor(cursor: object | null): Promise<void>;
}

export type SessionStore = StoreApi<SessionState>;

const mostEdits = 1000;
const nowhere = { session: null, participants: [], cursors: [], edits: [], head: 0 };

const withCursors = (known: readonly SessionCursor[], told: readonly SessionCursor[]): readonly SessionCursor[] => [
  ...known.filter((each) => !told.some(({ user_id, client_id }) => each.user_id === user_id && each.client_id === client_id)),
  ...told.filter(({ cursor }) => cursor !== null),
];

export function createSessionStore(client: LiveClient): SessionStore {
  const clientId = uniqueId();
  let key = 0;
  let end: Unsubscribe = () => {};

  function withParticipant({ user_id, role, is_active }: Events['collab:user_changed']): void {
    const others = store.getState().participants.filter((each) => each.user_id !== user_id);
    const known = store.getState().participants.find((each) => each.user_id === user_id);
    store.setState({ participants: [...others, { user_id, role, is_active, joined_at: known?.joined_at ?? new Date().toISOString() }] });
  }

  function hear({ event, payload }: LiveEvent): void {
    const state = store.getState();
    if (event === 'collab:user_joined') withParticipant({ ...(payload as Events['collab:user_joined']), is_active: true });
    if (event === 'collab:user_changed') withParticipant(payload as Events['collab:user_changed']);
    if (event === 'collab:user_left') {
      const { user_id } = payload as Events['collab:user_left'];
      store.setState({ participants: state.participants.filter((each) => each.user_id !== user_id), cursors: state.cursors.filter((each) => each.user_id !== user_id) });
    }
    if (event === 'collab:cursor') store.setState({ cursors: withCursors(state.cursors, [payload as SessionCursor]) });
    if (event === 'collab:cursors') store.setState({ cursors: withCursors(state.cursors, (payload as Events['collab:cursors']).cursors) });
    if (event === 'collab:edit') {
      const edit = payload as Edit;
      if (edit.version > state.head) store.setState({ edits: [...state.edits, edit].slice(-mostEdits), head: edit.version });
    }
    if (event === 'collab:ended') {
      end();
      store.setState({ ...nowhere, error: new Error('the session has ended') });
    }
  }

  const current = () => {
    const { session } = store.getState();
    if (!session) throw new Error('no session is joined');
    return session.session_id;
  };

  const store: SessionStore = createStore<SessionState>(() => ({
    ...notLoaded,
    ...nowhere,
    async join(room) {
      end();
      store.setState({ ...nowhere, status: 'loading' });
      const { value } = await acting(
        store,
        () => client.request('POST /api/collaboration/join', room),
        () => store.setState({ status: 'error' }),
      );
      store.setState({ session: value, participants: value.participants, cursors: value.cursors ?? [], head: value.head, ...loaded });
      end = client.subscribe(
        `session:${value.session_id}`,
        { event: hear, refused: (error) => store.setState({ ...nowhere, status: 'error', error }) },
        value.position,
      );
      return value;
    },
    async leave() {
      const { session } = store.getState();
      if (!session) return;
      end(); // the bridge would end it, and say that there is no right any more
      await acting(store, () => client.request('POST /api/collaboration/leave', { session_id: session.session_id }));
      store.setState({ ...nowhere, ...notLoaded });
    },
    sendEdit: (operations, baseVersion) =>
      acting(store, async () => {
        const session_id = current();
        const given = { session_id, base_version: baseVersion ?? store.getState().head, operations, client_id: clientId, key: String(++key) };
        return (await client.request('POST /api/collaboration/edit', given)).value;
      }),
    updateCursor: (cursor) =>
      acting(store, async () => {
        await client.push(`session:${current()}`, 'collab:cursor', { cursor, client_id: clientId });
      }),
  }));
  return store;
}
