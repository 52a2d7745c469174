// One running bridge process: its parts, its start and its end.
#pragma once

#include "process/log.hpp"
#include "process/settings.hpp"

namespace pg_live {

// Runs until SIGTERM or SIGINT, then closes all connections (1012) and returns the exit code. Throws std::exception
// with a message for the operator if it cannot start.
int run_node(const Settings &settings, const Log &log);

} // namespace pg_live
