// Owns who listens to what, with a type for each name.

export type Unsubscribe = () => void;

export class Emitter<Names> {
  readonly #listeners = new Map<keyof Names, Set<(value: never) => void>>();

  on<Name extends keyof Names>(name: Name, listener: (value: Names[Name]) => void): Unsubscribe {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** A listener that throws is told to the console, and does not keep the others from being called. */
  emit<Name extends keyof Names>(name: Name, value: Names[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (value: Names[Name]) => void)(value);
      } catch (error) {
        console.error('pg-live: a listener failed', error);
      }
    }
  }
}
