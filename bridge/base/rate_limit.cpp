// See rate_limit.hpp.
#include "base/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace pg_live {

double TokenBucket::available(const RateLimit &limit, std::chrono::microseconds now) const {
  const std::chrono::duration<double> elapsed = std::max(now - stamp_, std::chrono::microseconds(0));
  return std::min(limit.burst, tokens_ + elapsed.count() * limit.per_second);
}

bool TokenBucket::acquire(const RateLimit &limit, std::chrono::microseconds now, double cost) {
  if (std::isinf(limit.per_second)) return true;
  const double tokens = available(limit, now);
  // The time is stored even if nothing is acquired; a clock that stepped back must not earn the same time twice.
  tokens_ = tokens;
  stamp_ = std::max(stamp_, now);
  if (tokens < cost) return false;
  tokens_ -= cost;
  return true;
}

std::chrono::microseconds TokenBucket::wait(const RateLimit &limit, std::chrono::microseconds now, double cost) const {
  if (std::isinf(limit.per_second)) return std::chrono::microseconds(0);
  const double missing = cost - available(limit, now);
  if (missing <= 0) return std::chrono::microseconds(0);
  if (cost > limit.burst || limit.per_second <= 0) return std::chrono::microseconds::max();
  const auto behind = std::max(stamp_ - now, std::chrono::microseconds(0));
  const double microseconds = std::ceil(missing / limit.per_second * 1e6);
  if (microseconds >= 9e18) return std::chrono::microseconds::max();
  return behind + std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
}

} // namespace pg_live
