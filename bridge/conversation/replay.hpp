// Sends a channel what it missed: the durable events after a position or since a time, in pages, as fast as the client
// reads. Invariant: the channel follows its topic and its seam holds live events back before this begins, so what is
// replayed and what comes live meet without gap or repeat.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pg_live {

struct ReplayRequest {
  std::string after;                  // a position, of an event or of a state; empty: the beginning
  std::optional<std::int64_t> since;  // milliseconds since 1970
  std::optional<std::int64_t> latest; // only so many, the last ones; at least one
};

// `started` is called once, before any event is sent: with an error if there is nothing to send, after which the
// channel is live.
void begin_replay(Services &services, Channel &channel, const ReplayRequest &request,
                  std::function<void(const std::optional<DatabaseError> &)> started);

} // namespace pg_live
