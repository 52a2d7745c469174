// Owns the one store for apps that want a single one: the states of all stores by the names of an app, and their actions.
// It holds nothing of its own; each part is that of the store that owns it.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ConnectionState } from '../core/client';
import type { Activity, Notification, Participant, Presence, SessionCursor, SessionDetails, Submitted } from '../core/contract';
import type { Edit, SessionState } from './session';
import type { FeedFilter, NewActivity } from './feed';
import type { Live } from './live';
import { onlineUsers, type PresenceUpdate, type UserPresence } from './presence';

export interface LiveState {
  connectionState: ConnectionState;
  isConnected: boolean;
  userId: string | null;
  presence: Presence | null;
  onlineUsers: readonly UserPresence[];
  typingUsers: Readonly<Record<string, readonly string[]>>;
  activities: readonly Activity[];
  hasMoreActivities: boolean;
  isLoadingActivities: boolean;
  notifications: readonly Notification[];
  unreadCount: number;
  currentSession: SessionDetails | null;
  participants: readonly Participant[];
  cursors: readonly SessionCursor[];
  edits: readonly Edit[];
  /** The last failure of each part. */
  errors: { connection: Error | null; presence: Error | null; typing: Error | null; activities: Error | null; notifications: Error | null; session: Error | null };

  connect(): Promise<void>;
  disconnect(): void;
  updatePresence(change: PresenceUpdate): Promise<Presence>;
  fetchPresence(userId: string): Promise<UserPresence>;
  fetchOnlineUsers(): Promise<void>;
  goOffline(): Promise<void>;
  watchTyping(location: string): () => void;
  setTyping(location: string, isTyping: boolean): void;
  fetchActivities(filter?: FeedFilter): Promise<void>;
  loadMoreActivities(): Promise<void>;
  addActivity(activity: NewActivity): Promise<Activity>;
  removeActivity(id: number): Promise<void>;
  follow(userId: string): Promise<void>;
  unfollow(userId: string): Promise<void>;
  fetchNotifications(): Promise<void>;
  loadMoreNotifications(): Promise<void>;
  markRead(ids: readonly number[]): Promise<void>;
  markAllRead(): Promise<void>;
  markSeen(upTo?: number): Promise<void>;
  joinSession(room: Parameters<SessionState['join']>[0]): Promise<SessionDetails>;
  leaveSession(): Promise<void>;
  sendEdit(operations: readonly unknown[], baseVersion?: number): Promise<Submitted>;
  updateCursor(cursor: object | null): Promise<void>;
  clearErrors(): void;
}

export type LiveStore = StoreApi<LiveState>;

export function createLiveStore(live: Live): LiveStore {
  const { client, connection, presence, typing, notifications, session } = live;
  const feed = live.feed();

  const parts = {
    connection: () => ({ connectionState: connection.getState().state, isConnected: connection.getState().state === 'online', userId: connection.getState().userId }),
    presence: () => ({ presence: presence.getState().me, onlineUsers: onlineUsers(presence.getState()) }),
    typing: () => ({ typingUsers: Object.fromEntries(typing.getState().users) }),
    activities: () => {
      const { activities, hasMore, status, isLoadingMore } = feed.getState();
      return { activities, hasMoreActivities: hasMore, isLoadingActivities: status === 'loading' || isLoadingMore };
    },
    notifications: () => ({ notifications: notifications.getState().notifications, unreadCount: notifications.getState().unread }),
    session: () => {
      const { session: currentSession, participants, cursors, edits } = session.getState();
      return { currentSession, participants, cursors, edits };
    },
  };
  const stores = { connection, presence, typing, activities: feed, notifications, session };
  const names = Object.keys(stores) as (keyof typeof stores)[];
  const errors = () => Object.fromEntries(names.map((name) => [name, stores[name].getState().error])) as LiveState['errors'];

  const store = createStore<LiveState>(() => ({
    ...parts.connection(), ...parts.presence(), ...parts.typing(), ...parts.activities(), ...parts.notifications(), ...parts.session(),
    errors: errors(),
    connect: () => client.connect(),
    disconnect: () => live.disconnect(),
    updatePresence: (change) => presence.getState().update(change),
    fetchPresence: (userId) => presence.getState().fetch(userId),
    fetchOnlineUsers: () => presence.getState().fetchOnline(),
    goOffline: () => presence.getState().goOffline(),
    watchTyping: (location) => typing.getState().watch(location),
    setTyping: (location, isTyping) => typing.getState().setTyping(location, isTyping),
    fetchActivities: (filter) => feed.getState().fetch(filter),
    loadMoreActivities: () => feed.getState().loadMore(),
    addActivity: (activity) => feed.getState().add(activity),
    removeActivity: (id) => feed.getState().remove(id),
    follow: async (user_id) => void (await client.request('POST /api/follow', { user_id })),
    unfollow: async (user_id) => void (await client.request('DELETE /api/follow', { user_id })),
    fetchNotifications: () => notifications.getState().fetch(),
    loadMoreNotifications: () => notifications.getState().loadMore(),
    markRead: (ids) => notifications.getState().markRead(ids),
    markAllRead: () => notifications.getState().markAllRead(),
    markSeen: (upTo) => notifications.getState().markSeen(upTo),
    joinSession: (room) => session.getState().join(room),
    leaveSession: () => session.getState().leave(),
    sendEdit: (operations, baseVersion) => session.getState().sendEdit(operations, baseVersion),
    updateCursor: (cursor) => session.getState().updateCursor(cursor),
    clearErrors() {
      for (const name of names) (stores[name] as StoreApi<{ error: Error | null }>).setState({ error: null });
    },
  }));

  for (const name of names) {
    (stores[name] as StoreApi<{ error: Error | null }>).subscribe((state, before) => {
      store.setState({ ...parts[name](), ...(state.error === before.error ? {} : { errors: errors() }) });
    });
  }
  return store;
}
