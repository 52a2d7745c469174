// References to what all parts that serve clients use. Owned by the node; outlives all connections.
#pragma once

#include "base/timer_wheel.hpp"
#include "channel/hub.hpp"
#include "database/access.hpp"
#include "database/database.hpp"
#include "limits/limiter.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"

#include <chrono>

namespace pg_live {

struct Services {
  Loop &loop;
  const Log &log;
  const Settings &settings;
  Database &database;
  Access &access;
  Hub &hub;
  Limiter &limiter;
  TimerWheel &wheel; // in seconds of seconds_now()

  std::chrono::seconds seconds_now() const { return std::chrono::seconds(loop.now() / 1000); }
  // A deadline of the wheel by which all of `delay` has passed: seconds_now() cuts off up to one second.
  std::chrono::seconds deadline_after(std::chrono::seconds delay) const {
    return seconds_now() + delay + std::chrono::seconds(1);
  }
  std::chrono::microseconds time_now() const { return std::chrono::milliseconds(loop.now()); }
};

} // namespace pg_live
