// Messages that arrived after a join and before its answer, buffered until the join is answered.
// Invariant: their number and bytes are bounded for each connection.
#pragma once

#include "channel/channel_id.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

struct EarlyMessage {
  ChannelId channel;
  bool binary;
  std::string text;
};

class EarlyMessages {
 public:
  static constexpr std::size_t most_kept = 32;
  static constexpr std::size_t most_bytes = 65536;

  // False, keeping nothing, if a bound would be passed.
  bool keep(ChannelId channel, std::string_view text, bool binary);

  // Removes and returns those for a channel, in the order they came.
  std::vector<EarlyMessage> take(ChannelId channel);

  bool empty() const { return messages_.empty(); }

 private:
  std::vector<EarlyMessage> messages_;
  std::size_t bytes_ = 0;
};

} // namespace pg_live
