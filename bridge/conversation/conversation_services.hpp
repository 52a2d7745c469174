// The services of conversations: those shared with HTTP, and presence.
#pragma once

#include "channel/services.hpp"
#include "presence/channel_presence.hpp"
#include "presence/presence.hpp"
#include "presence/session_presence.hpp"

namespace pg_live {

struct ConversationServices : Services {
  Presence &presence;
  ChannelPresence &channel_presence;
  SessionPresence &session_presence;
};

} // namespace pg_live
