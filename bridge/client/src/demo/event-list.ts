// Owns the list of events on the page, newest first. Invariant: at most `capacity` rows, so that a page left open for
// a week stays as light as a new one.
import type { LiveEvent } from '../core/stream';

const capacity = 200;
const longestText = 500;

export class EventList {
  constructor(
    private readonly list: HTMLOListElement,
    private readonly empty: HTMLElement,
  ) {}

  add(event: LiveEvent): void {
    this.empty.hidden = true;
    this.list.prepend(row(event));
    while (this.list.childElementCount > capacity) this.list.lastElementChild?.remove();
  }
}

function row(event: LiveEvent): HTMLLIElement {
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
    part('span', 'topic', event.topic),
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

/** One line for a person. `from` is what the sender claims: the demo shows it and trusts it with nothing. */
function describe(event: LiveEvent): string {
  const payload = event.payload as { from?: unknown; text?: unknown } | null | undefined;
  if (typeof payload?.from === 'string' && typeof payload.text === 'string') {
    return shorten(`${payload.from}: ${payload.text}`);
  }
  return shorten(JSON.stringify(event.payload) ?? '');
}

function shorten(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)} …` : text;
}
