// See typing.hpp.
#include "conversation/typing.hpp"

#include <algorithm>
#include <functional>

namespace pg_live {

namespace {

auto is_call_of(std::string_view user_id, std::string_view location) {
  return [=](const TypingCallRef &call) { return call->user_id == user_id && call->location == location; };
}

} // namespace

TypingCallRef TypingCalls::find(std::string_view user_id, std::string_view location, std::uint64_t now) const {
  const auto found = std::find_if(calls_.begin(), calls_.end(), is_call_of(user_id, location));
  return found != calls_.end() && now - (*found)->at < kMillisecondsKept ? *found : nullptr;
}

TypingCallRef TypingCalls::begin(std::string_view user_id, std::string_view location, std::uint64_t now) {
  forget(user_id, location);
  if (calls_.size() >= kMaxCalls) calls_.erase(calls_.begin());
  calls_.push_back(
      std::make_shared<TypingCall>(TypingCall{std::string(user_id), std::string(location), now, false, {}, {}}));
  return calls_.back();
}

std::vector<TypingCallRef> TypingCalls::pop_due(std::uint64_t now) {
  const auto is_due = [now](const TypingCallRef &call) { return call->repeat && now - call->at >= kMillisecondsKept; };
  const auto first_due = std::stable_partition(calls_.begin(), calls_.end(), std::not_fn(is_due));
  std::vector<TypingCallRef> due(first_due, calls_.end());
  calls_.erase(first_due, calls_.end());
  return due;
}

std::optional<std::uint64_t> TypingCalls::next_due() const {
  const auto next = std::find_if(calls_.begin(), calls_.end(), [](const TypingCallRef &call) { return call->repeat; });
  if (next == calls_.end()) return std::nullopt;
  return (*next)->at + kMillisecondsKept;
}

void TypingCalls::forget(std::string_view user_id, std::string_view location) {
  std::erase_if(calls_, is_call_of(user_id, location));
}

} // namespace pg_live
