// <typing-indicator location="book:7" for="comment">: who types at a location, and tells it of the input with that id.
// The region is there before its text, and as high with it as without, so that nothing moves and screen readers notice.
import type { Live } from '../stores/live';
import { h, LiveElement } from './element';
import { listed } from './texts';

const mostNames = 3;

export class TypingIndicator extends LiveElement {
  static observedAttributes = ['location', 'for'];

  protected get css(): string {
    return `:host { min-block-size: 1.6em; } p { margin: 0; color: var(--_quiet); min-block-size: 1.5em; display: flex; align-items: center; gap: 6px; overflow-wrap: anywhere; }
.dots { display: inline-flex; gap: 3px; } .dots i { inline-size: 5px; block-size: 5px; border-radius: 50%; background: currentColor; }
@media (prefers-reduced-motion: no-preference) { .dots i { animation: pulse 1.2s infinite; } .dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; } }
@keyframes pulse { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }`;
  }

  get location(): string {
    return this.getAttribute('location') ?? '';
  }

  set location(location: string) {
    this.setAttribute('location', location);
  }

  protected start({ typing }: Live): (() => void)[] {
    if (!this.location) return [];
    const { location } = this;
    const bound = this.#bind(typing.getState().setTyping);
    return [typing.getState().watch(location), typing.subscribe(({ users }, before) => users.get(location) !== before.users.get(location) && this.changed()), bound];
  }

  /** The user types where the input says so, and no longer when it is left or emptied. */
  #bind(setTyping: (location: string, isTyping: boolean) => void): () => void {
    const id = this.getAttribute('for');
    const input = id ? (this.getRootNode() as Document | ShadowRoot).getElementById?.(id) : null;
    if (!input) return () => {};
    const { location } = this;
    const typed = () => setTyping(location, (input as HTMLInputElement).value !== '');
    const left = () => setTyping(location, false);
    input.addEventListener('input', typed);
    input.addEventListener('blur', left);
    globalThis.addEventListener('pagehide', left);
    return () => {
      input.removeEventListener('input', typed);
      input.removeEventListener('blur', left);
      globalThis.removeEventListener('pagehide', left);
      left();
    };
  }

  protected render(root: ShadowRoot): void {
    const shown = root.querySelector('p') ?? root.appendChild(h('p', { part: 'indicator', role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true' }));
    const ids = this.live?.typing.getState().users.get(this.location) ?? [];
    const { texts } = this;
    const text = ids.length === 0 ? '' : ids.length > mostNames ? texts.several : texts.typing(listed(ids.map(this.nameOf)), ids.length);
    if (shown.dataset['text'] === text) return;
    shown.dataset['text'] = text;
    const dots = h('span', { class: 'dots', part: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
    shown.replaceChildren(...(text ? [dots, h('span', { part: 'text' }, text)] : []));
  }
}
