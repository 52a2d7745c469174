// The typing calls of one connection: clients repeat "is typing" with every key, and the database need not hear it each
// time, since it remembers a call for three seconds.
//
// Invariants: a repeat is answered as the call it repeats was, also when that is still on its way; the database hears
// of the last one a second after the call; what failed, or was followed by "has stopped", is not repeated; a handful of
// calls is kept.
#pragma once

#include "channel/channel_id.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

// Who waits for the answer to a push.
struct Asker {
  ChannelId channel;
  std::string ref;
};

struct TypingCall {
  std::string user_id;
  std::string location;
  std::uint64_t at = 0; // milliseconds
  bool answered = false;
  std::vector<Asker> askers; // until then: the first, and those who repeated it
  struct Repeat {
    ChannelId channel;
    std::string arguments;
  };
  std::optional<Repeat> repeat; // the last one, which the database has not heard of
};

using TypingCallRef = std::shared_ptr<TypingCall>;

class TypingCalls {
 public:
  static constexpr std::uint64_t milliseconds_kept = 1000;
  static constexpr std::size_t most_kept = 8;

  /// The call which the same call would repeat now; null when there is none.
  TypingCallRef find(std::string_view user_id, std::string_view location, std::uint64_t now) const;

  /// Keeps a call that goes to the database. `answered` and `askers` are for the caller to keep up.
  TypingCallRef begin(std::string_view user_id, std::string_view location, std::uint64_t now);

  /// Takes out the calls that have been repeated and are not kept any longer: the repeats are due.
  std::vector<TypingCallRef> take_due(std::uint64_t now);

  /// When the next repeat is due; nothing when there is none.
  std::optional<std::uint64_t> next_due() const;

  /// The user has stopped there, or the call failed: the next call is no repeat.
  void forget(std::string_view user_id, std::string_view location);

 private:
  std::vector<TypingCallRef> calls_; // oldest first
};

} // namespace pg_live
