// Owns what the elements have in common: where their data is from, when they render, and how they say that they load, failed
// or lost the connection.
// Invariants: text from outside is set as text; a move within the document neither ends nor repeats what is under way; without a
// browser the classes can be imported, and nothing more.
import type { Live } from '../stores/live';
import { onProvided, providedLive } from '../stores/live';
import { shared, sheetOf } from './style';
import { currentNames, currentTexts, type NameOf, type Texts } from './texts';

type Unsubscribe = () => void;

const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

export type Child = Node | string | null | undefined | false;

/** An element: `part` and `class` by the first text, as in 'button.primary'; attributes that are null are left out. */
export function h<Name extends keyof HTMLElementTagNameMap>(tag: Name, attributes: Record<string, string | number | null | undefined> = {}, ...children: Child[]): HTMLElementTagNameMap[Name] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(name, String(value));
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return made;
}

export abstract class LiveElement extends Base {
  #live: Live | null = null;
  #isGiven = false;
  #texts: Partial<Texts> = {};
  #nameOf: NameOf | null = null;
  #ends: Unsubscribe[] | null = null;
  #isDue = false;

  /** Styles of the element, beside the shared ones. */
  protected abstract get css(): string;
  /** Subscribes; what it returns is called when the element is gone. */
  protected abstract start(live: Live): Unsubscribe[];
  protected abstract render(root: ShadowRoot): void;

  get live(): Live | null {
    return this.#live;
  }

  /** Whose data is shown; without it, what provide() was given. */
  set live(live: Live | null) {
    this.#isGiven = live !== null;
    this.#use(live ?? providedLive());
  }

  get texts(): Texts {
    return { ...currentTexts(), ...this.#texts };
  }

  set texts(texts: Partial<Texts>) {
    this.#texts = texts;
    this.changed();
  }

  get nameOf(): NameOf {
    return this.#nameOf ?? currentNames;
  }

  set nameOf(nameOf: NameOf | null) {
    this.#nameOf = typeof nameOf === 'function' ? nameOf : null;
    this.changed();
  }

  connectedCallback(): void {
    if (this.#ends) return; // it was moved
    this.#upgrade();
    if (!this.shadowRoot) {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheetOf(shared), sheetOf(this.css)];
    }
    this.#ends = [onProvided(() => !this.#isGiven && this.#use(providedLive()))];
    this.#live ??= providedLive();
    this.#start();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (!this.isConnected) this.#stop();
    });
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before !== after) this.restart();
  }

  /** Something that is subscribed to depends on what has changed. */
  protected restart(): void {
    if (!this.#ends) return;
    this.#stop();
    this.connectedCallback();
  }

  /** Renders soon, once for all that changes until then. */
  protected changed(): void {
    if (this.#isDue || !this.#ends) return;
    this.#isDue = true;
    const now = () => {
      this.#isDue = false;
      if (this.#ends && this.shadowRoot) this.render(this.shadowRoot);
    };
    if (document.visibilityState === 'visible') requestAnimationFrame(now);
    else setTimeout(now, 100);
  }

  /** A positive number in an attribute; anything else is passed over. */
  protected number(name: string, otherwise: number): number {
    const value = Number(this.getAttribute(name));
    return Number.isFinite(value) && value > 0 ? Math.floor(value) : otherwise;
  }

  /** What is shown instead of, or above, the content: nothing while all is well. */
  protected notice(state: { status: string; error: Error | null }, retry: () => void): HTMLElement | null {
    const { texts } = this;
    if (!this.live) return h('p', { class: 'notice', part: 'notice unprovided' }, texts.noProvider);
    const connection = this.live.connection.getState();
    const error = state.error ?? (state.status === 'ready' ? null : connection.error);
    if (error && connection.state !== 'lost') {
      const button = h('button', { type: 'button', part: 'retry' }, texts.retry);
      button.addEventListener('click', retry);
      return h('div', { class: 'notice error', part: 'notice error', role: 'alert' }, h('span', {}, texts.failed(error.message)), button);
    }
    if (connection.state === 'lost') return h('p', { class: 'notice', part: 'notice lost', role: 'status' }, texts.lost);
    if (state.status !== 'ready') return h('p', { class: 'notice', part: 'notice loading', role: 'status' }, texts.loading);
    return null;
  }

  #use(live: Live | null): void {
    if (live === this.#live) return;
    this.#live = live;
    this.restart();
  }

  #start(): void {
    if (this.#live) this.#ends?.push(...this.start(this.#live), this.#live.connection.subscribe(() => this.changed()));
    this.changed();
  }

  #stop(): void {
    for (const end of this.#ends ?? []) end();
    this.#ends = null;
  }

  /** Properties that were set before the element was defined hide those of the class. */
  #upgrade(): void {
    for (const name of ['live', 'texts', 'nameOf', ...this.propertyNames]) {
      if (!Object.hasOwn(this, name)) continue;
      const own = this as unknown as Record<string, unknown>;
      const value = own[name];
      delete own[name];
      own[name] = value;
    }
  }

  protected get propertyNames(): readonly string[] {
    return [];
  }
}

/** Replaces the children of a place, unless they are what was put there before, by `key`. */
export function place(parent: Element, key: string, make: () => Child): void {
  if (parent.getAttribute('data-key') === key) return;
  parent.setAttribute('data-key', key);
  const child = make();
  parent.replaceChildren(...(child ? [child] : []));
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}

export function avatar(userId: string, name: string): HTMLElement {
  const made = h('span', { class: 'avatar', part: 'avatar', 'aria-hidden': 'true' }, initials(name));
  let hash = 0;
  for (let at = 0; at < userId.length; at++) hash = (hash * 31 + userId.charCodeAt(at)) >>> 0;
  made.style.setProperty('--_hue', String((hash * 47) % 360));
  return made;
}

/** Defines an element, unless another copy of the package did: then that one is used. */
export function define(name: string, element: CustomElementConstructor): void {
  if (typeof customElements === 'undefined') return;
  if (customElements.get(name)) console.warn(`pg-live: <${name}> is defined already, by another copy of the package`);
  else customElements.define(name, element);
}
