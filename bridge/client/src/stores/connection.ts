// Owns the state of the connection, for interfaces.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ConnectionState, LiveClient } from '../core/client';

export interface Connection {
  state: ConnectionState;
  error: Error | null;
  userId: string | null;
}

export type ConnectionStore = StoreApi<Connection>;

export function createConnectionStore(client: LiveClient): ConnectionStore {
  const store = createStore<Connection>(() => ({ state: client.state, error: client.error, userId: client.userId }));
  client.on('state', ({ state, error }) => store.setState({ state, error }));
  client.on('user', (userId) => store.setState({ userId }));
  return store;
}
