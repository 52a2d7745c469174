// The members of one channel, and their changes since the last diff. Pure: it sees neither connections nor the
// database. Invariants: a change that is undone before the next diff is none; state() equals what a client has that
// applied every diff so far; a hidden member is visible to its own user only; a member that continues under another
// ref, otherwise unchanged, is shown under the ref that the clients know; a member with new metadata has a new ref, and
// its diff names the ref that it replaces.
#pragma once

#include "wire/presence_change.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

struct Member {
  std::string key;
  std::string user_id; // empty: anonymous
  bool hidden = false; // from everyone but its user
  std::string meta;    // JSON object
  bool operator==(const Member &) const = default;
};

// A member and the ref under which clients know it.
struct ShownMember : Member {
  std::string shown_ref;
};

class Roster {
 public:
  // Adds a member, or changes the one with that ref. `previous_ref`: of the member it replaces, which the caller
  // removes afterwards; empty for none.
  void put(const std::string &ref, Member member, const std::string &previous_ref = "");
  void remove(const std::string &ref);
  // Continues the member under another ref. False if there is no such member, or it differs from `member`.
  bool pass_on(const std::string &ref, const std::string &new_ref, const Member &member);

  // Replaces all members by these; merge() keeps the others.
  void replace(const std::map<std::string, Member> &members);
  void merge(const std::map<std::string, Member> &members);

  bool has_changes() const { return !before_.empty(); }
  std::size_t visible() const { return visible_; } // members that are not hidden

  // What changed, for one viewer.
  PresenceDiff diff(std::string_view viewer) const;
  // Users for whom the next diff or the state may differ from that of the others.
  std::set<std::string, std::less<>> special_viewers() const;
  // Begins the next diff.
  void forget_changes() {
    before_.clear();
    replaced_.clear();
  }

  // All members that one viewer sees. Only when has_changes() is false.
  PresenceState state(std::string_view viewer) const;

 private:
  void note(const std::string &ref);
  void count(const Member &member, int change);
  const ShownMember *replaced_by(const std::string &ref) const;

  std::map<std::string, ShownMember> members_;               // by ref
  std::map<std::string, std::optional<ShownMember>> before_; // of changed refs: the member that the clients know
  std::map<std::string, std::string> replaced_;              // by ref: the ref of the member it takes the place of
  std::size_t visible_ = 0;
};

} // namespace pg_live
