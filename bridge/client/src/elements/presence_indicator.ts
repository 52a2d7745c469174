// <presence-indicator user="anna" label>: whether a user is there, by a shape and a colour; with `label` also in words.
import type { PresenceStatus } from '../core/contract';
import type { Live } from '../stores/live';
import { h, LiveElement } from './element';
import { ago } from './texts';

const everyMinute = 60_000;

export class PresenceIndicator extends LiveElement {
  static observedAttributes = ['user', 'label'];

  protected get css(): string {
    return `:host { display: inline-block; } .line { display: inline-flex; align-items: center; gap: 6px; } .dot { margin-block: 1px; }`;
  }

  get user(): string {
    return this.getAttribute('user') ?? '';
  }

  set user(user: string) {
    this.setAttribute('user', user);
  }

  protected start(live: Live): (() => void)[] {
    const { presence } = live;
    void presence.getState().fetchOnline().catch(() => {});
    if (this.user) presence.getState().fetch(this.user).catch(() => {});
    const timer = setInterval(() => this.changed(), everyMinute);
    return [presence.subscribe(({ users }, before) => users.get(this.user) !== before.users.get(this.user) && this.changed()), () => clearInterval(timer)];
  }

  protected render(root: ShadowRoot): void {
    const { texts, user } = this;
    const known = this.live?.presence.getState().users.get(user);
    const isStale = this.live?.connection.getState().state !== 'online';
    const status: PresenceStatus | 'unknown' = known?.status ?? 'unknown';
    const seen = status === 'offline' && known?.last_seen_at ? texts.lastSeen(ago(known.last_seen_at)) : '';
    const said = [texts[status], seen, known?.custom_status ?? '', isStale && known ? texts.stale : ''].filter(Boolean).join(', ');
    const dot = h('span', { class: `dot${isStale ? ' stale' : ''}`, part: `dot ${status}`, 'data-status': status });
    const words = this.hasAttribute('label') ? h('span', { part: 'label', 'aria-hidden': 'true' }, said) : null;
    root.replaceChildren(h('span', { class: 'line', part: 'indicator', role: 'img', 'aria-label': `${this.nameOf(user)}: ${said}`, title: said }, dot, words));
  }
}
