// Token buckets: how often something may happen, on average and in a burst.
//
// Invariant: a bucket is 16 bytes and knows no limits of its own, so that many share one RateLimit and a changed limit
// holds at once. A clock that steps back gives nothing and takes nothing.
#pragma once

#include <chrono>
#include <limits>

namespace pg_live {

struct RateLimit {
  double per_second = std::numeric_limits<double>::infinity(); // infinite: no limit
  double burst = 1;                                            // most that can be taken at once
};

class TokenBucket {
 public:
  /// Takes `cost` tokens if there are as many, else none and returns false. `now` is monotonic, from any origin. A new
  /// bucket is full.
  bool take(const RateLimit &limit, std::chrono::microseconds now, double cost = 1);

  /// How long until take() with that cost would succeed: zero when it would now, microseconds::max() when never.
  std::chrono::microseconds wait(const RateLimit &limit, std::chrono::microseconds now, double cost = 1) const;

 private:
  double available(const RateLimit &limit, std::chrono::microseconds now) const;

  double tokens_ = std::numeric_limits<double>::infinity(); // cut to the burst when first looked at
  std::chrono::microseconds stamp_{0};
};

static_assert(sizeof(TokenBucket) == 16);

} // namespace pg_live
