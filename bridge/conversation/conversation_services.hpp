// The services of conversations: those shared with HTTP, presence, and what is gathered of several clients.
#pragma once

#include "channel/services.hpp"
#include "conversation/gathered_cursors.hpp"
#include "conversation/gathered_edits.hpp"
#include "presence/channel_presence.hpp"
#include "presence/presence.hpp"
#include "presence/session_presence.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace pg_live {

// Joins since the process began, by how they ended: "ok", or the SQLSTATE of the refusal.
using JoinTally = std::map<std::string, std::uint64_t>;

struct ConversationServices : Services {
  Presence &presence;
  ChannelPresence &channel_presence;
  SessionPresence &session_presence;
  GatheredEdits &edits;
  GatheredCursors &cursors;
  JoinTally &joins;
};

} // namespace pg_live
