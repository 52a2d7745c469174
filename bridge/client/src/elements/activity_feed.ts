// <activity-feed>: what happened, newest first, by the pattern "feed" of the ARIA Authoring Practices.
// Attributes: types, actor, entity-type, entity-id, session-id narrow it; filters="liked,read" lets the visitor do so; grouped;
// page-size; scroll, for a height of its own; source="notifications" shows one's notifications instead. Event: `activity-open`, with the activity in `detail`.
// Invariant: what is in view stays in view. While the visitor has scrolled down, new ones wait behind a button.
import type { Activity } from '../core/contract';
import type { FeedFilter, FeedStore } from '../stores/feed';
import type { Live } from '../stores/live';
import type { NotificationsStore } from '../stores/notifications';
import { h, LiveElement, place } from './element';
import { css } from './activity_feed_style';
import { grouped, rowOf, sentence, shownOf, type Group } from './feed_rows';

type Source = FeedStore | NotificationsStore;

export class ActivityFeed extends LiveElement {
  static observedAttributes = ['types', 'actor', 'entity-type', 'entity-id', 'session-id', 'page-size', 'source', 'grouped', 'filters'];

  #source: Source | null = null;
  #rows = new Map<string, { row: HTMLElement; shown: string }>();
  #shown = 0;
  /** The newest activity that is shown while the top is out of view; null: the top is in view. */
  #heldAt: number | null = null;
  #isTopInView = true;
  #nearEnd: IntersectionObserver | null = null;
  #chosen = '';
  #sentence: ((activities: readonly Activity[]) => string) | null = null;

  protected get css(): string {
    return css;
  }

  /** Says an activity, or several alike, in the app's own words; it is shown as text. */
  set sentence(make: ((activities: readonly Activity[]) => string) | null) {
    this.#sentence = typeof make === 'function' ? make : null;
    this.#rows.clear();
    this.changed();
  }

  protected override get propertyNames(): readonly string[] {
    return ['sentence'];
  }

