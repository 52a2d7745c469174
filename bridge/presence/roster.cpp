// Members, and what changed of them.
#include "presence/roster.hpp"

#include <utility>

namespace pg_live {

namespace {

// Null: there is no such member.
bool is_seen(const Member *member, std::string_view viewer) {
  return member != nullptr && (!member->hidden || (!viewer.empty() && member->user_id == viewer));
}

SeenMember seen(const ShownMember &member, std::string_view previous_ref = {}) {
  return {member.key, member.shown_ref, previous_ref, member.meta};
}

} // namespace

void Roster::count(const Member &member, int change) {
  if (!member.hidden) visible_ += static_cast<std::size_t>(change);
}

void Roster::note(const std::string &ref) {
  const auto found = members_.find(ref);
  before_.try_emplace(ref, found == members_.end() ? std::nullopt : std::optional(found->second));
}

// The replaced member as the clients know it; null if they do not.
const ShownMember *Roster::replaced_by(const std::string &ref) const {
  const auto replaced = replaced_.find(ref);
  const auto before = replaced == replaced_.end() ? before_.end() : before_.find(replaced->second);
  return before != before_.end() && before->second ? &*before->second : nullptr;
}

void Roster::put(const std::string &ref, Member member, const std::string &previous_ref) {
  const auto found = members_.find(ref);
  if (found != members_.end() && found->second == member) return;
  note(ref);
  if (!previous_ref.empty()) { // if the clients do not know it, the one before it
    const auto earlier = replaced_.find(previous_ref);
    replaced_[ref] = earlier == replaced_.end() ? previous_ref : earlier->second;
  }
  count(member, 1);
  if (found != members_.end()) count(found->second, -1);
  const std::optional<ShownMember> &before = before_.at(ref);
  const bool undone = before && *before == member;
  members_[ref] = {std::move(member), before ? before->shown_ref : ref};
  if (undone) before_.erase(ref);
}

bool Roster::pass_on(const std::string &ref, const std::string &new_ref, const Member &member) {
  const auto found = members_.find(ref);
  if (found == members_.end() || found->second != member || members_.contains(new_ref) || before_.contains(new_ref))
    return false;
  auto passed = members_.extract(found);
  passed.key() = new_ref;
  members_.insert(std::move(passed));
  if (auto before = before_.extract(ref)) {
    before.key() = new_ref;
    before_.insert(std::move(before));
  }
  if (auto replaced = replaced_.extract(ref)) {
    replaced.key() = new_ref;
    replaced_.insert(std::move(replaced));
  }
  return true;
}

void Roster::remove(const std::string &ref) {
  const auto found = members_.find(ref);
  if (found == members_.end()) return;
  note(ref);
  count(found->second, -1);
  members_.erase(found);
  if (before_.at(ref)) return;
  before_.erase(ref);
  replaced_.erase(ref);
}

void Roster::merge(const std::map<std::string, Member> &members) {
  for (const auto &[ref, member] : members)
    put(ref, member);
}

void Roster::replace(const std::map<std::string, Member> &members) {
  std::vector<std::string> gone;
  for (const auto &[ref, member] : members_)
    if (!members.contains(ref)) gone.push_back(ref);
  for (const std::string &ref : gone)
    remove(ref);
  merge(members);
}

PresenceDiff Roster::diff(std::string_view viewer) const {
  PresenceDiff diff;
  for (const auto &[ref, before] : before_) {
    const auto found = members_.find(ref);
    const ShownMember *now = found == members_.end() ? nullptr : &found->second;
    const bool was_seen = is_seen(before ? &*before : nullptr, viewer);
    const bool is_now_seen = is_seen(now, viewer);
    const bool same = was_seen && is_now_seen && before->key == now->key && before->meta == now->meta;
    const ShownMember *const replaced = replaced_by(ref);
    if (is_now_seen && !same)
      diff.joins.push_back(seen(*now, is_seen(replaced, viewer) ? replaced->shown_ref : std::string_view()));
    if (was_seen && (!is_now_seen || before->key != now->key)) diff.leaves.push_back(seen(*before));
  }
  return diff;
}

std::set<std::string, std::less<>> Roster::special_viewers() const {
  std::set<std::string, std::less<>> viewers;
  for (const auto &[ref, before] : before_)
    if (before && before->hidden) viewers.insert(before->user_id);
  if (visible_ == members_.size()) return viewers;
  for (const auto &[ref, member] : members_)
    if (member.hidden) viewers.insert(member.user_id);
  return viewers;
}

PresenceState Roster::state(std::string_view viewer) const {
  PresenceState state;
  for (const auto &[ref, member] : members_)
    if (is_seen(&member, viewer)) state.push_back(seen(member));
  return state;
}

} // namespace pg_live
