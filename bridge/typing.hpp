// The typing calls of one connection: clients repeat "is typing" with every key, and the database need not hear it each
// time, since it remembers a call for three seconds.
//
// Invariants: a repeat is answered as the call it repeats was, also when that is still on its way; what failed, or was
// followed by "has stopped", is not repeated; a handful of calls is kept, each for a second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

enum class ChannelId : std::uint32_t;

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

  /// The user has stopped there, or the call failed: the next call is no repeat.
  void forget(std::string_view user_id, std::string_view location);

 private:
  std::vector<TypingCallRef> calls_; // oldest first
};

} // namespace pg_live
