// Importing this file defines the elements, but for the editor, which has an entry of its own.
import { ActivityFeed } from './activity_feed';
import { define } from './element';
import { OnlineUsersList } from './online_users';
import { PresenceIndicator } from './presence_indicator';
import { TypingIndicator } from './typing_indicator';

define('presence-indicator', PresenceIndicator);
define('activity-feed', ActivityFeed);
define('typing-indicator', TypingIndicator);
define('online-users-list', OnlineUsersList);

export { connect, provide, providedLive } from '../stores/live';
export { setNames, setTexts, type NameOf, type Texts } from './texts';
export { ActivityFeed, OnlineUsersList, PresenceIndicator, TypingIndicator };

declare global {
  interface HTMLElementTagNameMap {
    'presence-indicator': PresenceIndicator;
    'activity-feed': ActivityFeed;
    'typing-indicator': TypingIndicator;
    'online-users-list': OnlineUsersList;
  }
}
