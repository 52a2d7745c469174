// Batches: filling them, taking from them, and putting back what was held up.
#include "presence_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMostOfBatch = 1000;
constexpr std::size_t kMostMemberBytes = 512 << 10; // of one batch

template <typename Item>
std::vector<Item> take_some(std::vector<Item> &from) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), kMostOfBatch));
  std::vector<Item> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

std::size_t size_of(const PresentConnection &) { return 0; }
std::size_t size_of(const TrackedMember &member) { return member.meta.size(); }

template <typename Map>
Map take_some(Map &from, std::size_t most) {
  Map taken;
  std::size_t bytes = 0;
  while (!from.empty() && taken.size() < most && bytes < kMostMemberBytes) {
    bytes += size_of(from.begin()->second);
    taken.insert(from.extract(from.begin()));
  }
  return taken;
}

template <typename Item>
void append(std::vector<Item> &to, const std::vector<Item> &from) {
  to.insert(to.end(), from.begin(), from.end());
}

} // namespace

bool PresenceBatch::empty() const {
  return connects.empty() && active.empty() && tracked.empty() && untracked.empty() && closed.empty() && broken.empty();
}

void PresenceBatch::add(PresenceBatch later) {
  connects.merge(later.connects);
  append(active, later.active);
  tracked.merge(later.tracked);
  append(untracked, later.untracked);
  append(closed, later.closed);
  append(broken, later.broken);
}

void PresenceQueue::connect(PresentConnection connection) {
  const Uuid id = connection.id;
  waiting_.connects.insert_or_assign(id, std::move(connection));
  filled_();
}

// Also of a connection that was not told yet: it may have been told by the node this one was before, or track
// something.
void PresenceQueue::disconnect(const Uuid &connection, bool clean) {
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_})
    batch->connects.erase(connection);
  (clean ? waiting_.closed : waiting_.broken).push_back(connection);
  filled_();
}

void PresenceQueue::report_activity(const Uuid &connection) {
  waiting_.active.push_back(connection);
  filled_();
}

// One call cannot store a member and end it: the one that is replaced need not be stored any more.
void PresenceQueue::track(TrackedMember member) {
  forget(member.previous_ref);
  std::string ref = member.ref;
  waiting_.tracked.insert_or_assign(std::move(ref), std::move(member));
  filled_();
}

void PresenceQueue::untrack(const std::string &ref) {
  forget(ref);
  waiting_.untracked.push_back(ref);
  filled_();
}

void PresenceQueue::forget(const std::string &ref) {
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_})
    batch->tracked.erase(ref);
}

bool PresenceQueue::is_telling(const Uuid &connection) const {
  return waiting_.connects.contains(connection) || sent_.connects.contains(connection);
}

const PresenceBatch &PresenceQueue::send() {
  sent_.connects = take_some(waiting_.connects, kMostOfBatch);
  sent_.active = take_some(waiting_.active);
  sent_.tracked = take_some(waiting_.tracked, one_by_one_ ? 1 : kMostOfBatch);
  sent_members_ = sent_.tracked.size();
  sent_.untracked = take_some(waiting_.untracked);
  sent_.closed = take_some(waiting_.closed);
  sent_.broken = take_some(waiting_.broken);
  return sent_;
}

void PresenceQueue::members_stored(MemberHolder &holder, const HeldNames &held) {
  auto members = std::exchange(sent_.tracked, {});
  for (const std::string_view ref : held)
    if (auto member = members.extract(std::string(ref))) later_.tracked.insert(std::move(member));
  for (const auto &[ref, member] : members)
    holder.stored(ref);
  if (waiting_.tracked.empty()) one_by_one_ = false;
}

void PresenceQueue::members_refused(MemberHolder &holder, const DatabaseError &error) {
  append(waiting_.untracked, std::exchange(sent_.untracked, {}));
  auto members = std::exchange(sent_.tracked, {});
  if (sent_members_ > 1) {
    one_by_one_ = true;
    waiting_.tracked.merge(members);
    return;
  }
  for (const auto &[ref, member] : members)
    holder.refused(ref, error);
  if (waiting_.tracked.empty()) one_by_one_ = false;
}

void PresenceQueue::ended(PresencePart part, const HeldNames &held) {
  const bool clean = part == PresencePart::closed;
  const std::vector<Uuid> &connections = clean ? sent_.closed : sent_.broken;
  std::copy_if(connections.begin(), connections.end(), std::back_inserter(clean ? later_.closed : later_.broken),
               [&](const Uuid &id) { return held.contains(id.text()); });
}

void PresenceQueue::postpone(PresencePart part) {
  PresenceBatch again;
  switch (part) {
  case PresencePart::connects:
    again.connects.swap(sent_.connects);
    break;
  case PresencePart::members:
    again.tracked.swap(sent_.tracked);
    again.untracked.swap(sent_.untracked);
    break;
  case PresencePart::closed:
    again.closed.swap(sent_.closed);
    break;
  case PresencePart::broken:
    again.broken.swap(sent_.broken);
    break;
  }
  later_.add(std::move(again));
}

void PresenceQueue::resume() {
  waiting_.add(std::exchange(later_, {}));
  filled_();
}

void PresenceQueue::clear() {
  waiting_ = {};
  later_ = {};
}

} // namespace pg_live
