// The steps from a wish to what the database has.
#include "presence/tracker.hpp"

#include "base/sqlstate.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxWishes = 100; // of one channel, unanswered

} // namespace

std::vector<std::string> Tracking::pop_messages() {
  std::vector<std::string> messages = std::exchange(sending_messages_, {});
  messages.insert(messages.end(), wish_messages_.begin(), wish_messages_.end());
  wish_messages_.clear();
  return messages;
}

std::optional<DatabaseError> Tracker::wish(Tracking &tracking, std::optional<std::string> meta,
                                           std::string message_ref) {
  if (tracking.wish_messages_.size() >= kMaxWishes)
    return DatabaseError{sqlstate::kConfigurationLimitExceeded, "too many changes are waiting", ""};
  const std::string owner = owner_of(tracking);
  const std::size_t bytes = bytes_with(tracking, meta);
  if (meta)
    if (auto error = excess_of(tracking, owner, bytes)) return error;
  tracking.wish_ = std::move(meta);
  tracking.is_withdrawn_ = false;
  tracking.wish_messages_.push_back(std::move(message_ref));
  count(tracking, owner, bytes);
  advance(tracking);
  recount(tracking);
  return std::nullopt;
}

void Tracker::check(Tracking &tracking) {
  const std::string owner = owner_of(tracking);
  const std::size_t bytes = bytes_with(tracking, tracking.wish_);
  if (owner != tracking.counted_for_)
    if (const auto error = excess_of(tracking, owner, bytes)) return withdraw(tracking, *error);
  count(tracking, owner, bytes);
  advance(tracking);
  recount(tracking);
}

void Tracker::withdraw(Tracking &tracking, const DatabaseError &error) {
  if (tracking.wish_)
    for (const std::string &message : std::exchange(tracking.wish_messages_, {}))
      tracking.channel_.answer(message, error);
  reset_wish(tracking);
  count(tracking, owner_of(tracking), bytes_with(tracking, tracking.wish_));
  advance(tracking);
  recount(tracking);
}

void Tracker::reset_wish(Tracking &tracking) {
  tracking.wish_.reset();
  tracking.is_withdrawn_ = true;
}

void Tracker::leave(Tracking &tracking, Departure departure) {
  for (Tracking::Entry *entry : {&tracking.stored_, &tracking.sending_}) {
    if (entry->ref.empty()) continue;
    if (departure == Departure::of_connection && entry->connection == tracking.channel_.connection()) {
      queue_.forget(entry->ref);
    } else {
      queue_.untrack(entry->ref);
    }
    forget(*entry);
  }
  count(tracking, tracking.counted_for_, 0);
}

void Tracker::forget(Tracking::Entry &entry) {
  if (!entry.ref.empty()) by_ref_.erase(entry.ref);
  entry = {};
}

bool Tracker::is_as_wished(const Tracking &tracking) {
  const Tracking::Entry &stored = tracking.stored_;
  if (stored.ref.empty() || !tracking.wish_) return stored.ref.empty() && !tracking.wish_;
  return !stored.lost && stored.meta == *tracking.wish_ && stored.user_id == tracking.channel_.user_id() &&
         stored.connection == tracking.channel_.connection();
}

void Tracker::advance(Tracking &tracking) {
  if (!tracking.sending_.ref.empty() || !tracking.channel_.is_settled()) return;
  if (!is_as_wished(tracking) && tracking.wish_) {
    tracking.sending_.ref = ref_prefix_ + std::to_string(++last_ref_);
    tracking.sending_.user_id = tracking.channel_.user_id();
    tracking.sending_.meta = *tracking.wish_;
    tracking.sending_messages_ = std::exchange(tracking.wish_messages_, {});
    return store(tracking, tracking.sending_, tracking.stored_.ref);
  }
  if (!is_as_wished(tracking)) {
    queue_.untrack(tracking.stored_.ref);
    forget(tracking.stored_);
  }
  for (const std::string &message : std::exchange(tracking.wish_messages_, {}))
    tracking.channel_.answer(message, {});
}

void Tracker::store(Tracking &tracking, Tracking::Entry &entry, const std::string &previous_ref) {
  by_ref_[entry.ref] = &tracking;
  TrackedMember member = tracking.channel_.create_member();
  member.ref = entry.ref;
  member.previous_ref = previous_ref;
  member.user_id = entry.user_id;
  member.meta = entry.meta;
  entry.connection = member.connection;
  queue_.track(std::move(member));
}

// It can be lost before it is known to have been stored: signals and answers come by different ways.
void Tracker::lost(const std::string &ref, LossCause cause) {
  const auto own = by_ref_.find(ref);
  if (own == by_ref_.end()) return;
  Tracking &tracking = *own->second;
  if (cause == LossCause::user) reset_wish(tracking);
  if (ref == tracking.sending_.ref) {
    tracking.sending_.lost = true;
    return;
  }
  queue_.forget(ref);
  tracking.stored_.lost = true;
  if (cause == LossCause::user) forget(tracking.stored_);
  advance(tracking);
  recount(tracking);
}

