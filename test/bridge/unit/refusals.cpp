// The operator sees the last refusals, the newest first, and a client cannot make them grow.
#include "metrics/refusals.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pg_live {
namespace {

NotedRefusal noted(std::string reason) {
  NotedRefusal result;
  result.what = "join";
  result.reason = std::move(reason);
  return result;
}

TEST(Refusals, KeepTheLastOnes) {
  Refusals refusals;
  for (std::size_t n = 0; n < Refusals::kKept + 50; ++n)
    refusals.note(noted(std::to_string(n)));
  std::vector<std::string> reasons;
  refusals.for_each([&](const NotedRefusal &each) { reasons.push_back(each.reason); });
  ASSERT_EQ(reasons.size(), Refusals::kKept);
  EXPECT_EQ(reasons.front(), std::to_string(Refusals::kKept + 49));
  EXPECT_EQ(reasons.back(), "50");
}

TEST(Refusals, CutLongTextsBetweenCharacters) {
  Refusals refusals;
  std::string text = "x";
  while (text.size() < 2000)
    text.append("\xC3\xA4");
  refusals.note(noted(text));
  refusals.for_each(
      [&](const NotedRefusal &each) { EXPECT_EQ(each.reason, text.substr(0, Refusals::kMaxTextBytes - 1)); });
}

} // namespace
} // namespace pg_live
