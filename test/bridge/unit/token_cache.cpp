// The memory of verified tokens: bounded, least recently used first, nothing expired.
#include "identity/token_cache.hpp"

#include <gtest/gtest.h>
#include <string>

namespace pg_live {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;

std::shared_ptr<const Claims> claims_until(sys_seconds expires_at) {
  return std::make_shared<const Claims>(Claims{"{}", "", "anon", expires_at});
}

TEST(TokenCache, GivesBackWhatItWasGiven) {
  TokenCache cache(2);
  const auto claims = claims_until(sys_seconds(100s));
  cache.insert(digest_of("a"), claims);
  EXPECT_EQ(cache.use(digest_of("a"), sys_seconds(99s)), claims);
  EXPECT_EQ(cache.use(digest_of("b"), sys_seconds(99s)), nullptr);
}

TEST(TokenCache, ForgetsWhatHasExpired) {
  TokenCache cache(2);
  cache.insert(digest_of("a"), claims_until(sys_seconds(100s)));
  EXPECT_EQ(cache.use(digest_of("a"), sys_seconds(100s)), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, DropsTheLeastRecentlyUsed) {
  TokenCache cache(2);
  cache.insert(digest_of("a"), claims_until(sys_seconds(100s)));
  cache.insert(digest_of("b"), claims_until(sys_seconds(100s)));
  EXPECT_TRUE(cache.use(digest_of("a"), sys_seconds(1s)));
  cache.insert(digest_of("c"), claims_until(sys_seconds(100s)));
  EXPECT_TRUE(cache.use(digest_of("a"), sys_seconds(1s)));
  EXPECT_FALSE(cache.use(digest_of("b"), sys_seconds(1s)));
  EXPECT_TRUE(cache.use(digest_of("c"), sys_seconds(1s)));
  EXPECT_EQ(cache.size(), 2U);
}

TEST(TokenCache, NeverHoldsMoreThanItMay) {
  TokenCache cache(10);
  for (int i = 0; i < 1000; ++i)
    cache.insert(digest_of(std::to_string(i)), claims_until(sys_seconds(100s)));
  EXPECT_EQ(cache.size(), 10U);
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, OfNoCapacityHoldsNothing) {
  TokenCache cache(0);
  cache.insert(digest_of("a"), claims_until(sys_seconds(100s)));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, DigestsAreSha256) {
  const TokenDigest digest = digest_of("abc"); // FIPS 180-2, appendix B.1
  EXPECT_EQ(digest[0], 0xBA);
  EXPECT_EQ(digest[1], 0x78);
  EXPECT_EQ(digest[31], 0xAD);
}

} // namespace
} // namespace pg_live
