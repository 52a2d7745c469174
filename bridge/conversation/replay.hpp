// Replays durable events to a channel, after a position or since a time, in pages, as fast as the client reads.
// Invariant: the channel follows its topic and its seam defers live events before the replay begins, so replayed and
// live events meet without gap or repeat.
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
  std::optional<std::int64_t> latest; // only this many of the last events; at least one
};

// Calls `started` once, before any event is sent. With an error, nothing is replayed and the channel is live.
void begin_replay(Services &services, Channel &channel, const ReplayRequest &request,
                  std::function<void(const std::optional<DatabaseError> &)> started);

} // namespace pg_live
