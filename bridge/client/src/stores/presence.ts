// Owns who is online, and the presence of the users who are shown.
// All of the list, a request for one user and an event carry the resulting state, and may arrive in another order than they were
// read. Invariant: a row is replaced by one of a later position alone.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LiveClient } from '../core/client';
import type { DeviceType, OnlineUser, Presence, PresenceChange, PresenceMode, PresenceStatus } from '../core/contract';
import { isAfter } from '../core/position';
import { LiveQuery } from '../core/query';
import { acting, failed, loaded, loading, notLoaded, type LoadState } from './load_state';

export interface UserPresence {
  user_id: string;
  status: PresenceStatus;
  custom_status: string | null;
  device_type: DeviceType;
  last_seen_at: string | null;
}

export interface PresenceUpdate {
  mode?: PresenceMode;
  custom_status?: string;
  device_type?: DeviceType;
  metadata?: unknown;
}

export interface PresenceState extends LoadState {
  users: ReadonlyMap<string, UserPresence>;
  /** One's own, with the mode; null: not known yet. */
  me: Presence | null;
  /** Shows the change before the answer, and takes it back if it is refused. */
  update(change: PresenceUpdate): Promise<Presence>;
  /** One user, who is kept up to date from then on. */
  fetch(userId: string): Promise<UserPresence>;
  fetchOnline(): Promise<void>;
  goOffline(): Promise<void>;
}

export type PresenceStore = StoreApi<PresenceState>;

const page = 1000;
const mostUsers = 10_000;
const shownAs: Record<PresenceMode, PresenceStatus> = { auto: 'online', away: 'away', busy: 'busy', invisible: 'offline' };

const unknownUser = (user_id: string): UserPresence => ({ user_id, status: 'offline', custom_status: null, device_type: 'other', last_seen_at: null });

/** Online before away before busy, then by id. */
const order: Record<PresenceStatus, number> = { online: 0, busy: 1, away: 2, offline: 3 };
export const byStatus = (one: UserPresence, other: UserPresence): number =>
  order[one.status] - order[other.status] || (one.user_id < other.user_id ? -1 : 1);

export const onlineUsers = ({ users }: { users: PresenceState['users'] }): UserPresence[] =>
  [...users.values()].filter(({ status }) => status !== 'offline').sort(byStatus);

export function createPresenceStore(client: LiveClient): PresenceStore {
  const asked = new Map<string, Promise<UserPresence>>();
  const positions = new Map<string, string>();
  /** `position`: of the event or the snapshot; null: of an answer, which is newer than what was asked before. */
  const put = (users: readonly UserPresence[], position: string | null): PresenceState['users'] => {
    const all = new Map(store.getState().users);
    for (const { user_id, status, custom_status, device_type, last_seen_at } of users) {
      const known = positions.get(user_id);
      if (position !== null && known !== undefined && isAfter(known, position)) continue;
      if (position !== null) positions.set(user_id, position);
      all.set(user_id, { user_id, status, custom_status, device_type, last_seen_at });
    }
    return all;
  };

  async function load() {
    const users: OnlineUser[] = [];
    let cursor: string | null = null;
    let position: string | null = null;
    do {
      const answer: { value: { users: OnlineUser[]; next: string | null }; position: string | null } =
        await client.request('GET /api/presence/online', { limit: page, ...(cursor === null ? {} : { cursor }) });
      users.push(...answer.value.users);
      position ??= answer.position;
      cursor = answer.value.next;
    } while (cursor !== null && users.length < mostUsers);
    const { value: me } = await client.request('GET /api/presence', {});
    return { value: { users, me, position }, position };
  }

  const query = new LiveQuery<{ users: OnlineUser[]; me: Presence | null; position: string | null }>(client, {
    topics: () => ['presence'],
    load,
    loading: () => store.setState(loading),
    loaded: ({ users, me, position }) => {
      const online = new Set(users.map(({ user_id }) => user_id));
      const gone = [...store.getState().users.values()].filter(({ user_id }) => !online.has(user_id)).map((user) => ({ ...user, status: 'offline' as const }));
      store.setState({ users: put([...users, ...gone], position), me, ...loaded });
    },
    event: ({ event, payload, position }) => {
      if (event !== 'presence:update') return;
      const change = payload as PresenceChange;
      const { me } = store.getState();
      if (typeof change.user_id !== 'string') throw new Error('it names no user');
      store.setState({ users: put([change], position), ...(me?.user_id === change.user_id ? { me: { ...me, status: change.status, custom_status: change.custom_status } } : {}) });
    },
    failed: (error) => store.setState((before) => failed(before, error)),
  });

  async function fetch(userId: string): Promise<UserPresence> {
    const { value, position } = await client.request('GET /api/presence', { user_id: userId });
    store.setState({ users: put([value ?? unknownUser(userId)], position) });
    return store.getState().users.get(userId)!;
  }

  const store: PresenceStore = createStore<PresenceState>(() => ({
    ...notLoaded,
    users: new Map(),
    me: null,
    async update(change) {
      const before = store.getState();
      if (before.me) {
        const me = { ...before.me, ...change, ...(change.mode ? { status: shownAs[change.mode] } : {}) } as Presence;
        store.setState({ me, users: put([me], null) });
      }
      const undo = () => {
        const users = new Map(store.getState().users);
        const old = before.me && before.users.get(before.me.user_id);
        if (old) users.set(old.user_id, old);
        store.setState({ me: before.me, users });
      };
      const { value } = await acting(store, () => client.request('PATCH /api/presence', change), undo);
      store.setState({ me: value, users: put([value], null) });
      return value;
    },
    fetch(userId) {
      const pending = asked.get(userId) ?? acting(store, () => fetch(userId)).finally(() => asked.delete(userId));
      asked.set(userId, pending);
      return pending;
    },
    async fetchOnline() {
      if (store.getState().status === 'idle') query.start();
      else await query.reload();
    },
    async goOffline() {
      await acting(store, () => client.request('DELETE /api/presence', {}));
    },
  }));
  return store;
}
