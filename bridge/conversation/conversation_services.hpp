// The services of conversations: those shared with HTTP, and presence.
#pragma once

#include "channel/services.hpp"
#include "presence/channel_presence.hpp"
#include "presence/presence.hpp"

namespace pg_live {

struct ConversationServices : Services {
  Presence &presence;
  ChannelPresence &channel_presence;
};

} // namespace pg_live
