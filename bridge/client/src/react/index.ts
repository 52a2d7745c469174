// The elements as components of React 19, and hooks over the stores. Hooks render again for what they show and for nothing else.
// On a server, components render their tag, and hooks the state before the first answer.
import { createContext, createElement, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { Activity } from '../core/contract';
import '../elements/index';
import type { NameOf, Texts } from '../elements/texts';
import type { Connection } from '../stores/connection';
import type { FeedOptions, FeedState } from '../stores/feed';
import { Live } from '../stores/live';
import { onlineUsers, type UserPresence } from '../stores/presence';
import type { ClientOptions } from '../core/client';

const LiveContext = createContext<Live | null>(null);

/** Connects while it is mounted; `live` is one of the app's own, which it connects itself. */
export function LiveProvider({ options, live: given, children }: { options?: ClientOptions; live?: Live; children?: ReactNode }): ReactNode {
  const url = String(options?.url ?? '');
  const live = useMemo(() => given ?? new Live(options ?? { url: 'http://localhost', token: () => '' }), [given, url]);
  useEffect(() => {
    if (given) return;
    live.client.connect().catch(() => {});
    return () => live.disconnect();
  }, [given, live]);
  return createElement(LiveContext.Provider, { value: live }, children);
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('pg-live: there is no <LiveProvider> above');
  return live;
}

export const useConnection = (): Connection => useStore(useLive().connection);

/** Of one user; undefined: not known yet. */
export function usePresence(userId: string): UserPresence | undefined {
  const { presence } = useLive();
  useEffect(() => {
    void presence.getState().fetchOnline().catch(() => {});
    presence.getState().fetch(userId).catch(() => {});
  }, [presence, userId]);
  return useStore(presence, ({ users }) => users.get(userId));
}

export function useOnlineUsers(): readonly UserPresence[] {
  const { presence } = useLive();
  useEffect(() => void presence.getState().fetchOnline().catch(() => {}), [presence]);
  return useStore(presence, useShallow(onlineUsers));
}

const nobody: readonly string[] = [];

/** Others who type at a location, and the function that says that this user does. */
export function useTyping(location: string): [readonly string[], (isTyping: boolean) => void] {
  const { typing } = useLive();
  useEffect(() => typing.getState().watch(location), [typing, location]);
  const users = useStore(typing, ({ users: all }) => all.get(location) ?? nobody);
  const setTyping = useMemo(() => (isTyping: boolean) => typing.getState().setTyping(location, isTyping), [typing, location]);
  return [users, setTyping];
}

export function useActivityFeed(options: FeedOptions = {}): FeedState {
  const live = useLive();
  const key = JSON.stringify(options);
  const feed = useMemo(() => live.feed(options), [live, key]);
  useEffect(() => void feed.getState().fetch(), [feed]);
  return useStore(feed);
}

export function useUnreadCount(): number {
  const { notifications } = useLive();
  useEffect(() => void notifications.getState().fetch().catch(() => {}), [notifications]);
  return useStore(notifications, ({ unread }) => unread);
}

interface Common {
  texts?: Partial<Texts>;
  nameOf?: NameOf;
  className?: string;
  style?: object;
}

const names: Record<string, string> = {
  className: 'class', onUserOpen: 'onuser-open', onUserMessage: 'onuser-message', onActivityOpen: 'onactivity-open', onInput: 'oninput',
  entityType: 'entity-type', entityId: 'entity-id', sessionId: 'session-id', pageSize: 'page-size',
};

function component<Props extends object>(tag: string) {
  return function LiveComponent(properties: Props & Common): ReactNode {
    const live = useLive();
    const given = Object.entries(properties).filter(([, value]) => value !== undefined && value !== false);
    return createElement(tag, { ...Object.fromEntries(given.map(([name, value]) => [names[name] ?? name, value === true ? '' : value])), live });
  };
}

type Detail<Value> = (event: CustomEvent<Value>) => void;

export const PresenceIndicator = component<{ user: string; label?: boolean }>('presence-indicator');
export const TypingIndicator = component<{ location: string; for?: string }>('typing-indicator');
export const OnlineUsersList = component<{ onUserOpen?: Detail<UserPresence>; onUserMessage?: Detail<UserPresence> }>('online-users-list');
export const ActivityFeed = component<{
  types?: string; actor?: string; entityType?: string; entityId?: string; sessionId?: string; filters?: string; grouped?: boolean; pageSize?: number;
  source?: 'notifications'; sentence?: (activities: readonly Activity[]) => string; onActivityOpen?: Detail<Activity>;
}>('activity-feed');
/** Import pg-live/editor too, which defines it. */
export const CollaborativeEditor = component<{
  room?: string; session?: string; create?: boolean; readonly?: boolean; label?: string; name?: string; onInput?: (event: Event) => void;
}>('collaborative-editor');
