// The recent typing calls of one connection. Clients repeat "is typing" with every key; since the database remembers a
// call for three seconds, most repeats need not reach it.
//
// Invariants: a repeat gets the answer of the call it repeats, even if that is still on its way; the last repeat
// reaches the database one second after the call; a call that failed, or was followed by "has stopped", is not
// repeated; the number of calls is bounded.
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

// A push that waits for its answer.
struct Asker {
  ChannelId channel;
  std::string ref;
};

struct TypingCall {
  std::string user_id;
  std::string location;
  std::uint64_t at = 0; // milliseconds
  bool answered = false;
  std::vector<Asker> askers; // until it is answered: the first push and its repeats
  struct Repeat {
    ChannelId channel;
    std::string arguments;
  };
  std::optional<Repeat> repeat; // the last repeat, not yet sent to the database
};

using TypingCallRef = std::shared_ptr<TypingCall>;

class TypingCalls {
 public:
  static constexpr std::uint64_t kMillisecondsKept = 1000;
  static constexpr std::size_t kMaxCalls = 8;

  // The recent call that a call now would repeat; null if there is none.
  TypingCallRef find(std::string_view user_id, std::string_view location, std::uint64_t now) const;

  // Adds a call that goes to the database. The caller maintains `answered` and `askers`.
  TypingCallRef begin(std::string_view user_id, std::string_view location, std::uint64_t now);

  // Removes and returns the calls whose repeats are due.
  std::vector<TypingCallRef> pop_due(std::uint64_t now);

  // When the next repeat is due; nothing when there is none.
  std::optional<std::uint64_t> next_due() const;

  // Forgets a call that failed or whose user stopped typing: the next call is not a repeat.
  void forget(std::string_view user_id, std::string_view location);

 private:
  std::vector<TypingCallRef> calls_; // oldest first
};

} // namespace pg_live
