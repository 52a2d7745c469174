// Owns what an activity feed shows of a list of activities: which of them, in which groups, and the row of each group.
import type { Activity, Notification } from '../core/contract';
import { avatar, h } from './element';
import { ago, listed, type NameOf, type Texts } from './texts';

/** Activities that stand together in one row: of one type about one thing, one after the other. */
export interface Group {
  key: string;
  activities: readonly Activity[];
}

const longestGroup = 50;

const isAlike = (one: Activity, other: Activity): boolean =>
  one.activity_type === other.activity_type && one.entity_type === other.entity_type && one.entity_id === other.entity_id && one.entity_id !== null;

/** A group keeps its key, that of its oldest activity, while newer ones join it. */
export function grouped(activities: readonly Activity[], together: boolean): Group[] {
  const groups: { key: string; activities: Activity[] }[] = [];
  for (const activity of activities) {
    const last = groups.at(-1);
    const key = String(activity.id);
    if (together && last && last.activities.length < longestGroup && isAlike(last.activities[0]!, activity)) {
      last.activities.push(activity);
      last.key = key;
    } else groups.push({ key, activities: [activity] });
  }
  return groups;
}

export const isUnread = (activity: Activity): boolean => (activity as Partial<Notification>).read === false;

const asText = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');

/** What it is about: a title that the app put into the metadata, or the type and the id. */
function aboutOf({ metadata, entity_type, entity_id }: Activity): string {
  const title = typeof metadata === 'object' && metadata !== null ? asText((metadata as { title?: unknown }).title) : '';
  return title || [entity_type, entity_id].map(asText).filter(Boolean).join(' ');
}

const mostNames = 2;

export function sentence(group: Group, texts: Texts, nameOf: NameOf): string {
  const [first] = group.activities as [Activity];
  const names = [...new Set(group.activities.map(({ user_id }) => nameOf(asText(user_id))))];
  const who = names.length > mostNames + 1 ? texts.others(names.slice(0, mostNames).join(', '), names.length - mostNames) : listed(names);
  return texts.activity(who, asText(first.activity_type), aboutOf(first));
}

/** What changes a row that is there: it is made again when this is another text. */
export const shownOf = (group: Group, said: string): string => JSON.stringify([said, group.activities[0]!.created_at, isUnread(group.activities[0]!), group.activities[0]!.id < 0]);

export function rowOf(group: Group, said: string, texts: Texts, nameOf: NameOf): HTMLElement {
  const first = group.activities[0]!;
  const id = `activity-${group.key}`;
  const moment = Number.isNaN(Date.parse(first.created_at)) ? null : new Date(first.created_at);
  const time = h('time', { part: 'time', class: 'quiet', dir: 'auto', ...(moment ? { datetime: moment.toISOString(), title: moment.toLocaleString() } : {}) }, ago(first.created_at));
  const unread = isUnread(first) ? h('span', { class: 'unread', part: 'unread' }, texts.unread) : null;
  const isDraft = first.id < 0;
  return h(
    'article',
    { part: `activity${isDraft ? ' draft' : ''}`, class: isDraft ? 'draft' : '', role: 'article', tabindex: 0, 'aria-labelledby': id },
    avatar(asText(first.user_id), nameOf(asText(first.user_id))),
    h('div', { class: 'what' }, h('p', { id, part: 'sentence' }, said), time),
    unread,
  );
}
