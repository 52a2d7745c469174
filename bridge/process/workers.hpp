// The processes of one bridge: each runs the same node on the same port, and the kernel spreads the connections.
#pragma once

#include "process/log.hpp"
#include "process/settings.hpp"

#include <functional>

namespace pg_live {

// Forks the workers and stays until they have ended: hands SIGTERM and SIGINT on, and replaces a worker that ended by
// itself. `run` is called in each worker, with its number from 1, and its result is the worker's exit code. Nothing may
// be running yet: no loop, no threads.
int run_workers(unsigned count, const Log &log, const std::function<int(unsigned worker)> &run);

} // namespace pg_live
