// How far behind their publication events arrive, and are written to sockets.
// Publication follows the commit within about pg_live.gather_delay. Its time is that of the database's clock: where the
// clocks of the two machines differ, so do these times, and none is negative.
#pragma once

#include "metrics/histogram.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pg_live {

struct EventTally {
  std::uint64_t events = 0;     // of the database
  std::uint64_t deliveries = 0; // of them, each to one channel
  Histogram arrival;            // of batches, or of parts of them, at the bridge
  Histogram writing;            // of the same, when the last receiver's write was made or queued
};

// Since a batch of that id was published: ids are microseconds since 1970.
inline std::chrono::nanoseconds time_since_publication(std::int64_t batch) {
  const auto published = std::chrono::system_clock::time_point(std::chrono::microseconds(batch));
  return std::max(std::chrono::nanoseconds(0),
                  std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now() - published));
}

} // namespace pg_live
