// Made by generate.mjs from the extension and the bridge: do not edit. The commands, routes and events, and what they carry.

export type ActivityVisibility = 'public' | 'followers' | 'session' | 'users' | 'private';
export type DeviceType = 'desktop' | 'mobile' | 'tablet' | 'web' | 'other';
export type MergePolicy = 'text' | 'json' | 'cas' | 'append';
export type ParticipantRole = 'viewer' | 'editor' | 'owner';
export type PresenceMode = 'auto' | 'away' | 'busy' | 'invisible';
export type PresenceStatus = 'online' | 'away' | 'busy' | 'offline';

/** A row of live.presence. */
export interface Presence {
  user_id: string;
  status: PresenceStatus;
  mode: PresenceMode;
  custom_status: string | null;
  device_type: DeviceType;
  connections: number;
  last_active_at: string | null;
  last_seen_at: string | null;
  metadata: unknown;
}

/** A row of live.get_online_users. */
export interface OnlineUser {
  user_id: string;
  status: PresenceStatus;
  custom_status: string | null;
  device_type: DeviceType;
  last_seen_at: string | null;
}

/** A row of live.get_feed_activities. */
export interface Activity {
  id: number;
  user_id: string;
  activity_type: string;
  entity_type: string | null;
  entity_id: string | null;
  metadata: unknown;
  visibility: ActivityVisibility;
  session_id: string | null;
  created_at: string;
  cursor: string;
}

/** A row of live.get_notifications. */
export interface Notification {
  id: number;
  user_id: string;
  activity_type: string;
  entity_type: string | null;
  entity_id: string | null;
  metadata: unknown;
  visibility: ActivityVisibility;
  session_id: string | null;
  created_at: string;
  cursor: string;
  seen: boolean;
  read: boolean;
}

/** A row of live.get_feed_groups. */
export interface FeedGroup {
  group_key: string;
  activity_type: string;
  entity_type: string | null;
  entity_id: string | null;
  actor_count: number;
  actors: string[];
  activity_count: number;
  latest_at: string;
  unread: boolean;
  cursor: string;
}

/** A row of live.get_trending. */
export interface TrendingEntity {
  entity_type: string;
  entity_id: string;
  score: number;
}

/** A row of live.get_sessions. */
export interface SessionSummary {
  session_id: string;
  room_name: string;
  policy: MergePolicy;
  role: ParticipantRole | null;
  head: number;
  active_participants: number;
  updated_at: string;
  cursor: string;
}

/** A row of live.get_operations. */
export interface LoggedOperation {
  version: number;
  user_id: string;
  client_id: string;
  operation: unknown;
  created_at: string;
}

/** Who is in a session. */
export interface Participant {
  user_id: string;
  role: ParticipantRole;
  joined_at: string;
  is_active: boolean;
}

/** Where a participant is, in the app's own words; null: nowhere any more. */
export interface SessionCursor {
  user_id: string;
  client_id: string | null;
  cursor: unknown;
}

/** The state of a session, as live.get_session() returns it. */
export interface SessionDetails {
  session_id: string;
  room_name: string;
  policy: MergePolicy;
  head: number;
  is_read_only: boolean;
  role: ParticipantRole;
  document: unknown;
  participants: Participant[];
  cursors: SessionCursor[];
  position: string | null;
  snapshot?: string | null;
  snapshot_version?: number | null;
  operations?: LoggedOperation[];
}

/** What became of a submission, as live.submit_operations() returns it. */
export interface Submitted {
  status: 'accepted' | 'stale' | 'duplicate';
  head: number;
  first_version?: number;
  last_version?: number;
  operations?: LoggedOperation[];
}

/** A change of a user's presence. */
export interface PresenceChange {
  user_id: string;
  status: PresenceStatus;
  previous_status: PresenceStatus;
  custom_status: string | null;
  device_type: DeviceType;
  last_seen_at: string | null;
}

/** Events by name. On a topic of the app's own there are others. */
export interface Events {
  'presence:update': PresenceChange;
  'typing:indicator': { location: string; user_ids: string[] };
  'activity:new': Activity;
  'activity:deleted': { id: number };
  'notification:new': Activity;
  'notification:count': { unread: number };
  'access:revoked': { topic: string; reason: string };
  'collab:user_joined': { session_id: string; user_id: string; role: ParticipantRole };
  'collab:user_left': { session_id: string; user_id: string; role: ParticipantRole };
  'collab:user_changed': { session_id: string; user_id: string; role: ParticipantRole; is_active: boolean };
  'collab:edit': { session_id: string; version: number; user_id: string; client_id: string; operation: unknown };
  'collab:cursor': SessionCursor & { session_id: string };
  'collab:cursors': { session_id: string; cursors: SessionCursor[] };
  'collab:ended': { session_id: string };
}

