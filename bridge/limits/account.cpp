// See account.hpp.
#include "limits/account.hpp"

#include <algorithm>

namespace pg_live {

AccountTable::Ref::Ref(Entries::value_type &entry) : entry_(&entry) { entry.second.table->hold(entry); }

AccountTable::Ref::Ref(const Ref &other) : entry_(other.entry_) {
  if (entry_ != nullptr) ++entry_->second.holders;
}

AccountTable::Ref::~Ref() {
  if (entry_ != nullptr) entry_->second.table->release(*entry_);
}

AccountTable::AccountTable(std::chrono::microseconds rest, std::size_t max_resting)
    : rest_(rest), max_resting_(max_resting), entries_(0, SipHash{SipKey::random()}) {}

AccountTable::Ref AccountTable::open(std::string_view key) {
  Entries::value_type &entry = *entries_.try_emplace(std::string(key)).first;
  entry.second.table = this;
  return Ref(entry);
}

void AccountTable::advance(std::chrono::microseconds now) {
  now_ = std::max(now_, now);
  while (!resting_.empty() && resting_.front()->second.since + rest_ <= now_)
    drop_oldest();
}

void AccountTable::hold(Entries::value_type &entry) {
  if (const auto place = std::exchange(entry.second.place, std::nullopt)) resting_.erase(*place);
  ++entry.second.holders;
}

void AccountTable::release(Entries::value_type &entry) {
  if (--entry.second.holders > 0) return;
  entry.second.since = now_;
  entry.second.place = resting_.insert(resting_.end(), &entry);
  if (resting_.size() > max_resting_) drop_oldest();
}

void AccountTable::drop_oldest() {
  const auto found = entries_.find(resting_.front()->first);
  resting_.pop_front();
  entries_.erase(found);
}

} // namespace pg_live
