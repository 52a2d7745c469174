// See early_messages.hpp.
#include "conversation/early_messages.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pg_live {

bool EarlyMessages::push(EarlyMessage message) {
  if (messages_.size() >= kMaxMessages || message.frame.size() > kMaxBytes - bytes_) return false;
  bytes_ += message.frame.size();
  messages_.push_back(std::move(message));
  return true;
}

std::vector<EarlyMessage> EarlyMessages::pop(ChannelId channel) {
  const auto first = std::stable_partition(messages_.begin(), messages_.end(),
                                           [&](const EarlyMessage &each) { return each.channel != channel; });
  std::vector<EarlyMessage> result(std::make_move_iterator(first), std::make_move_iterator(messages_.end()));
  messages_.erase(first, messages_.end());
  for (const EarlyMessage &each : result)
    bytes_ -= each.frame.size();
  return result;
}

} // namespace pg_live
