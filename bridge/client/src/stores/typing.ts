// Owns who types where. Each event brings the whole set of a location, which the server ends three seconds after the last
// sign; without a connection nothing is known, and nothing is shown.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LiveClient } from '../core/client';
import type { Unsubscribe } from '../core/emitter';

export interface TypingState {
  /** Others who type, by location. */
  users: ReadonlyMap<string, readonly string[]>;
  error: Error | null;
  /** Shows who types at a location until the returned function is called. */
  watch(location: string): Unsubscribe;
  /** Say it at each key; it is sent every two seconds. False, or three seconds of silence, ends it. */
  setTyping(location: string, isTyping: boolean): void;
}

export type TypingStore = StoreApi<TypingState>;

const renewAfter = 2000;
const endsAfter = 3000;

export function createTypingStore(client: LiveClient): TypingStore {
  const watched = new Map<string, { count: number; end: Unsubscribe }>();
  const told = new Map<string, { at: number; timer: ReturnType<typeof setTimeout> }>();
  const show = (location: string, ids: readonly string[]) =>
    store.setState({ users: new Map(store.getState().users).set(location, ids.filter((id) => id !== client.userId)) });

  function listen(location: string): Unsubscribe {
    return client.subscribe(`typing:${location}`, {
      event: ({ event, payload }) => {
        const { user_ids } = payload as { user_ids?: unknown };
        if (event !== 'typing:indicator') return;
        if (!Array.isArray(user_ids) || !user_ids.every((id) => typeof id === 'string')) throw new Error('user_ids is no list of texts');
        show(location, user_ids);
      },
      lost: () => show(location, []),
      refused: (error) => store.setState({ error }),
    });
  }

  function send(location: string, is_typing: boolean): void {
    client.push(`typing:${location}`, 'typing:indicator', { is_typing }).then(
      () => store.getState().error && store.setState({ error: null }),
      (error: Error) => store.setState({ error }),
    );
  }

  const store: TypingStore = createStore<TypingState>(() => ({
    users: new Map(),
    error: null,
    watch(location) {
      const known = watched.get(location);
      if (known) known.count += 1;
      else watched.set(location, { count: 1, end: listen(location) });
      let isOver = false;
      return () => {
        const entry = watched.get(location);
        if (isOver || !entry) return;
        isOver = true;
        entry.count -= 1;
        if (entry.count > 0) return;
        watched.delete(location);
        entry.end();
        show(location, []);
      };
    },
    setTyping(location, isTyping) {
      const last = told.get(location);
      clearTimeout(last?.timer);
      if (!isTyping) {
        told.delete(location);
        if (last) send(location, false);
        return;
      }
      const isDue = !last || Date.now() - last.at >= renewAfter;
      if (isDue) send(location, true);
      told.set(location, { at: isDue ? Date.now() : last.at, timer: setTimeout(() => told.delete(location), endsAfter) });
    },
  }));
  return store;
}
