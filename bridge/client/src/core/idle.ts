// Owns whether a person is at the page: no input for some time, or a page that is hidden so long, is idle.
import type { Unsubscribe } from './emitter';

const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'scroll'] as const;

/** Calls `changed` when the person goes idle (false) and comes back (true). Begins with a person who is there. */
export function watchActivity(after: number, changed: (isActive: boolean) => void): Unsubscribe {
  if (typeof document === 'undefined') return () => {};
  let isActive = true;
  let last = Date.now();
  let timer: ReturnType<typeof setTimeout>;
  const look = () => {
    const rest = last + after - Date.now();
    if (rest > 0) timer = setTimeout(look, rest);
    else changed((isActive = false));
  };
  const note = () => {
    last = Date.now();
    if (isActive) return;
    changed((isActive = true));
    timer = setTimeout(look, after);
  };
  timer = setTimeout(look, after);
  for (const sign of signs) addEventListener(sign, note, { passive: true, capture: true });
  return () => {
    clearTimeout(timer);
    for (const sign of signs) removeEventListener(sign, note, { capture: true });
  };
}
