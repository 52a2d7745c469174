// What connections did since the process began.
#pragma once

#include <cstdint>
#include <map>

namespace pg_live {

struct ConnectionTally {
  std::uint64_t opened = 0;
  std::map<unsigned, std::uint64_t> closed;  // by the bridge, by the code of the close
  std::map<unsigned, std::uint64_t> refused; // at the upgrade, by the status of the answer
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0; // of messages
  std::uint64_t writes = 0;         // each of one or more whole frames
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_queued = 0; // now, for readers that are slower than what they are sent
  std::uint64_t slow_readers_closed = 0;
};

} // namespace pg_live
