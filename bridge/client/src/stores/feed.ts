// Owns a feed: its activities newest first, the pages behind them, and those that happen meanwhile.
// Invariant: an activity is in the list once, by its id; what was added and has no answer yet has a negative id.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LiveClient } from '../core/client';
import type { Activity } from '../core/contract';
import { LiveQuery } from '../core/query';
import type { Arguments } from '../core/request';
import { uniqueId } from '../core/unique_id';
import { acting, failed, loaded, loading, notLoaded, type LoadState } from './load_state';

export interface FeedFilter {
  types?: readonly string[];
  actor?: string;
  entityType?: string;
  entityId?: string;
  sessionId?: string;
}

export interface FeedOptions extends FeedFilter {
  pageSize?: number;
  /** Topics that tell of new activities, if others than the feed of everyone and one's own. */
  topics?: readonly string[];
}

export type NewActivity = Omit<Arguments<'POST /api/activity'>, 'user_id' | 'is_public'>;

export interface FeedState extends LoadState {
  activities: readonly Activity[];
  filter: FeedFilter;
  hasMore: boolean;
  isLoadingMore: boolean;
  fetch(filter?: FeedFilter): Promise<void>;
  loadMore(): Promise<void>;
  /** Shows it at once, and takes it back if it is refused. */
  add(activity: NewActivity): Promise<Activity>;
  remove(id: number): Promise<void>;
  stop(): void;
}

export type FeedStore = StoreApi<FeedState>;

const mostActivities = 20_000;

export function matches(activity: Activity, { types, actor, entityType, entityId, sessionId }: FeedFilter): boolean {
  return (
    (!types?.length || types.includes(activity.activity_type)) &&
    (actor === undefined || activity.user_id === actor) &&
    (entityType === undefined || activity.entity_type === entityType) &&
    (entityId === undefined || activity.entity_id === entityId) &&
    (sessionId === undefined || activity.session_id === sessionId)
  );
}

/** Newest first, as the feed orders: by time, then by id. Those without an answer stand first. */
const isNewer = (one: Activity, other: Activity): boolean =>
  one.id < 0 !== other.id < 0 ? one.id < 0 : one.created_at !== other.created_at ? one.created_at > other.created_at : one.id > other.id;

/** The list with one more in its place; the same list if it is there. */
export function withActivity(list: readonly Activity[], activity: Activity): readonly Activity[] {
  if (list.some(({ id }) => id === activity.id)) return list;
  let at = 0;
  while (at < list.length && isNewer(list[at]!, activity)) at++;
  return [...list.slice(0, at), activity, ...list.slice(at)].slice(0, mostActivities);
}

export function createFeedStore(client: LiveClient, options: FeedOptions = {}): FeedStore {
  const limit = options.pageSize ?? 50;
  let cursor: string | null = null;
  let drafts = 0;

  const ask = (from: string | null) => {
    const { types, actor, entityType, entityId, sessionId } = store.getState().filter;
    return client.request('GET /api/activity', {
      limit,
      ...(from === null ? {} : { cursor: from }),
      ...(types?.length ? { type: types.join(',') } : {}),
      ...(actor === undefined ? {} : { actor }),
      ...(entityType === undefined ? {} : { entity_type: entityType }),
      ...(entityId === undefined ? {} : { entity_id: entityId }),
      ...(sessionId === undefined ? {} : { session_id: sessionId }),
    });
  };
  const without = (id: number) => store.getState().activities.filter((each) => each.id !== id);
  const put = (activity: Activity) => store.setState(({ activities }) => ({ activities: withActivity(activities, activity) }));

  const query = new LiveQuery<{ activities: Activity[]; next: string | null }>(client, {
    topics: () => options.topics ?? ['activity', ...(client.userId === null ? [] : [`user:${client.userId}`])],
    async load() {
      await client.token();
      return ask(null);
    },
    loading: () => store.setState(loading),
    loaded: ({ activities, next }) => {
      cursor = next;
      store.setState({ activities: [...store.getState().activities.filter(({ id }) => id < 0), ...activities], hasMore: next !== null, ...loaded });
    },
    event: ({ event, payload }) => {
      const activity = payload as Activity;
      if (event !== 'activity:new' && event !== 'activity:deleted') return;
      if (typeof activity.id !== 'number') throw new Error('it has no id');
      if (event === 'activity:deleted') store.setState({ activities: without(activity.id) });
      else if (matches(activity, store.getState().filter)) put(activity);
    },
    failed: (error) => store.setState((before) => failed(before, error)),
  });

  const store: FeedStore = createStore<FeedState>(() => ({
    ...notLoaded,
    activities: [],
    filter: options,
    hasMore: false,
    isLoadingMore: false,
    async fetch(filter) {
      if (filter) store.setState({ filter, activities: [], status: 'idle' });
      if (client.userId === null) await client.token().catch(() => {}); // the topics have the user's name
      query.start();
      if (filter) await query.reload();
    },
    async loadMore() {
      if (cursor === null || store.getState().isLoadingMore) return;
      store.setState({ isLoadingMore: true });
      try {
        const { value } = await acting(store, () => ask(cursor));
        cursor = value.next;
        const known = new Set(store.getState().activities.map(({ id }) => id));
        const more = value.activities.filter(({ id }) => !known.has(id));
        store.setState({ activities: [...store.getState().activities, ...more], hasMore: cursor !== null });
      } finally {
        store.setState({ isLoadingMore: false });
      }
    },
    async add(given) {
      const draft: Activity = {
        id: -++drafts, user_id: client.userId ?? '', activity_type: given.activity_type, entity_type: given.entity_type ?? null,
        entity_id: given.entity_id ?? null, metadata: given.metadata ?? {}, visibility: given.visibility ?? 'public',
        session_id: given.session_id ?? null, created_at: new Date().toISOString(), cursor: '',
      };
      if (matches(draft, store.getState().filter)) put(draft);
      const take = () => store.setState({ activities: without(draft.id) });
      const keyed = { ...given, idempotency_key: given.idempotency_key ?? uniqueId() };
      const { value } = await acting(store, () => client.request('POST /api/activity', keyed), take);
      take();
      if (matches(value, store.getState().filter)) put(value);
      return value;
    },
    async remove(id) {
      const before = store.getState().activities.find((each) => each.id === id);
      store.setState({ activities: without(id) });
      await acting(store, () => client.request('DELETE /api/activity', { id }), () => before && put(before));
    },
    stop: () => query.stop(),
  }));
  return store;
}
