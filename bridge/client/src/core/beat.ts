// Owns the signs of life of a page in the background, whose own timers browsers slow down: a worker keeps the time. Where the
// worker cannot be had (its file is not served, a policy forbids it), the timers of the page remain.
import type { Unsubscribe } from './emitter';

interface ScriptUrlPolicy {
  createScriptURL(address: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): ScriptUrlPolicy;
}

/** Milliseconds; the bridge waits 45 seconds for one, and a break is to be noticed within the grace period. */
const every = 20_000;

/** A policy by which a page that asks for Trusted Types lets exactly this address pass: `trusted-types pg-live`. */
function trusted(address: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return address;
  return types.createPolicy('pg-live', { createScriptURL: (asked) => (asked === address ? asked : '') }).createScriptURL(address);
}

let policed: string | null = null;

/** `address`: of beat_worker.js; beside this file if not given. */
export function startBeat(address: URL | false | undefined, beat: () => void): Unsubscribe {
  if (address === false || typeof Worker === 'undefined') return () => {};
  let worker: Worker;
  try {
    policed ??= trusted((address ?? new URL('./beat_worker.js', import.meta.url)).href);
    worker = new Worker(policed, { type: 'module', name: 'pg-live' });
  } catch {
    return () => {};
  }
  worker.onmessage = beat;
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
  };
  worker.postMessage(every);
  return () => worker.terminate();
}
