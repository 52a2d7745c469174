// Who is there in a channel, and what has changed, as one viewer sees it. A codec encodes it.
//
// Invariant: the views are valid until the roster that they come from changes.
#pragma once

#include <string_view>
#include <vector>

namespace pg_live {

struct SeenMember {
  std::string_view key;
  std::string_view ref;          // under which the viewer knows it
  std::string_view previous_ref; // of the member that it replaces; empty: none
  std::string_view meta;         // JSON object
};

// The members of one key stand together in what clients get, in the order they have here.
using PresenceState = std::vector<SeenMember>;

// A member that is in both with one key is an update.
struct PresenceDiff {
  std::vector<SeenMember> joins;
  std::vector<SeenMember> leaves;

  bool empty() const { return joins.empty() && leaves.empty(); }
};

} // namespace pg_live
