// Owns the demo page: two visitors side by side, and the events that both receive.
import '../elements';
import '../elements/editor';
import { setNames } from '../elements';
import { loadConfig, type DemoConfig } from './config';
import { EventList } from './event-list';
import { Pane } from './pane';
import { nameOf } from './people';

const statusTexts = { live: 'Live', off: 'Cut off', waiting: 'Waiting to reconnect', connecting: 'Connecting' };

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} named ${id}`);
  return found;
}

const status = element('status', HTMLElement);

function openPanes({ users }: DemoConfig, chosen: [string, string]): void {
  const events = new EventList(element('events', HTMLOListElement), element('empty', HTMLElement));
  const panes: Pane[] = [];
  const show = () => {
    const states = panes.map(({ state }) => state);
    const overall = (['off', 'waiting', 'connecting'] as const).find((state) => states.includes(state)) ?? 'live';
    if (status.dataset['state'] === overall) return;
    status.dataset['state'] = overall;
    status.textContent = statusTexts[overall];
  };
  /** One visitor is in one pane: whom the other pane has goes to this one in exchange. */
  const choose = (at: number, user: string) => {
    const [pane, other] = [panes[at]!, panes[1 - at]!];
    const before = pane.user;
    pane.become(user);
    if (other.user === user) other.become(before);
    history.replaceState(null, '', `?${new URLSearchParams({ user: panes[0]!.user })}`);
  };
  for (const [at, side] of ['left', 'right'].entries()) {
    const pane = new Pane(element('pane', HTMLTemplateElement), chosen[at]!, {
      side,
      users: Object.keys(users),
      tokenOf: (user) => users[user]!,
      onEvent: (event, user) => events.add(event, user),
      onSending: (payload) => events.sending(payload),
      onState: show,
      onChosen: (user) => choose(at, user),
    });
    panes.push(pane);
    element('panes', HTMLElement).append(pane.element);
  }
}

async function start(): Promise<void> {
  try {
    const config = await loadConfig();
    const names = Object.keys(config.users);
    const asked = new URLSearchParams(location.search).get('user');
    const user = asked !== null && names.includes(asked) ? asked : names[0];
    const other = names.find((name) => name !== user);
    if (user === undefined || other === undefined) throw new Error('config.json needs two users');
    setNames(nameOf);
    openPanes(config, [user, other]);
  } catch (error) {
    status.dataset['state'] = 'failed';
    status.textContent = error instanceof Error ? error.message : 'the page could not start';
  }
}

void start();
