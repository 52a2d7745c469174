// See rate_limit.hpp.
#include "base/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace pg_live {

bool TokenBucket::acquire(const RateLimit &limit, std::chrono::microseconds now, double cost) {
  if (std::isinf(limit.per_second)) return true;
  const std::chrono::duration<double> elapsed = std::max(now - stamp_, std::chrono::microseconds(0));
  // The time is stored even if nothing is acquired; a clock that stepped back must not earn the same time twice.
  tokens_ = std::min(limit.burst, tokens_ + elapsed.count() * limit.per_second);
  stamp_ = std::max(stamp_, now);
  if (tokens_ < cost) return false;
  tokens_ -= cost;
  return true;
}

std::chrono::duration<double> TokenBucket::wait(const RateLimit &limit, double cost) const {
  if (cost > limit.burst) return std::chrono::duration<double>(std::numeric_limits<double>::infinity());
  return std::chrono::duration<double>(std::max(cost - tokens_, 0.0) / limit.per_second);
}

} // namespace pg_live
