// The roster of one topic in this process, with those who are told of it. For channel_presence.* and topic_roster.cpp.
#pragma once

#include "presence/roster.hpp"
#include "presence/xid_snapshot.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pg_live {

class PresenceSeat;

struct TopicRoster {
  std::string topic;
  bool is_private = false;
  Roster members;
  std::optional<XidSnapshot> snapshot; // that the members were read under; nothing: not read yet
  std::vector<std::string> held;       // changes that came while they were being read, as JSON
  std::vector<PresenceSeat *> seats;
  std::uint64_t reading = 0;  // which answer is waited for; 0: none
  bool keep_missing = false;  // members that the answer does not have may come back
  bool counted = false;       // too many members: their number is told instead
  std::size_t told_count = 0; // of members
  std::uint64_t told_at = 0;  // Loop::now() of the last count
  std::uint64_t flush_at = 0; // Loop::now(); 0: nothing to tell

  // What it is found by.
  std::string name() const { return (is_private ? "private:" : "public:") + topic; }
};

} // namespace pg_live
