// The processes of one bridge: each runs the same node on the same port, and the kernel spreads the connections.
#pragma once

#include "process/log.hpp"
#include "process/settings.hpp"

#include <functional>

namespace pg_live {

// Forks the workers and returns when all have ended. Passes SIGTERM, SIGINT and SIGHUP on, and replaces workers that
// end by themselves. Each worker calls `run` with its number, from 1, and exits with its result. The caller must not
// have started a loop or threads.
int run_workers(unsigned count, const Log &log, const std::function<int(unsigned worker)> &run);

} // namespace pg_live
