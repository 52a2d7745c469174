// What a revocation concerns, and that others are left in peace.
#include "revocation_counts.hpp"

#include <gtest/gtest.h>
#include <string>

namespace pg_live {
namespace {

bool concerns(std::string_view pattern, std::string_view whom, std::string_view topic, std::string_view user) {
  RevocationCounts counts;
  const std::uint64_t before = counts.at(topic, user);
  counts.count(pattern, whom);
  return counts.at(topic, user) != before;
}

TEST(RevocationCounts, OfAUserConcernThatUserOnThatTopic) {
  EXPECT_TRUE(concerns("room:1", "anna", "room:1", "anna"));
  EXPECT_TRUE(concerns("room:1", "anna", "typing:room:1", "anna"));
  EXPECT_TRUE(concerns("room:*", "anna", "room:1", "anna"));
  EXPECT_TRUE(concerns("*", "anna", "room:1", "anna"));
}

TEST(RevocationCounts, OfEverybodyConcernEverybodyThere) {
  EXPECT_TRUE(concerns("room:1", "", "room:1", "anna"));
  EXPECT_TRUE(concerns("room:1", "", "room:1", ""));
  EXPECT_TRUE(concerns("room:1", "", "typing:room:1", "anna"));
  EXPECT_TRUE(concerns("room:*", "", "room:1", "anna"));
  EXPECT_TRUE(concerns("presence", "", "presence", "anna"));
}

// Counters are shared, so a stranger's revocation may count now and then; not five times in a row.
TEST(RevocationCounts, OfOthersHardlyEverConcernAJoin) {
  RevocationCounts counts;
  unsigned seen = 0;
  for (unsigned n = 0; n < 1000; ++n) {
    const std::uint64_t before = counts.at("followers:ben", "anna");
    counts.count("followers:user" + std::to_string(n), "user" + std::to_string(n % 7));
    if (counts.at("followers:ben", "anna") != before) ++seen;
  }
  EXPECT_LT(seen, 20U);
}

TEST(RevocationCounts, GrowAgainAndAgain) {
  RevocationCounts counts;
  for (unsigned n = 0; n < 3; ++n) {
    const std::uint64_t before = counts.at("room:1", "anna");
    counts.count("room:1", "anna");
    EXPECT_NE(counts.at("room:1", "anna"), before);
  }
}

} // namespace
} // namespace pg_live
