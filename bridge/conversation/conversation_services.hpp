// The services of conversations: those shared with HTTP, presence, and what is gathered of several clients.
#pragma once

#include "channel/services.hpp"
#include "conversation/gathered_cursors.hpp"
#include "conversation/gathered_edits.hpp"
#include "metrics/name_counts.hpp"
#include "metrics/refusals.hpp"
#include "presence/channel_presence.hpp"
#include "presence/presence.hpp"
#include "presence/session_presence.hpp"

namespace pg_live {

struct ConversationServices : Services {
  Presence &presence;
  ChannelPresence &channel_presence;
  SessionPresence &session_presence;
  GatheredEdits &edits;
  GatheredCursors &cursors;
  NameCounts &joins; // whose access was asked for, by how they ended: "ok", or the SQLSTATE of the refusal
  Refusals &refusals;
};

} // namespace pg_live
