// Messages that arrived after a join and before its answer, buffered until the join is answered.
// Invariant: their number and bytes are bounded for each connection.
#pragma once

#include "channel/channel_id.hpp"
#include "wire/websocket_frame.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pg_live {

struct EarlyMessage {
  ChannelId channel;
  websocket::Opcode opcode;
  std::string frame;
};

class EarlyMessages {
 public:
  static constexpr std::size_t kMaxMessages = 32;
  static constexpr std::size_t kMaxBytes = 65536;

  // Adds a message; false, and nothing added, if a bound would be passed.
  [[nodiscard]] bool push(EarlyMessage message);

  // Removes and returns those for a channel, in the order they came.
  std::vector<EarlyMessage> pop(ChannelId channel);

  bool empty() const { return messages_.empty(); }

 private:
  std::vector<EarlyMessage> messages_;
  std::size_t bytes_ = 0;
};

} // namespace pg_live
