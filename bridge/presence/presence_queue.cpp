// Fills batches, sends from them, and puts back what met a locked row.
#include "presence/presence_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxBatchItems = 1000;
constexpr std::size_t kMaxBatchBytes = 512 << 10; // of one batch

template <typename Item>
std::vector<Item> extract_some(std::vector<Item> &from) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), kMaxBatchItems));
  std::vector<Item> extracted(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return extracted;
}

std::size_t size_of(const PresentConnection &) { return 0; }
std::size_t size_of(const TrackedMember &member) { return member.meta.size(); }

template <typename Map>
Map extract_some(Map &from, std::size_t max) {
  Map extracted;
  std::size_t bytes = 0;
  while (!from.empty() && extracted.size() < max && bytes < kMaxBatchBytes) {
    bytes += size_of(from.begin()->second);
    extracted.insert(from.extract(from.begin()));
  }
  return extracted;
}

// Removes the connections without a member in the batch: a batch ends broken connections before it stores members.
std::vector<Uuid> extract_broken(std::vector<Uuid> &from,
                                 const std::unordered_map<std::string, TrackedMember> &tracked) {
  if (from.empty()) return {};
  std::unordered_set<Uuid, UuidHash> tracking;
  for (const auto &[ref, member] : tracked)
    tracking.insert(member.connection);
  const auto wait =
      std::stable_partition(from.begin(), from.end(), [&](const Uuid &id) { return !tracking.contains(id); });
  std::vector<Uuid> waiting(wait, from.end());
  from.erase(wait, from.end());
  std::vector<Uuid> extracted = extract_some(from);
  from.insert(from.end(), waiting.begin(), waiting.end());
  return extracted;
}

std::set<SessionVisit> extract_some(std::set<SessionVisit> &from) {
  std::set<SessionVisit> extracted;
  while (!from.empty() && extracted.size() < kMaxBatchItems)
    extracted.insert(from.extract(from.begin()));
  return extracted;
}

std::set<SessionVisit> extract_of(std::set<SessionVisit> &from, const Uuid &connection) {
  std::set<SessionVisit> extracted;
  for (auto visit = from.lower_bound({connection, Uuid{}}); visit != from.end() && visit->connection == connection;)
    extracted.insert(from.extract(visit++));
  return extracted;
}

void keep_locked(std::set<SessionVisit> &sent, std::set<SessionVisit> &later, const LockedNames &locked) {
  for (const SessionVisit &visit : std::exchange(sent, {}))
    if (locked.contains(visit.name())) later.insert(visit);
}

void keep_locked(const std::vector<Uuid> &sent, std::vector<Uuid> &later, const LockedNames &locked) {
  std::copy_if(sent.begin(), sent.end(), std::back_inserter(later),
               [&](const Uuid &id) { return locked.contains(id.text()); });
}

template <typename Item>
void append(std::vector<Item> &to, const std::vector<Item> &from) {
  to.insert(to.end(), from.begin(), from.end());
}

} // namespace

bool PresenceBatch::empty() const {
  return connects.empty() && uses.empty() && tracked.empty() && untracked.empty() && entered.empty() &&
         exited.empty() && closed.empty() && broken.empty();
}

void PresenceBatch::add(PresenceBatch later) {
  connects.merge(later.connects);
  append(uses, later.uses);
  tracked.merge(later.tracked);
  append(untracked, later.untracked);
  entered.merge(later.entered);
  exited.merge(later.exited);
  append(closed, later.closed);
  append(broken, later.broken);
}

PresenceQueue::PresenceQueue(std::function<void()> filled) : filled_(std::move(filled)), max_members_(kMaxBatchItems) {}

void PresenceQueue::connect(PresentConnection connection) {
  const Uuid id = connection.id;
  waiting_.connects.insert_or_assign(id, std::move(connection));
  filled_();
}

// Queues the end even of a connection that was not sent: the former node may have asserted it, or it may track
// members.
void PresenceQueue::disconnect(const Uuid &connection, Ending ending) {
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_}) {
    batch->connects.erase(connection);
    extract_of(batch->entered, connection);
    extract_of(batch->exited, connection);
  }
  (ending == Ending::closed ? waiting_.closed : waiting_.broken).push_back(connection);
  filled_();
}

void PresenceQueue::report_use(const ReportedUse &use) {
  waiting_.uses.push_back(use);
  filled_();
}

// One call cannot both store and end a member, so a member that is replaced before it was stored is dropped.
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

