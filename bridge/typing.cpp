// See typing.hpp.
#include "typing.hpp"

#include <algorithm>

namespace pg_live {

namespace {

auto is_call_of(std::string_view user_id, std::string_view location) {
  return [=](const TypingCallRef &call) { return call->user_id == user_id && call->location == location; };
}

} // namespace

TypingCallRef TypingCalls::find(std::string_view user_id, std::string_view location, std::uint64_t now) const {
  const auto found = std::find_if(calls_.begin(), calls_.end(), is_call_of(user_id, location));
  return found != calls_.end() && now - (*found)->at < milliseconds_kept ? *found : nullptr;
}

TypingCallRef TypingCalls::begin(std::string_view user_id, std::string_view location, std::uint64_t now) {
  forget(user_id, location);
  if (calls_.size() >= most_kept) calls_.erase(calls_.begin());
  calls_.push_back(
      std::make_shared<TypingCall>(TypingCall{std::string(user_id), std::string(location), now, false, {}}));
  return calls_.back();
}

void TypingCalls::forget(std::string_view user_id, std::string_view location) {
  std::erase_if(calls_, is_call_of(user_id, location));
}

} // namespace pg_live
