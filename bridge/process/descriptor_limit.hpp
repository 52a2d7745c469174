// Computes how many clients fit into the limit of open files (RLIMIT_NOFILE), besides the descriptors that a node needs
// to answer probes and to reach the database.
#pragma once

#include "process/settings.hpp"

#include <cstdint>

namespace pg_live {

// Sockets beyond the limit of connections, for probes and for refusals that are being answered.
inline constexpr unsigned kSpareDescriptors = 64;

// Raises the soft limit of this process to the hard limit, and returns it.
std::uint64_t raise_descriptor_limit();

// --limit-connections, or what fits into `descriptors`; at least one.
unsigned connections_that_fit(const Settings &settings, std::uint64_t descriptors);

} // namespace pg_live