/** Commands, pushed on a channel. */
export interface Commands {
  'presence:update': { arguments: { mode?: PresenceMode; status?: PresenceStatus; custom_status?: string; device_type?: DeviceType; metadata?: unknown }; answer: Presence };
  'typing:indicator': { arguments: { location?: string; is_typing?: boolean }; answer: null };
  'heartbeat': { arguments: { device_type?: DeviceType; active?: boolean }; answer: Presence };
  'activity:new': { arguments: { activity_type: string; entity_type?: string; entity_id?: string; metadata?: unknown; visibility?: ActivityVisibility; is_public?: boolean; session_id?: string; audience?: readonly string[]; idempotency_key?: string; user_id?: string }; answer: Activity };
  'activity:delete': { arguments: { id: number }; answer: null };
  'activity:seen': { arguments: { up_to?: number }; answer: null };
  'activity:read': { arguments: { ids?: readonly number[] }; answer: null };
  'follow': { arguments: { user_id: string }; answer: null };
  'unfollow': { arguments: { user_id: string }; answer: null };
  'collab:join': { arguments: { room_name?: string; session_id?: string; create_if_missing?: boolean }; answer: SessionDetails };
  'collab:leave': { arguments: { session_id?: string }; answer: null };
  'collab:edit': { arguments: { session_id?: string; base_version: number; operations: readonly unknown[]; client_id: string; key?: string }; answer: Submitted };
  'collab:cursor': { arguments: { session_id?: string; cursor: object | null; client_id?: string }; answer: null };
  'collab:snapshot': { arguments: { session_id?: string; version: number; snapshot: string }; answer: null };
  'collab:operations': { arguments: { session_id?: string; after_version?: number; limit?: number }; answer: { operations: LoggedOperation[]; head: number | null } };
}

/** Routes, by HTTP. */
export interface Routes {
  'PATCH /api/presence': { arguments: { mode?: PresenceMode; status?: PresenceStatus; custom_status?: string; device_type?: DeviceType; metadata?: unknown }; answer: Presence };
  'GET /api/presence': { arguments: { user_id?: string }; answer: Presence | null };
  'DELETE /api/presence': { arguments: { connection_id?: string }; answer: null };
  'GET /api/presence/online': { arguments: { limit?: number; cursor?: string; status?: string }; answer: { users: OnlineUser[]; next: string | null } };
  'POST /api/activity': { arguments: { activity_type: string; entity_type?: string; entity_id?: string; metadata?: unknown; visibility?: ActivityVisibility; is_public?: boolean; session_id?: string; audience?: readonly string[]; idempotency_key?: string; user_id?: string }; answer: Activity };
  'DELETE /api/activity': { arguments: { id: number }; answer: null };
  'POST /api/activity/seen': { arguments: { up_to?: number }; answer: null };
  'POST /api/activity/read': { arguments: { ids?: readonly number[] }; answer: null };
  'POST /api/follow': { arguments: { user_id: string }; answer: null };
  'DELETE /api/follow': { arguments: { user_id: string }; answer: null };
  'GET /api/activity': { arguments: { limit?: number; cursor?: string; type?: string; actor?: string; user_id?: string; metadata?: string; entity_type?: string; entity_id?: string; session_id?: string; since?: string; until?: string; direction?: 'forwards' | 'backwards' }; answer: { activities: Activity[]; next: string | null } };
  'GET /api/activity/home': { arguments: { limit?: number; cursor?: string; type?: string }; answer: { activities: Activity[]; next: string | null } };
  'GET /api/activity/notifications': { arguments: { limit?: number; cursor?: string }; answer: { activities: Notification[]; next: string | null; unread: number } };
  'GET /api/activity/groups': { arguments: { limit?: number; cursor?: string; grouping?: string }; answer: { groups: FeedGroup[]; next: string | null } };
  'GET /api/activity/trending': { arguments: { entity_type?: string; limit?: number }; answer: { entities: TrendingEntity[] } };
  'POST /api/collaboration/join': { arguments: { room_name?: string; session_id?: string; create_if_missing?: boolean }; answer: SessionDetails };
  'POST /api/collaboration/leave': { arguments: { session_id?: string }; answer: null };
  'POST /api/collaboration/edit': { arguments: { session_id?: string; base_version: number; operations: readonly unknown[]; client_id: string; key?: string }; answer: Submitted };
  'POST /api/collaboration/snapshot': { arguments: { session_id?: string; version: number; snapshot: string }; answer: null };
  'GET /api/collaboration/operations': { arguments: { session_id?: string; after_version?: number; limit?: number }; answer: { operations: LoggedOperation[]; head: number | null } };
  'GET /api/collaboration/session': { arguments: { session_id?: string }; answer: SessionDetails };
  'GET /api/collaboration/document': { arguments: { session_id?: string; version?: number }; answer: { session_id: string; version: number; document: string } };
  'GET /api/collaboration/sessions': { arguments: { limit?: number; cursor?: string; mine?: boolean }; answer: { sessions: SessionSummary[]; next: string | null } };
}
