// The budget of waiting: what it holds at first, what flows into it, and that no pattern of pauses exceeds it.
#include "database/wait_budget.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

unsigned spend_all(WaitBudget &budget, unsigned milliseconds) {
  unsigned spent = 0;
  while (budget.spend(milliseconds))
    spent += milliseconds;
  return spent;
}

TEST(WaitBudget, HoldsItsLimitAtFirst) {
  WaitBudget budget({100, 1000});
  EXPECT_EQ(spend_all(budget, 5), 100U);
  EXPECT_FALSE(budget.spend(1));
}

TEST(WaitBudget, EarnsByWhatFlows) {
  WaitBudget budget({100, 1000});
  spend_all(budget, 5);
  budget.earn(4999);
  EXPECT_FALSE(budget.spend(5));
  budget.earn(1);
  EXPECT_TRUE(budget.spend(5));
  EXPECT_FALSE(budget.spend(5));
}

TEST(WaitBudget, NeverHoldsMoreThanItsLimit) {
  WaitBudget budget({100, 1000});
  budget.earn(UINT32_MAX);
  EXPECT_EQ(spend_all(budget, 5), 100U);
}

TEST(WaitBudget, ReadersWhoPauseInTurnCostNoMoreThanOne) {
  constexpr unsigned kPart = 256 << 10;
  constexpr unsigned kParts = 400; // 100 MB
  const auto waited = [](unsigned readers) {
    WaitBudget budget({1000, 25000});
    unsigned total = 0;
    for (unsigned sent = 0; sent < kParts; ++sent) {
      budget.earn(kPart);
      for (unsigned reader = 0; reader < readers; ++reader)
        for (unsigned look = 0; look < 20 && budget.spend(5); ++look)
          total += 5;
    }
    return total;
  };
  EXPECT_EQ(waited(20), waited(1));
  EXPECT_LE(waited(20), 1000U + kParts * kPart / 25000U);
}

} // namespace
} // namespace pg_live
