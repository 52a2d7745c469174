// Token buckets: limit how often something may happen, on average and in a burst.
//
// Invariant: a bucket has 16 bytes and does not store its limit, so that many buckets share one RateLimit and a changed
// limit applies at once. A clock that steps back neither adds nor removes tokens.
#pragma once

#include <chrono>
#include <limits>

namespace pg_live {

struct RateLimit {
  double per_second = std::numeric_limits<double>::infinity(); // infinite: no limit
  double burst = 1;                                            // the most that can be acquired at once
};

class TokenBucket {
 public:
  // Acquires `cost` tokens; false, acquiring none, if there are fewer. `now` is monotonic, from any origin. A new
  // bucket is full.
  bool acquire(const RateLimit &limit, std::chrono::microseconds now, double cost = 1);

  // Returns tokens that were acquired and not used.
  void give_back(double cost) { tokens_ += cost; }

  // After acquire() refused: when it will not, if nobody acquires meanwhile. Infinite if the burst is smaller.
  std::chrono::duration<double> wait(const RateLimit &limit, double cost = 1) const;

 private:
  double tokens_ = std::numeric_limits<double>::infinity(); // cut to the burst on first use
  std::chrono::microseconds stamp_{0};
};

static_assert(sizeof(TokenBucket) == 16);

} // namespace pg_live
