// Token buckets against a clock the test holds.
#include "base/rate_limit.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

using namespace std::chrono_literals;
constexpr RateLimit kTenASecond{.per_second = 10, .burst = 3};

TEST(TokenBucket, GivesTheBurstAtOnceAndThenTheRate) {
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(bucket.acquire(kTenASecond, 5s));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 5s));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 5s + 99ms));
  EXPECT_TRUE(bucket.acquire(kTenASecond, 5s + 100ms));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 5s + 101ms));
}

TEST(TokenBucket, SavesNoMoreThanTheBurst) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.acquire(kTenASecond, 0s));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(bucket.acquire(kTenASecond, 1h));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 1h));
}

TEST(TokenBucket, TakesNothingWhenItRefuses) {
  TokenBucket bucket;
  EXPECT_FALSE(bucket.acquire(kTenASecond, 0s, 4));
  EXPECT_TRUE(bucket.acquire(kTenASecond, 0s, 3));
}

TEST(TokenBucket, RefusalsDoNotDelayTheNextToken) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.acquire(kTenASecond, 0s, 3));
  for (int i = 1; i < 100; ++i)
    EXPECT_FALSE(bucket.acquire(kTenASecond, std::chrono::milliseconds(i)));
  EXPECT_TRUE(bucket.acquire(kTenASecond, 101ms));
}

TEST(TokenBucket, AClockThatStepsBackGivesNothing) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.acquire(kTenASecond, 10s, 3));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 1s));
  EXPECT_FALSE(bucket.acquire(kTenASecond, 10s)) << "the nine seconds were counted before";
  EXPECT_TRUE(bucket.acquire(kTenASecond, 10s + 100ms));
}

TEST(TokenBucket, AChangedLimitHoldsAtOnce) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.acquire(kTenASecond, 0s));
  EXPECT_FALSE(bucket.acquire({.per_second = 10, .burst = 1}, 0s, 2));
  EXPECT_TRUE(bucket.acquire({.per_second = 1000, .burst = 1000}, 1s, 900));
}

TEST(TokenBucket, AnInfiniteRateIsNoLimit) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(bucket.acquire({}, 0s, 1e9));
}

TEST(TokenBucket, ARateOfZeroGivesTheBurstOnce) {
  constexpr RateLimit kOnce{.per_second = 0, .burst = 1};
  TokenBucket bucket;
  EXPECT_TRUE(bucket.acquire(kOnce, 0s));
  EXPECT_FALSE(bucket.acquire(kOnce, 24h));
}

} // namespace
} // namespace pg_live