  protected start(live: Live): (() => void)[] {
    const isOfNotifications = this.getAttribute('source') === 'notifications';
    this.#source = isOfNotifications ? live.notifications : live.feed({ ...this.#filter(), pageSize: Math.min(1000, this.number('page-size', 50)) });
    this.#shown = this.number('page-size', 50);
    this.#heldAt = null;
    void this.#load();
    const timer = setInterval(() => this.#rows.clear(), 60_000);
    return [this.#source.subscribe(() => this.changed()), () => clearInterval(timer)];
  }

  #filter(): FeedFilter {
    const given = { actor: this.getAttribute('actor'), entityType: this.getAttribute('entity-type'), entityId: this.getAttribute('entity-id'), sessionId: this.getAttribute('session-id') };
    const types = this.#chosen ? [this.#chosen] : this.#words('types');
    return { ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value)) as FeedFilter), ...(types.length ? { types } : {}) };
  }

  #words(name: string): string[] {
    return (this.getAttribute(name) ?? '').split(',').map((word) => word.trim()).filter(Boolean);
  }

  async #load(): Promise<void> {
    await this.#source?.getState().fetch().catch(() => {});
  }

  get #activities(): readonly Activity[] {
    const state = this.#source?.getState();
    return !state ? [] : 'activities' in state ? state.activities : state.notifications;
  }

  protected render(root: ShadowRoot): void {
    if (!root.querySelector('.feed')) this.#build(root);
    const { texts } = this;
    const state = this.#source?.getState() ?? { status: 'idle' as const, error: null, hasMore: false };
    const all = this.#activities;
    const held = this.#heldAt === null ? 0 : Math.max(0, all.findIndex(({ id }) => id === this.#heldAt));
    const groups = grouped(all.slice(held, held + this.#shown), this.hasAttribute('grouped'));
    const hasMore = state.hasMore || held + this.#shown < all.length;
    const feed = root.querySelector<HTMLElement>('.feed')!;
    const count = this.#rows.size;
    this.#renderRows(feed, groups, hasMore);
    feed.hidden = groups.length === 0;
    feed.setAttribute('aria-busy', String(state.status === 'loading' || ('isLoadingMore' in state && state.isLoadingMore)));
    feed.setAttribute('aria-label', texts.feed);
    feed.classList.toggle('stale', this.live?.connection.getState().state === 'lost');
    const notice = this.notice(state, () => void this.#load());
    place(root.querySelector('.notices')!, `${notice?.getAttribute('part')} ${notice?.textContent}`, () => notice);
    const fresh = root.querySelector<HTMLButtonElement>('.fresh-count')!;
    fresh.hidden = held === 0;
    fresh.textContent = texts.newActivities(held);
    const more = root.querySelector<HTMLButtonElement>('.more')!;
    more.hidden = !hasMore;
    more.textContent = texts.loadMore;
    if (hasMore && this.#rows.size !== count) {
      this.#nearEnd!.unobserve(more); // it tells once more whether the end is still in view
      this.#nearEnd!.observe(more);
    }
    const end = root.querySelector<HTMLElement>('.end')!;
    end.hidden = hasMore || state.status !== 'ready';
    end.textContent = all.length === 0 ? texts.noActivities : texts.end;
    this.#renderTools(root.querySelector<HTMLElement>('.tools')!);
  }

  #build(root: ShadowRoot): void {
    const feed = h('div', { class: 'feed', part: 'feed', role: 'feed' });
    const [top, more] = [h('div', { class: 'top' }), h('button', { type: 'button', class: 'more', part: 'more' })];
    const fresh = h('button', { type: 'button', class: 'fresh-count', part: 'new' });
    const [before, after] = [h('span', { tabindex: -1, class: 'edge' }), h('span', { tabindex: -1, class: 'edge' })];
    root.replaceChildren(h('div', { class: 'tools', part: 'tools' }), h('div', { class: 'notices' }), h('div', { class: 'scroll', part: 'scroll' }, before, top, h('div', { class: 'pill' }, fresh), feed, more, h('p', { class: 'notice end', part: 'notice end' }), after));
    more.addEventListener('click', () => this.#more());
    fresh.addEventListener('click', () => {
      this.#heldAt = null;
      top.scrollIntoView({ block: 'nearest' });
      this.changed();
    });
    feed.addEventListener('keydown', (event) => this.#move(feed, event, before, after));
    feed.addEventListener('click', (event) => this.#open((event.target as Element).closest('article')));
    new IntersectionObserver(([entry]) => this.#topSeen(entry!.isIntersecting)).observe(top);
    this.#nearEnd = new IntersectionObserver((entries) => entries.at(-1)!.isIntersecting && this.#more(), { rootMargin: '400px' });
    this.#nearEnd.observe(more);
  }

  #topSeen(isInView: boolean): void {
    this.#isTopInView = isInView;
    if (isInView) this.#heldAt = null;
    else this.#heldAt ??= this.#activities[0]?.id ?? null;
    this.changed();
  }

  #more(): void {
    const { length } = this.#activities;
    const size = this.number('page-size', 50);
    if (this.#shown < length) {
      this.#shown += size;
      this.changed();
    }
    const state = this.#source?.getState();
    if (this.#shown + size > length && state?.hasMore) {
      void state.loadMore().then(() => (this.#shown = Math.max(this.#shown, length + size)), () => {});
    }
  }

  #renderRows(feed: HTMLElement, groups: readonly Group[], hasMore: boolean): void {
    const { texts, nameOf } = this;
    const kept = new Map<string, { row: HTMLElement; shown: string }>();
    const isFirst = this.#rows.size === 0;
    groups.forEach((group, at) => {
      const said = this.#sentence?.(group.activities) ?? sentence(group, texts, nameOf);
      const shown = shownOf(group, said);
      const known = this.#rows.get(group.key);
      let { row } = known ?? {};
      if (!row || known?.shown !== shown) {
        const made = rowOf(group, said, texts, nameOf);
        if (!row && !isFirst && this.#isTopInView && at < 20) made.classList.add('fresh');
        const hadFocus = row !== undefined && feed.getRootNode() instanceof ShadowRoot && (feed.getRootNode() as ShadowRoot).activeElement === row;
        row?.replaceWith(made);
        if (hadFocus) made.focus();
        row = made;
      }
      if (row.getAttribute('aria-posinset') !== String(at + 1)) row.setAttribute('aria-posinset', String(at + 1));
      row.setAttribute('aria-setsize', String(hasMore ? -1 : groups.length));
      kept.set(group.key, { row, shown });
    });
    for (const [key, { row }] of this.#rows) if (kept.get(key)?.row !== row) row.remove();
    let at = feed.firstElementChild;
    for (const { row } of kept.values()) {
      if (at === row) at = at.nextElementSibling;
      else feed.insertBefore(row, at);
    }
    this.#rows = kept;
  }

  #renderTools(tools: HTMLElement): void {
    const { texts } = this;
    const filters = this.#words('filters');
    const unread = this.#source && 'unread' in this.#source.getState() ? (this.#source as NotificationsStore).getState().unread : 0;
    place(tools, JSON.stringify([filters, this.#chosen, unread]), () => {
      if (filters.length === 0 && unread === 0) return null;
      const chip = (type: string, label: string) => {
        const button = h('button', { type: 'button', part: 'filter', 'aria-pressed': String(type === this.#chosen) }, label);
        button.addEventListener('click', () => {
          this.#chosen = type;
          this.restart();
        });
        return button;
      };
      const chips = filters.length ? h('div', { role: 'group', 'aria-label': texts.filter, class: 'chips', part: 'filters' }, chip('', texts.all), ...filters.map((type) => chip(type, type))) : null;
      const read = h('button', { type: 'button', part: 'mark-all-read' }, texts.markAllRead);
      read.addEventListener('click', () => void (this.#source as NotificationsStore).getState().markAllRead().catch(() => {}));
      return h('div', { class: 'line' }, chips, unread > 0 && h('span', { class: 'unread', part: 'unread-count', role: 'status', dir: 'auto' }, `${unread} ${texts.unread}`), unread > 0 && read);
    });
  }

  #open(article: Element | null): void {
    const key = [...this.#rows].find(([, { row }]) => row === article)?.[0];
    const detail = this.#activities.find(({ id }) => String(id) === key);
    if (detail) this.dispatchEvent(new CustomEvent('activity-open', { detail, bubbles: true, composed: true }));
  }

  #move(feed: HTMLElement, event: KeyboardEvent, before: HTMLElement, after: HTMLElement): void {
    const article = (event.target as Element).closest('article');
    const rows = [...feed.children] as HTMLElement[];
    const at = rows.indexOf(article as HTMLElement);
    if (event.ctrlKey && (event.key === 'Home' || event.key === 'End')) (event.key === 'Home' ? before : after).focus();
    else if (event.key === 'PageDown') rows[at + 1]?.focus();
    else if (event.key === 'PageUp') rows[at - 1]?.focus();
    else if (event.key === 'Enter') this.#open(article);
    else return;
    event.preventDefault();
  }
}
