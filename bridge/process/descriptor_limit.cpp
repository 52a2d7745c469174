// Asking the kernel, and counting.
#include "process/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace pg_live {

namespace {

// Standard streams, the loop, the listening socket, files of the demo, libraries.
constexpr std::uint64_t kOwnDescriptors = 48;

// Of one encrypted connection: its socket, and the pair behind which it is plain.
constexpr std::uint64_t kEncryptedDescriptors = 3;

} // namespace

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? limit.rlim_max : limit.rlim_cur;
}

unsigned connections_that_fit(const Settings &settings, std::uint64_t descriptors) {
  const TlsSettings &tls = settings.tls;
  const std::uint64_t each = tls.port == 0 ? 1 : kEncryptedDescriptors;
  const std::uint64_t reserve = (tls.port == 0 ? 0 : settings.limits[Limit::handshakes]) + kOwnDescriptors +
                                each * kSpareDescriptors + 2 + settings.database.join_connections +
                                settings.database.read_connections +
                                settings.database.write_connections; // 2: the listener's, and the bridge's own
  const std::uint64_t room = descriptors > reserve + each ? (descriptors - reserve) / each : 1;
  return static_cast<unsigned>(std::min<std::uint64_t>(settings.limits[Limit::connections], room));
}

} // namespace pg_live
