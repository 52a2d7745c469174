// <online-users-list>: who is online. It renders the rows that are in view, so a thousand people cost what a screenful costs.
// Events: `user-open` and `user-message`, each with the user in `detail`.
import type { Live } from '../stores/live';
import { onlineUsers, type UserPresence } from '../stores/presence';
import { avatar, h, LiveElement, place } from './element';

const rowHeight = 48;
const beyond = 6;

export class OnlineUsersList extends LiveElement {
  static observedAttributes = ['height'];

  #users: readonly UserPresence[] = [];
  #focused = 0;
  #rows = new Map<string, { row: HTMLElement; shown: string }>();

  protected get css(): string {
    return `.head { display: flex; justify-content: space-between; gap: 8px; padding: 6px 12px; } h2 { font-size: 1em; margin: 0; }
.scroll { overflow: auto; max-block-size: var(--pg-live-list-height, 336px); border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_surface); }
ul { list-style: none; margin: 0; padding: 0; position: relative; }
li { position: absolute; inset-inline: 0; block-size: ${rowHeight}px; display: flex; align-items: center; gap: 10px; padding-inline: 12px; }
.open { flex: 1; min-inline-size: 0; display: flex; align-items: center; gap: 10px; background: none; border: 0; padding: 4px; text-align: start; }
.who { min-inline-size: 0; display: grid; } .who span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
small { font-size: 12px; color: var(--_quiet); }`;
  }

  protected start({ presence }: Live): (() => void)[] {
    presence.getState().fetchOnline().catch(() => {});
    return [presence.subscribe(() => this.changed())];
  }

  protected render(root: ShadowRoot): void {
    if (!root.querySelector('.scroll')) this.#build(root);
    const state = this.live?.presence.getState() ?? { status: 'idle', error: null, users: new Map<string, UserPresence>() };
    this.#users = onlineUsers(state);
    const { texts } = this;
    const notice = this.notice(state, () => void this.live?.presence.getState().fetchOnline());
    place(root.querySelector('.notices')!, `${notice?.getAttribute('part')} ${notice?.textContent}`, () => notice);
    const isEmpty = state.status === 'ready' && this.#users.length === 0;
    root.querySelector('.count')!.textContent = state.status === 'ready' ? texts.userCount(this.#users.length) : '';
    root.querySelector('h2')!.textContent = texts.users;
    root.querySelector<HTMLElement>('.empty')!.hidden = !isEmpty;
    root.querySelector('.empty')!.textContent = texts.noUsers;
    const scroll = root.querySelector<HTMLElement>('.scroll')!;
    scroll.hidden = this.#users.length === 0;
    scroll.classList.toggle('stale', this.live?.connection.getState().state === 'lost');
    this.#renderRows(root);
  }

  #build(root: ShadowRoot): void {
    const list = h('ul', { role: 'list', part: 'list', 'aria-label': this.texts.users });
    const scroll = h('div', { class: 'scroll', part: 'scroll' }, list);
    scroll.addEventListener('scroll', () => this.#renderRows(root), { passive: true });
    list.addEventListener('keydown', (event) => this.#move(root, event));
    list.addEventListener('focusin', (event) => (this.#focused = Number((event.target as Element).closest('li')?.dataset['index'] ?? 0)));
    root.replaceChildren(
      h('div', { class: 'head', part: 'head' }, h('h2', {}), h('span', { class: 'count quiet', part: 'count', role: 'status', dir: 'auto' })),
      h('div', { class: 'notices' }), h('p', { class: 'notice empty', part: 'notice empty' }), scroll);
  }

  #renderRows(root: ShadowRoot): void {
    const [scroll, list] = [root.querySelector<HTMLElement>('.scroll')!, root.querySelector<HTMLElement>('ul')!];
    list.style.blockSize = `${this.#users.length * rowHeight}px`;
    const first = Math.max(0, Math.floor(scroll.scrollTop / rowHeight) - beyond);
    const last = Math.min(this.#users.length, Math.ceil((scroll.scrollTop + (scroll.clientHeight || 336)) / rowHeight) + beyond);
    const kept = new Map<string, { row: HTMLElement; shown: string }>();
    for (let index = first; index < last; index++) {
      const user = this.#users[index]!;
      const shown = JSON.stringify([user, this.nameOf(user.user_id)]);
      const known = this.#rows.get(user.user_id);
      const row = known?.shown === shown ? known.row : this.#row(user, known?.row);
      row.style.insetBlockStart = `${index * rowHeight}px`;
      row.dataset['index'] = String(index);
      row.setAttribute('aria-posinset', String(index + 1));
      row.setAttribute('aria-setsize', String(this.#users.length));
      kept.set(user.user_id, { row, shown });
    }
    for (const [id, { row }] of this.#rows) if (!kept.has(id)) row.remove();
    const rows = [...kept.values()].map(({ row }) => row);
    rows.forEach((row, at) => {
      if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
    });
    this.#rows = kept;
  }

  /** The content of a row that has the focus is changed in place. */
  #row(user: UserPresence, known?: HTMLElement): HTMLElement {
    const name = this.nameOf(user.user_id);
    const isMe = user.user_id === this.live?.client.userId;
    const { texts } = this;
    const row = known ?? h('li', { part: 'user' });
    const open = row.querySelector<HTMLElement>('.open') ?? h('button', { type: 'button', class: 'open', part: 'open' });
    open.replaceChildren(
      avatar(user.user_id, name),
      h('span', { class: `dot`, 'data-status': user.status, part: `dot ${user.status}`, role: 'img', 'aria-label': texts[user.status] }),
      h('span', { class: 'who' }, h('span', { part: 'name' }, isMe ? `${name} (${texts.you})` : name), user.custom_status ? h('small', { part: 'custom-status' }, user.custom_status) : null));
    open.onclick = () => this.#tell('user-open', user);
    const message = row.querySelector<HTMLElement>('.message') ?? h('button', { type: 'button', class: 'message', part: 'message' }, h('span', { 'aria-hidden': 'true' }, '✉'));
    message.setAttribute('aria-label', texts.message(name));
    message.onclick = () => this.#tell('user-message', user);
    message.hidden = isMe;
    if (!known) row.append(open, message);
    return row;
  }

  #tell(name: string, detail: UserPresence): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #move(root: ShadowRoot, event: KeyboardEvent): void {
    const to = { ArrowDown: this.#focused + 1, ArrowUp: this.#focused - 1, Home: 0, End: this.#users.length - 1 }[event.key];
    if (to === undefined || to < 0 || to >= this.#users.length) return;
    event.preventDefault();
    const scroll = root.querySelector<HTMLElement>('.scroll')!;
    const [top, bottom] = [to * rowHeight, (to + 1) * rowHeight];
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
    this.#renderRows(root);
    this.#rows.get(this.#users[to]!.user_id)?.row.querySelector<HTMLElement>('.open')?.focus();
  }
}
