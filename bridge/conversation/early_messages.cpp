// See early_messages.hpp.
#include "conversation/early_messages.hpp"

#include <algorithm>
#include <iterator>

namespace pg_live {

bool EarlyMessages::keep(ChannelId channel, std::string_view text, bool binary) {
  if (messages_.size() >= most_kept || text.size() > most_bytes - bytes_) return false;
  messages_.push_back({channel, binary, std::string(text)});
  bytes_ += text.size();
  return true;
}

std::vector<EarlyMessage> EarlyMessages::take(ChannelId channel) {
  const auto taken = std::stable_partition(messages_.begin(), messages_.end(),
                                           [&](const EarlyMessage &each) { return each.channel != channel; });
  std::vector<EarlyMessage> result(std::make_move_iterator(taken), std::make_move_iterator(messages_.end()));
  messages_.erase(taken, messages_.end());
  for (const EarlyMessage &each : result)
    bytes_ -= each.text.size();
  return result;
}

} // namespace pg_live
