// The stores, of zustand/vanilla: states with actions, for any framework or none.
export { createConnectionStore, type Connection, type ConnectionStore } from './connection';
export { createFeedStore, type FeedFilter, type FeedOptions, type FeedState, type FeedStore, type NewActivity } from './feed';
export { connect, Live, provide, providedLive } from './live';
export { createLiveStore, type LiveState, type LiveStore } from './live_store';
export type { LoadState, LoadStatus } from './load_state';
export { createNotificationsStore, type NotificationsState, type NotificationsStore } from './notifications';
export { createPresenceStore, onlineUsers, type PresenceState, type PresenceStore, type PresenceUpdate, type UserPresence } from './presence';
export { createSessionStore, type Edit, type SessionState, type SessionStore } from './session';
export { createTypingStore, type TypingState, type TypingStore } from './typing';