// Of what is being replaced only the replacement: stored again after it, the former member would stay.
void Tracker::store_everything() {
  for (const auto &[ref, tracking] : std::unordered_map(by_ref_)) {
    if (ref == tracking->sending_.ref) {
      tracking->sending_.lost = false;
      store(*tracking, tracking->sending_, tracking->stored_.ref);
    } else if (tracking->sending_.ref.empty()) {
      store(*tracking, tracking->stored_, "");
    }
  }
}

Tracking *Tracker::sending(const std::string &ref) const {
  const auto found = by_ref_.find(ref);
  return found != by_ref_.end() && found->second->sending_.ref == ref ? found->second : nullptr;
}

void Tracker::stored(const std::string &ref) {
  Tracking *tracking = sending(ref);
  if (tracking == nullptr) return;
  forget(tracking->stored_);
  tracking->stored_ = std::exchange(tracking->sending_, {});
  for (const std::string &message : std::exchange(tracking->sending_messages_, {}))
    tracking->channel_.answer(message, {});
  advance(*tracking);
  recount(*tracking);
}

void Tracker::refused(const std::string &ref, const DatabaseError &error) {
  Tracking *tracking = sending(ref);
  if (tracking == nullptr) return;
  forget(tracking->sending_);
  for (const std::string &message : std::exchange(tracking->sending_messages_, {}))
    tracking->channel_.answer(message, error);
  const bool is_stored = !tracking->stored_.ref.empty();
  // Without a later wish the channel stays as it was, unless the refused wish was withdrawn in the meantime.
  if (tracking->wish_messages_.empty() && !tracking->is_withdrawn_)
    tracking->wish_ = is_stored ? std::optional(tracking->stored_.meta) : std::nullopt;
  // The node may have started over since. For another connection, advance() stores a new member.
  if (is_stored && tracking->stored_.connection == tracking->channel_.connection())
    store(*tracking, tracking->stored_, "");
  advance(*tracking);
  recount(*tracking);
}

// All messages of the channel are answered, and it stays as it was. The member is ended even if it was stored.
void Tracker::overdue(const std::string &ref, const DatabaseError &error) {
  Tracking *tracking = sending(ref);
  if (tracking == nullptr) return;
  queue_.untrack(ref);
  tracking->sending_messages_ = tracking->pop_messages();
  refused(ref, error);
}

// The owner of a sum: the user, or the connection if it has no user. The prefixes keep their ids apart.
std::string Tracker::owner_of(const Tracking &tracking) {
  const std::string &user_id = tracking.channel_.user_id();
  return user_id.empty() ? "connection:" + tracking.channel_.connection().text() : "user:" + user_id;
}

// A channel counts with its largest metadata, wished, on its way or stored: after a refused wish the former metadata is
// wished again, and must still fit.
std::size_t Tracker::bytes_with(const Tracking &tracking, const std::optional<std::string> &wish) {
  return std::max({wish ? wish->size() : 0, tracking.sending_.meta.size(), tracking.stored_.meta.size()});
}

std::optional<DatabaseError> Tracker::excess_of(const Tracking &tracking, const std::string &owner,
                                                std::size_t bytes) const {
  const auto sum = bytes_by_owner_.find(owner);
  const std::size_t own = tracking.counted_for_ == owner ? tracking.counted_bytes_ : 0;
  const std::size_t others = sum == bytes_by_owner_.end() ? 0 : sum->second - own;
  constexpr const char *kHint = "Untrack in another channel, or track with less metadata.";
  if (max_bytes_ != 0 && bytes > own && others + bytes > max_bytes_) {
    tracking.channel_.allowance().note(Limit::tracked_bytes_by_user);
    return DatabaseError{
        sqlstate::kProgramLimitExceeded,
        "a user must not track more than " + std::to_string(max_bytes_) + " bytes of metadata in channels", kHint};
  }
  if (bytes <= tracking.counted_bytes_) return std::nullopt;
  const auto excess = tracking.channel_.allowance().excess_of_tracked_bytes(bytes - tracking.counted_bytes_);
  if (!excess) return std::nullopt;
  return DatabaseError{sqlstate::kConfigurationLimitExceeded, text_of(*excess), kHint};
}

void Tracker::count(Tracking &tracking, const std::string &owner, std::size_t bytes) {
  tracking.channel_.allowance().change_tracked_bytes(tracking.counted_bytes_, bytes);
  if (tracking.counted_bytes_ > 0) {
    const auto sum = bytes_by_owner_.find(tracking.counted_for_);
    sum->second -= tracking.counted_bytes_;
    if (sum->second == 0) bytes_by_owner_.erase(sum);
  }
  if (bytes > 0) bytes_by_owner_[owner] += bytes;
  tracking.counted_bytes_ = bytes;
  tracking.counted_for_ = owner;
}

// The owner stays the same until wish() or check(), which compare the sum of a new owner with the limit.
void Tracker::recount(Tracking &tracking) {
  count(tracking, std::string(tracking.counted_for_), bytes_with(tracking, tracking.wish_));
}

} // namespace pg_live
