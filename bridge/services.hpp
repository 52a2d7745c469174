// What every connection of one process works with. Owned by the node; outlives all connections.
#pragma once

#include "log.hpp"
#include "loop.hpp"
#include "settings.hpp"
#include "timer_wheel.hpp"

#include <chrono>

namespace pg_live {

class Access;
class ConnectionRegistry;
class Database;
class Hub;

struct Services {
  Loop &loop;
  const Log &log;
  const Settings &settings;
  Database &database;
  Access &access;
  Hub &hub;
  TimerWheel &wheel; // in seconds of seconds_now()
  ConnectionRegistry &connections;

  std::chrono::seconds seconds_now() const { return std::chrono::seconds(loop.now() / 1000); }
  std::chrono::microseconds time_now() const { return std::chrono::milliseconds(loop.now()); }
};

} // namespace pg_live
