// Owns how a store says whether it has its data. Errors are state: an action rejects and says why in the store.

export type LoadStatus = 'idle' | 'loading' | 'ready' | 'error';

export interface LoadState {
  status: LoadStatus;
  /** Why the last load or action failed; null: it did not. */
  error: Error | null;
}

export const notLoaded: LoadState = { status: 'idle', error: null };

/** A list that is shown stays while it is loaded again. */
export const loading = (before: LoadState): LoadState => ({ status: before.status === 'ready' ? 'ready' : 'loading', error: before.error });

export const loaded: LoadState = { status: 'ready', error: null };

export const failed = (before: LoadState, error: Error): LoadState => ({ status: before.status === 'ready' ? 'ready' : 'error', error });

/** Runs an action on a store: its error is put into the state, and thrown. `undo`: takes back what was shown before the answer. */
export async function acting<Value>(store: { setState(part: { error: Error | null }): void }, action: () => Promise<Value>, undo?: () => void): Promise<Value> {
  try {
    const value = await action();
    store.setState({ error: null });
    return value;
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    undo?.();
    store.setState({ error });
    throw error;
  }
}
