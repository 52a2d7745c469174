// Owns the notifications of the user, and how many are unread, which outlives a reload: it is shown before the first answer.
import { persist, type PersistStorage } from 'zustand/middleware';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LiveClient } from '../core/client';
import type { Activity, Notification } from '../core/contract';
import { LiveQuery } from '../core/query';
import { acting, failed, loaded, loading, notLoaded, type LoadState } from './load_state';

export interface NotificationsState extends LoadState {
  notifications: readonly Notification[];
  unread: number;
  of: string | null;
  hasMore: boolean;
  fetch(): Promise<void>;
  loadMore(): Promise<void>;
  markRead(ids: readonly number[]): Promise<void>;
  markAllRead(): Promise<void>;
  markSeen(upTo?: number): Promise<void>;
  stop(): void;
}

export type NotificationsStore = StoreApi<NotificationsState>;

interface Kept {
  unread: number;
  /** Whose number it is. */
  of: string | null;
}

/** localStorage, where there is one that takes it; a page that may not store counts without. */
function storage(client: LiveClient): PersistStorage<Kept> {
  const attempt = <Value>(work: () => Value): Value | null => {
    try {
      return typeof localStorage === 'undefined' ? null : work();
    } catch {
      client.report('the number of unread notifications is not kept: the storage of the browser is full or forbidden');
      return null;
    }
  };
  return {
    getItem: (name) => attempt(() => JSON.parse(localStorage.getItem(name) ?? 'null')),
    setItem: (name, value) => void attempt(() => localStorage.setItem(name, JSON.stringify(value))),
    removeItem: (name) => void attempt(() => localStorage.removeItem(name)),
  };
}

export function createNotificationsStore(client: LiveClient): NotificationsStore {
  let cursor: string | null = null;
  const ask = (from: string | null) => client.request('GET /api/activity/notifications', { limit: 50, ...(from === null ? {} : { cursor: from }) });

  const query = new LiveQuery<{ activities: Notification[]; next: string | null; unread: number }>(client, {
    topics: () => (client.userId === null ? [] : [`user:${client.userId}`]),
    load: () => ask(null),
    loading: () => store.setState(loading),
    loaded: ({ activities, next, unread }) => {
      cursor = next;
      store.setState({ notifications: activities, hasMore: next !== null, unread, ...loaded });
    },
    event: ({ event, payload }) => {
      if (event === 'notification:count') {
        const { unread } = payload as { unread: unknown };
        if (typeof unread !== 'number') throw new Error('unread is no number');
        store.setState({ unread });
      }
      if (event !== 'notification:new') return;
      const { notifications } = store.getState();
      const activity = payload as Activity;
      if (notifications.some(({ id }) => id === activity.id)) return;
      store.setState({ notifications: [{ ...activity, seen: false, read: false }, ...notifications], unread: store.getState().unread + 1 });
    },
    failed: (error) => store.setState((before) => failed(before, error)),
  });

  /** Shows what was read before the answer, and takes it back if that is refused. */
  async function read(isMeant: (notification: Notification) => boolean, unread: number, ids?: readonly number[]): Promise<void> {
    const before = store.getState();
    store.setState({ notifications: before.notifications.map((each) => (isMeant(each) ? { ...each, read: true, seen: true } : each)), unread });
    const undo = () => store.setState({ notifications: before.notifications, unread: before.unread });
    await acting(store, () => client.request('POST /api/activity/read', ids ? { ids } : {}), undo);
  }

  const initial: NotificationsState = {
    ...notLoaded,
    notifications: [],
    unread: 0,
    of: client.userId,
    hasMore: false,
    async fetch() {
      if (client.userId === null) await client.token().catch(() => {});
      if (store.getState().status === 'idle') query.start();
      else await query.reload();
    },
    async loadMore() {
      if (cursor === null) return;
      const { value } = await acting(store, () => ask(cursor));
      cursor = value.next;
      store.setState({ notifications: [...store.getState().notifications, ...value.activities], hasMore: cursor !== null });
    },
    markRead(ids) {
      const { notifications, unread } = store.getState();
      const fewer = notifications.filter(({ id, read: isRead }) => !isRead && ids.includes(id)).length;
      return read(({ id }) => ids.includes(id), Math.max(0, unread - fewer), ids);
    },
    markAllRead: () => read(() => true, 0),
    async markSeen(upTo) {
      await acting(store, () => client.request('POST /api/activity/seen', upTo === undefined ? {} : { up_to: upTo }));
      store.setState({ notifications: store.getState().notifications.map((each) => (upTo === undefined || each.id <= upTo ? { ...each, seen: true } : each)) });
    },
    stop: () => query.stop(),
  };

  const store: NotificationsStore = createStore<NotificationsState>()(
    persist(() => initial, { name: 'pg_live:unread', storage: storage(client), partialize: ({ unread, of }): Kept => ({ unread, of }) }),
  );
  const show = (userId: string | null) => store.setState(({ of, unread }) => ({ of: userId, unread: of === userId ? unread : 0 }));
  if (client.userId !== null) show(client.userId);
  client.on('user', show);
  return store;
}
