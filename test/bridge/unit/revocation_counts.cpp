// What a revocation concerns, and that others are left in peace.
#include "channel/revocation_counts.hpp"

#include <gtest/gtest.h>
#include <string>

namespace pg_live {
namespace {

bool concerns(std::string_view pattern, std::string_view whom, std::string_view topic, std::string_view user) {
  RevocationCounts counts;
  const RevocationMark before = counts.at(topic, user);
  counts.count(pattern, whom);
  return before.has_changed(counts.at(topic, user));
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

// Counters are shared. One of the two may be that of a busy topic, however often; both hardly ever are.
TEST(RevocationCounts, OfOthersConcernNoJoin) {
  RevocationCounts counts;
  unsigned seen = 0;
  for (unsigned n = 0; n < 10000; ++n) {
    const RevocationMark before = counts.at("followers:ben", "anna");
    for (unsigned other = 0; other < 20; ++other)
      counts.count("followers:user" + std::to_string(n), "user" + std::to_string(other));
    if (before.has_changed(counts.at("followers:ben", "anna"))) ++seen;
  }
  EXPECT_LT(seen, 20U);
}

TEST(RevocationCounts, GrowAgainAndAgain) {
  RevocationCounts counts;
  for (unsigned n = 0; n < 3; ++n) {
    const RevocationMark before = counts.at("room:1", "anna");
    counts.count("room:1", "anna");
    EXPECT_TRUE(before.has_changed(counts.at("room:1", "anna")));
  }
}

} // namespace
} // namespace pg_live
