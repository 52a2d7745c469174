// Owns the list of events on the page, newest first, and who of the visitors received each, how long after it was written.
// Invariants: at most `capacity` rows, so that a page left open for a week stays as light as a new one; text from outside is
// shown as text (textContent) and never read as markup.
import type { LiveEvent } from '../core';
import { nameOf } from './people';

const capacity = 200;
const longestText = 500;
/** Milliseconds; what took longer was missed and brought later, or comes from a machine with another clock. */
const longestLatency = 60_000;
/** How far back a signal that another visitor received is looked for. */
const recent = 20;

/** Where each of several writers is in a text: too many to read. */
const unlisted = new Set(['collab:cursor', 'collab:cursors']);

export class EventList {
  /** When this page sent a payload, by its JSON. */
  readonly #sent = new Map<string, number>();

  constructor(
    private readonly list: HTMLOListElement,
    private readonly empty: HTMLElement,
  ) {}

  /** A message has no time of its own: its latency counts from here. */
  sending(payload: object): void {
    this.#sent.set(JSON.stringify(payload), Date.now());
    if (this.#sent.size > capacity) this.#sent.delete(this.#sent.keys().next().value!);
  }

  /** An event that several visitors of the page receive is one row. */
  add(event: LiveEvent, receiver: string): void {
    if (unlisted.has(event.event)) return;
    this.empty.hidden = true;
    const key = JSON.stringify([event.topic, event.event, event.position ?? event.payload]);
    const row = this.#known(key, receiver, event.position === null ? recent : capacity) ?? this.#insert(event, key);
    const since = writtenAt(event) ?? this.#sent.get(JSON.stringify(event.payload)) ?? null;
    // Two frames later the row has been painted.
    requestAnimationFrame(() => requestAnimationFrame(() => row.querySelector('.receivers')?.append(receipt(receiver, since))));
    row.dataset['receivers'] = `${row.dataset['receivers'] ?? ''} ${receiver} `;
  }

  #known(key: string, receiver: string, depth: number): HTMLElement | null {
    for (let at = 0; at < Math.min(depth, this.list.children.length); at++) {
      const row = this.list.children[at] as HTMLElement;
      if (row.dataset['key'] === key && !row.dataset['receivers']?.includes(` ${receiver} `)) return row;
    }
    return null;
  }

  #insert(event: LiveEvent, key: string): HTMLElement {
    const row = rowOf(event);
    row.dataset['key'] = key;
    this.list.prepend(row);
    while (this.list.childElementCount > capacity) this.list.lastElementChild?.remove();
    return row;
  }
}

/** The time in the row that the event tells of; null: it has none. */
function writtenAt({ event, payload }: LiveEvent): number | null {
  const { created_at } = (payload ?? {}) as { created_at?: unknown };
  const time = event === 'activity:new' && typeof created_at === 'string' ? Date.parse(created_at) : NaN;
  return Number.isNaN(time) ? null : time;
}

function receipt(receiver: string, since: number | null): HTMLElement {
  const took = since === null ? null : Math.round(Date.now() - since);
  const isSane = took !== null && took >= 0 && took < longestLatency;
  return part('span', 'receiver', isSane ? `${nameOf(receiver)} ${took} ms` : nameOf(receiver));
}

function rowOf(event: LiveEvent): HTMLLIElement {
  const item = document.createElement('li');
  item.dataset['testid'] = 'event';
  item.dataset['topic'] = event.topic;
  item.dataset['event'] = event.event;
  if (event.position !== null) item.dataset['position'] = event.position;
  const now = new Date();
  const time = part('time', 'time', now.toLocaleTimeString());
  time.setAttribute('datetime', now.toISOString());
  item.append(
    part('p', 'what', describe(event)),
    part('span', 'receivers', ''),
    part('code', 'topic', event.topic),
    part('span', 'name', event.event),
    part('span', 'position', event.position === null ? 'signal' : `at ${event.position}`),
    time,
  );
  return item;
}

function part(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const words = (...parts: unknown[]): string => parts.filter(isText).join(' ');
const named = (userId: unknown): string => (isText(userId) ? nameOf(userId) : '');

/** One line for a person; null: as JSON. */
function sentence(event: string, payload: Record<string, unknown>): string | null {
  const { from, text, user_id, user_ids, status, activity_type, entity_id, metadata, version, role, is_active } = payload;
  // `from` is what the sender claims: the demo shows it and trusts it with nothing.
  if (typeof from === 'string' && typeof text === 'string') return `${from}: ${text}`;
  if (event === 'activity:new') return words(named(user_id), activity_type, (metadata as { title?: unknown } | null | undefined)?.title ?? entity_id);
  if (event === 'presence:update') return words(named(user_id), 'is', status);
  if (event === 'typing:indicator' && Array.isArray(user_ids)) return user_ids.length ? words(user_ids.map(named).join(', '), 'typing') : 'nobody types';
  if (event === 'collab:edit') return words(named(user_id), 'edited the note, version', String(version));
  if (event === 'collab:user_joined') return words(named(user_id), 'opened the note as', role);
  if (event === 'collab:user_changed') return words(named(user_id), is_active === true ? 'is at the note' : 'is away from the note');
  if (event === 'collab:user_left') return words(named(user_id), 'left the note');
  return null;
}

function describe({ event, payload }: LiveEvent): string {
  const isObject = typeof payload === 'object' && payload !== null;
  return shorten((isObject && sentence(event, payload as Record<string, unknown>)) || (JSON.stringify(payload) ?? ''));
}

function shorten(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)} …` : text;
}
