// What became of the handshakes of TLS since the process began.
#pragma once

#include <cstdint>

namespace pg_live {

struct TlsTally {
  std::uint64_t finished = 0;
  std::uint64_t failed = 0; // also those that took too long or gave way
};

} // namespace pg_live
