// The members of one channel, and what has changed since the clients were told last. Pure: it knows neither connections
// nor the database.
// Invariants: a change that is undone before the clients are told is no change; state() is exactly what a client knows
// that was told every diff so far; a hidden member exists for its own user only; a member that goes on under another
// ref, with nothing changed, is shown under the ref that the clients know; a member with other metadata has another
// ref, and its diff says which one it takes the place of.
#pragma once

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
  // Adds a member, or changes the one with that ref. `previous_ref`: of the member that it takes the place of; empty
  // for none. That one is removed after this.
  void put(const std::string &ref, Member member, const std::string &previous_ref = "");
  void remove(const std::string &ref);
  // The member with the ref goes on under another one. False if there is none, or it is not the same.
  bool pass_on(const std::string &ref, const std::string &new_ref, const Member &member);

  // Makes these all the members there are; or adds them to those there are.
  void replace(const std::map<std::string, Member> &members);
  void merge(const std::map<std::string, Member> &members);

  bool has_changes() const { return !before_.empty(); }
  std::size_t visible() const { return visible_; } // members that are not hidden

  // What changed, for one viewer: {"joins":{key:{"metas":[{"phx_ref":ref,…}]}},"leaves":{…}}; empty if nothing did.
  // Who joins in the place of a member that leaves has the ref of that one as "phx_ref_prev": it is an update.
  std::string diff(std::string_view viewer) const;
  // Users who are told something else than the others, with the next diff or in the state.
  std::set<std::string, std::less<>> special_viewers() const;
  // Everyone was told the diff.
  void told() {
    before_.clear();
    replaced_.clear();
  }

  // All members, as one viewer sees them: {key:{"metas":[…]}}. Only when there is nothing that was not told.
  std::string state(std::string_view viewer) const;

 private:
  void note(const std::string &ref);
  void count(const Member &member, int change);
  const ShownMember *replaced_by(const std::string &ref) const;

  std::map<std::string, ShownMember> members_;               // by ref
  std::map<std::string, std::optional<ShownMember>> before_; // of those that changed: what was told of them
  std::map<std::string, std::string> replaced_;              // by ref: the ref of the member it takes the place of
  std::size_t visible_ = 0;
};

} // namespace pg_live
