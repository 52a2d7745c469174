// Owns every text that the elements show, in English; an app replaces them one by one, for a page or for an element.

export const english = {
  online: 'online', away: 'away', busy: 'busy', offline: 'offline', unknown: 'not known yet',
  now: 'active now',
  lastSeen: (ago: string) => `last seen ${ago}`,
  stale: 'connection lost, may be out of date',
  loading: 'Loading …',
  retry: 'Try again',
  failed: (reason: string) => `This cannot be shown: ${reason}`,
  lost: 'Connection lost. It comes back by itself.',
  noProvider: 'Not connected: call provide(connect({ … })).',
  feed: 'Activities', noActivities: 'Nothing has happened yet.', loadMore: 'Load more', end: 'That is all.', all: 'All',
  filter: 'Filter by type',
  unread: 'unread', markAllRead: 'Mark all as read',
  newActivities: (count: number) => (count === 1 ? '1 new' : `${count} new`),
  activity: (who: string, what: string, about: string) => `${who} ${what}${about ? ` ${about}` : ''}`,
  others: (names: string, count: number) => `${names} and ${count} ${count === 1 ? 'other' : 'others'}`,
  typing: (names: string, count: number) => `${names} ${count === 1 ? 'is' : 'are'} typing`,
  several: 'Several people are typing',
  users: 'Online', noUsers: 'Nobody is online.', you: 'you', message: (name: string) => `Message ${name}`,
  userCount: (count: number) => (count === 1 ? '1 person' : `${count} people`),
  editor: 'Shared text', saved: 'Saved', saving: 'Saving …', offlineEdits: 'Offline. What you write is kept and sent later.',
  readOnly: 'Read only', ended: (reason: string) => `Ended: ${reason}`, refused: (reason: string) => `An edit was refused: ${reason}`,
};

export type Texts = typeof english;

let current: Texts = english;

/** Replaces texts of all elements that are rendered from now on. */
export function setTexts(texts: Partial<Texts>): void {
  current = { ...current, ...texts };
}

export const currentTexts = (): Texts => current;

export type NameOf = (userId: string) => string;

let names: NameOf = (userId) => userId;

/** How users are called; the id if not given. Names are shown as text. */
export function setNames(nameOf: NameOf): void {
  names = nameOf;
}

export const currentNames: NameOf = (userId) => {
  const name: unknown = names(userId);
  return typeof name === 'string' && name !== '' ? name : userId;
};

const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3600], ['minute', 60]];

/** "5 minutes ago", in the language of the page; empty for what is no time. */
export function ago(time: string | null, now = Date.now()): string {
  const seconds = (Date.parse(time ?? '') - now) / 1000;
  if (Number.isNaN(seconds)) return '';
  const { ofTime: format } = formats();
  for (const [unit, length] of units) if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  return format.format(0, 'minute');
}

function language(): string | undefined {
  const asked = globalThis.document?.documentElement.lang;
  try {
    return asked ? Intl.getCanonicalLocales(asked)[0] : undefined;
  } catch {
    return undefined;
  }
}

interface Formats {
  of: string | undefined;
  ofTime: Intl.RelativeTimeFormat;
  ofList: Intl.ListFormat;
}

let made: Formats | null = null;

/** Those of the language of the page; they take long to make. */
function formats(): Formats {
  const of = globalThis.document?.documentElement.lang;
  if (made?.of !== of) made = null;
  return (made ??= { of, ofTime: new Intl.RelativeTimeFormat(language(), { numeric: 'auto' }), ofList: new Intl.ListFormat(language(), { type: 'conjunction' }) });
}

export const listed = (names: readonly string[]): string => (names.length === 1 ? names[0]! : formats().ofList.format(names));
