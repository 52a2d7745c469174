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
#include <string_view>

namespace pg_live {

// Joins whose access was asked for since the process began, by how they ended: "ok", or the SQLSTATE of the refusal,
// and "other" once there are many, since rules of an app may raise any.
class JoinTally {
 public:
  void note(std::string_view result) {
    const std::string name(result);
    ++counts_[counts_.size() < kMaxResults || counts_.contains(name) ? name : "other"];
  }
  const std::map<std::string, std::uint64_t> &counts() const { return counts_; }

 private:
  static constexpr std::size_t kMaxResults = 50;

  std::map<std::string, std::uint64_t> counts_;
};

struct ConversationServices : Services {
  Presence &presence;
  ChannelPresence &channel_presence;
  SessionPresence &session_presence;
  GatheredEdits &edits;
  GatheredCursors &cursors;
  JoinTally &joins;
};

} // namespace pg_live