// Of a visit that began and ended several times, the last state counts.
void PresenceQueue::enter(const SessionVisit &visit) {
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_})
    batch->exited.erase(visit);
  waiting_.entered.insert(visit);
  filled_();
}

void PresenceQueue::exit(const SessionVisit &visit) {
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_})
    batch->entered.erase(visit);
  waiting_.exited.insert(visit);
  filled_();
}

bool PresenceQueue::is_connecting(const Uuid &connection) const {
  return waiting_.connects.contains(connection) || sent_.connects.contains(connection);
}

const PresenceBatch &PresenceQueue::start_batch(const std::function<bool(const std::string &)> &can_store) {
  sent_.connects = extract_some(waiting_.connects, kMaxBatchItems);
  if (can_store) std::erase_if(sent_.connects, [&](const auto &each) { return !can_store(each.second.user_id); });
  sent_.uses = extract_some(waiting_.uses);
  sent_.tracked = extract_some(waiting_.tracked, max_members_);
  sent_members_ = sent_.tracked.size();
  sent_.untracked = extract_some(waiting_.untracked);
  sent_.entered = extract_some(waiting_.entered);
  sent_.exited = extract_some(waiting_.exited);
  sent_.closed = extract_some(waiting_.closed);
  sent_.broken = extract_broken(waiting_.broken, sent_.tracked);
  return sent_;
}

void PresenceQueue::members_stored(MemberOwner &owner, const LockedNames &locked) {
  auto members = std::exchange(sent_.tracked, {});
  for (const std::string_view ref : locked)
    if (auto member = members.extract(std::string(ref))) later_.tracked.insert(std::move(member));
  for (const std::string &ref : std::exchange(sent_.untracked, {}))
    if (locked.contains(ref)) later_.untracked.push_back(ref);
  max_members_ = std::min(max_members_ * 2, kMaxBatchItems);
  for (const auto &[ref, member] : members)
    owner.stored(ref);
}

void PresenceQueue::members_refused(MemberOwner &owner, const DatabaseError &error, const PresenceRefusals &refusals) {
  append(waiting_.untracked, std::exchange(sent_.untracked, {}));
  auto members = std::exchange(sent_.tracked, {});
  PresenceRefusals found = refusals;
  if (found.empty() && sent_members_ > 1) {
    max_members_ = sent_members_ / 2;
  } else if (found.empty()) {
    max_members_ = std::min(max_members_ * 2, kMaxBatchItems);
    for (const auto &[ref, member] : members)
      found.emplace_back(ref, error);
  }
  std::erase_if(found, [&](const auto &refusal) { return members.erase(refusal.first) == 0; });
  waiting_.tracked.merge(members);
  for (const auto &[ref, reason] : found)
    owner.refused(ref, reason);
}

void PresenceQueue::grow_older(MemberOwner &owner, const DatabaseError &error) {
  std::vector<std::string> overdue;
  for (PresenceBatch *batch : {&waiting_, &sent_, &later_})
    for (auto &[ref, member] : batch->tracked)
      if (member.age++ > 0) overdue.push_back(ref);
  for (const std::string &ref : overdue)
    owner.overdue(ref, error);
}

void PresenceQueue::note_connected(const LockedNames &locked) {
  for (const auto &[id, connection] : sent_.connects) {
    if (!locked.contains(id.text())) continue;
    later_.connects.emplace(id, connection);
    later_.entered.merge(extract_of(sent_.entered, id));
  }
}

void PresenceQueue::note_done(PresencePart part, const LockedNames &locked) {
  switch (part) {
  case PresencePart::connects:
    return note_connected(locked);
  case PresencePart::entered:
    return keep_locked(sent_.entered, later_.entered, locked);
  case PresencePart::exited:
    return keep_locked(sent_.exited, later_.exited, locked);
  case PresencePart::closed:
    return keep_locked(sent_.closed, later_.closed, locked);
  case PresencePart::broken:
    return keep_locked(sent_.broken, later_.broken, locked);
  case PresencePart::members:
    return; // see members_stored()
  }
}

void PresenceQueue::postpone(PresencePart part) {
  PresenceBatch again;
  switch (part) {
  case PresencePart::connects:
    again.connects.swap(sent_.connects);
    for (const auto &[id, connection] : again.connects)
      again.entered.merge(extract_of(sent_.entered, id));
    break;
  case PresencePart::entered:
    again.entered.swap(sent_.entered);
    break;
  case PresencePart::exited:
    again.exited.swap(sent_.exited);
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
  max_members_ = kMaxBatchItems;
}

} // namespace pg_live
