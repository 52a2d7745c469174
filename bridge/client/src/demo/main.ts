// Owns the demo page: who the visitor is, the stream, what a visitor can cause, and the shared note.
// Invariant: text that came from outside is shown as text (textContent) and never read as markup.
import { LiveStream, type TopicState } from '../core/stream';
import { loadConfig, type DemoConfig } from './config';
import { EventList } from './event-list';
import { SharedNote } from './note';

const TOPICS = ['activity', 'room:lobby'] as const;
const LOBBY = 'room:lobby';

const statusTexts = { live: 'Live', ended: 'Closed', waiting: 'Waiting to reconnect', connecting: 'Connecting' };

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} named ${id}`);
  return found;
}

class DemoPage {
  readonly #status = element('status', HTMLElement);
  readonly #topics = element('topics', HTMLUListElement);
  readonly #users = element('users', HTMLFieldSetElement);
  readonly #form = element('say', HTMLFormElement);
  readonly #text = element('text', HTMLInputElement);
  readonly #button = element('send', HTMLButtonElement);
  readonly #outcome = element('outcome', HTMLOutputElement);
  readonly #events = new EventList(element('events', HTMLOListElement), element('empty', HTMLElement));
  readonly #states = new Map<string, TopicState>();
  readonly #reasons = new Map<string, string | null>();
  #stream: LiveStream;
  #note: SharedNote;

  constructor(private readonly config: DemoConfig, private user: string) {
    this.#showUsers();
    this.#form.addEventListener('submit', (submit) => {
      submit.preventDefault();
      void this.#say();
    });
    this.#stream = this.#connect();
    this.#note = this.#openNote();
  }

  #openNote(): SharedNote {
    const [place, status] = [element('note', HTMLElement), element('note-status', HTMLOutputElement)];
    return new SharedNote({ place, status, apiKey: this.config.anonKey, token: this.config.users[this.user]! });
  }

  #connect(): LiveStream {
    return new LiveStream({
      url: new URL('realtime/v1', document.baseURI).href.replace(/^http/, 'ws'),
      apiKey: this.config.anonKey,
      token: this.config.users[this.user]!,
      topics: TOPICS,
      onEvent: (event) => this.#events.add(event),
      onTopicState: (topic, state, reason) => this.#showState(topic, state, reason),
    });
  }

  #become(user: string): void {
    void this.#stream.close();
    this.#note.close();
    this.user = user;
    history.replaceState(null, '', `?user=${encodeURIComponent(user)}`);
    this.#stream = this.#connect();
    this.#note = this.#openNote();
  }

  async #say(): Promise<void> {
    const text = this.#text.value.trim();
    if (!text) return;
    this.#button.disabled = true;
    this.#outcome.textContent = 'Sending …';
    try {
      await this.#stream.send(LOBBY, 'message', { from: this.user, text });
      this.#outcome.textContent = 'Committed, and on its way to every browser.';
      this.#text.value = '';
    } catch (error) {
      this.#outcome.textContent = `Not sent: ${error instanceof Error ? error.message : 'unknown error'}.`;
    } finally {
      this.#button.disabled = this.#states.get(LOBBY) !== 'joined';
      this.#text.focus();
    }
  }

  #showState(topic: string, state: TopicState, reason: string | null): void {
    this.#states.set(topic, state);
    this.#reasons.set(topic, reason);
    this.#render(state);
  }

  #render(latest: TopicState): void {
    const states = TOPICS.map((topic) => this.#states.get(topic) ?? 'joining');
    const live = states.every((state) => state === 'joined');
    const overall = live ? 'live' : states.includes('ended') ? 'ended' : latest === 'waiting' ? 'waiting' : 'connecting';
    this.#status.dataset['state'] = overall;
    this.#status.textContent = statusTexts[overall];
    this.#button.disabled = this.#states.get(LOBBY) !== 'joined';
    this.#topics.replaceChildren(...TOPICS.map((topic) => this.#topicRow(topic)));
  }

  #topicRow(topic: string): HTMLLIElement {
    const row = document.createElement('li');
    const state = this.#states.get(topic) ?? 'joining';
    const reason = this.#reasons.get(topic);
    row.dataset['topic'] = topic;
    row.dataset['state'] = state;
    const name = document.createElement('code');
    name.textContent = topic;
    row.append(name, ` ${state}${reason ? `: ${reason}` : ''}`);
    return row;
  }

  #showUsers(): void {
    for (const name of Object.keys(this.config.users)) {
      const label = document.createElement('label');
      const choice = document.createElement('input');
      choice.type = 'radio';
      choice.name = 'user';
      choice.value = name;
      choice.checked = name === this.user;
      choice.addEventListener('change', () => this.#become(name));
      label.append(choice, ` ${name}`);
      this.#users.append(label);
    }
  }
}

async function start(): Promise<void> {
  try {
    const config = await loadConfig();
    const names = Object.keys(config.users);
    const asked = new URLSearchParams(location.search).get('user');
    const user = asked !== null && names.includes(asked) ? asked : names[0];
    if (user === undefined) throw new Error('config.json names no user');
    new DemoPage(config, user);
  } catch (error) {
    const status = element('status', HTMLElement);
    status.dataset['state'] = 'failed';
    status.textContent = error instanceof Error ? error.message : 'the page could not start';
  }
}

void start();
