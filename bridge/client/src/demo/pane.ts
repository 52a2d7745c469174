// Owns one visitor of the demo page: a connection of their own, the five elements of the package on it, and what they can cause.
// A pane is a template of index.html; becoming another visitor makes the connection and the elements again.
import { connect, type ConnectionState, type LiveEvent } from '..';
import type { LiveElement } from '../elements/element';
import { books, deeds, nameOf } from './people';

const LOBBY = 'room:lobby';

export interface PaneOptions {
  /** left or right. */
  side: string;
  users: readonly string[];
  tokenOf(user: string): string;
  onEvent(event: LiveEvent, user: string): void;
  onSending(payload: object): void;
  onState(): void;
  /** The visitor was chosen by hand. */
  onChosen(user: string): void;
}

export type PaneState = 'live' | 'connecting' | 'waiting' | 'off';

const stateTexts: Record<PaneState, string> = { live: 'Live', connecting: 'Connecting', waiting: 'Waiting to reconnect', off: 'Cut off' };
const states: Partial<Record<ConnectionState, PaneState>> = { lost: 'waiting', closed: 'off' };

const liveTags = 'presence-indicator, typing-indicator, online-users-list, activity-feed, collaborative-editor';

export class Pane {
  readonly element: HTMLElement;
  #live: ReturnType<typeof connect>;
  #isInLobby = false;
  #user: string;

  constructor(template: HTMLTemplateElement, user: string, private readonly options: PaneOptions) {
    this.#user = user;
    this.element = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.element.dataset['pane'] = options.side;
    for (const each of this.element.querySelectorAll(liveTags)) each.setAttribute('data-live', '');
    this.#prepare();
    this.#live = this.#connect();
  }

  get user(): string {
    return this.#user;
  }

  get state(): PaneState {
    const { state } = this.#live.client;
    return states[state] ?? (state === 'online' && this.#isInLobby ? 'live' : 'connecting');
  }

  become(user: string): void {
    this.#live.disconnect();
    this.#user = user;
    this.#isInLobby = false;
    this.#live = this.#connect();
    for (const radio of this.element.querySelectorAll<HTMLInputElement>('.users input')) radio.checked = radio.value === user;
  }

  #find<T extends HTMLElement>(selector: string): T {
    const found = this.element.querySelector<T>(selector);
    if (!found) throw new Error(`the pane has no ${selector}`);
    return found;
  }

  /** What does not depend on the visitor. */
  #prepare(): void {
    const { side } = this.options;
    const input = this.#find<HTMLInputElement>('.text');
    input.id = `text-${side}`;
    this.#find<HTMLLabelElement>('.say label').htmlFor = input.id;
    this.#find<HTMLOutputElement>('.outcome').htmlFor.value = input.id;
    this.#offerChoices();
    this.#find('.say').addEventListener('submit', (submit) => {
      submit.preventDefault();
      void this.#say();
    });
    this.element.addEventListener('user-message', (event) => {
      input.value = `@${nameOf((event as CustomEvent<{ user_id: string }>).detail.user_id)} `;
      input.focus();
    });
    this.#find('.cut').addEventListener('click', () => {
      if (this.state === 'off') this.#live.client.connect().catch(() => {});
      else this.#live.disconnect();
    });
  }

  /** Of visitors, books and deeds. */
  #offerChoices(): void {
    const { side, users, onChosen } = this.options;
    for (const user of users) {
      const choice = Object.assign(document.createElement('input'), { type: 'radio', name: `user-${side}`, value: user, checked: user === this.#user });
      choice.addEventListener('change', () => onChosen(user));
      const label = document.createElement('label');
      label.append(choice, ` ${nameOf(user)}`);
      this.#find('.users').append(label);
    }
    const book = this.#find<HTMLSelectElement>('.book');
    book.append(...books.map(({ id, title }) => new Option(title, id)));
    for (const { type, label } of deeds) {
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: label });
      button.addEventListener('click', () => void this.#log(type, books[book.selectedIndex]!));
      this.#find('.deeds').append(button);
    }
  }

  #connect(): ReturnType<typeof connect> {
    const user = this.#user;
    const live = connect({ url: new URL('.', document.baseURI), token: () => this.options.tokenOf(user) });
    live.client.on('event', (event) => this.options.onEvent(event, user));
    live.connection.subscribe(() => live === this.#live && this.#show());
    void this.#enterLobby(live);
    for (const old of this.element.querySelectorAll<LiveElement>('[data-live]')) {
      const made = document.createElement(old.localName) as LiveElement;
      for (const { name, value } of old.attributes) made.setAttribute(name, value);
      if (made.localName === 'presence-indicator') made.setAttribute('user', user);
      if (made.localName === 'typing-indicator') made.setAttribute('for', this.#find('.text').id);
      made.live = live;
      old.replaceWith(made);
    }
    queueMicrotask(() => this.#show());
    return live;
  }

  /** Behind the position of an answer: so a connection that breaks before the first durable event of the room does not miss it. */
  async #enterLobby(live: ReturnType<typeof connect>): Promise<void> {
    const from = await live.client.request('GET /api/presence', {}).then(({ position }) => position, () => null);
    if (live !== this.#live) return;
    const inLobby = (is: boolean) => () => {
      if (live !== this.#live) return;
      this.#isInLobby = is;
      this.#show();
    };
    live.client.subscribe(LOBBY, { joined: inLobby(true), lost: inLobby(false), refused: (error) => this.#tell(error.message) }, from);
  }

  #show(): void {
    const { state } = this;
    this.element.dataset['state'] = state;
    this.#find('.who').textContent = nameOf(this.#user);
    this.#find('.state').textContent = stateTexts[state];
    this.#find('.cut').textContent = state === 'off' ? 'Connect again' : 'Cut the connection';
    for (const button of this.element.querySelectorAll<HTMLButtonElement>('.send, .deeds button')) button.disabled = state !== 'live';
    this.options.onState();
  }

  #tell(text: string): void {
    this.#find('.outcome').textContent = text;
  }

  async #say(): Promise<void> {
    const input = this.#find<HTMLInputElement>('.text');
    const text = input.value.trim();
    if (!text) return;
    const payload = { from: this.#user, text };
    this.#tell('Sending …');
    this.options.onSending(payload);
    await this.#outcomeOf(this.#live.client.topic(LOBBY).push('broadcast', { type: 'broadcast', event: 'message', payload }), () => {
      input.value = '';
      this.#live.typing.getState().setTyping('book-club', false);
    });
    input.focus();
  }

  async #log(type: string, book: (typeof books)[number]): Promise<void> {
    const added = this.#live.feed().getState().add({ activity_type: type, entity_type: 'book', entity_id: book.id, metadata: { title: book.title } });
    await this.#outcomeOf(added, () => {});
  }

  async #outcomeOf(action: Promise<unknown>, done: () => void): Promise<void> {
    try {
      await action;
      this.#tell('Committed, and on its way to every browser.');
      done();
    } catch (error) {
      this.#tell(`Not sent: ${error instanceof Error ? error.message : 'unknown error'}.`);
    }
  }
}
