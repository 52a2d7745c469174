// Accounts of users and addresses, against a clock the test holds.
#include "limits/account.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace pg_live {
namespace {

using namespace std::chrono_literals;

TEST(AccountTable, GivesOneAccountToAllWhoComeWithOneKey) {
  AccountTable table(5s, 100);
  const auto first = table.open("a");
  ++first->stock(Stock::topics);
  const auto second = table.open("a");
  EXPECT_EQ(second->stock(Stock::topics), 1u);
  EXPECT_EQ(table.open("b")->stock(Stock::topics), 0u);
  EXPECT_EQ(second.key(), "a");
}

TEST(AccountTable, ForgetsAnAccountOnlyAfterItsRest) {
  constexpr RateLimit kOnce{.per_second = 1, .burst = 1};
  AccountTable table(5s, 100);
  table.advance(10s);
  EXPECT_TRUE(table.open("a")->bucket(Rate::joins).acquire(kOnce, 10s));
  table.advance(14999ms);
  EXPECT_EQ(table.size(), 1u);
  table.advance(15s);
  EXPECT_EQ(table.size(), 0u);
}

TEST(AccountTable, WhoComesBackDuringTheRestFindsWhatWasUsed) {
  constexpr RateLimit kOnce{.per_second = 0.1, .burst = 1};
  AccountTable table(10s, 100);
  EXPECT_TRUE(table.open("a")->bucket(Rate::joins).acquire(kOnce, 0s));
  table.advance(9s);
  const auto again = table.open("a");
  EXPECT_FALSE(again->bucket(Rate::joins).acquire(kOnce, 9s));
  table.advance(1h);
  EXPECT_EQ(table.size(), 1u) << "an account that is held does not rest";
  EXPECT_EQ(table.resting(), 0u);
}

TEST(AccountTable, TheRestBeginsAgainWithTheLastWhoLeaves) {
  AccountTable table(5s, 100);
  { const auto account = table.open("a"); }
  table.advance(4s);
  { const auto account = table.open("a"); }
  table.advance(8s);
  EXPECT_EQ(table.size(), 1u);
  table.advance(9s);
  EXPECT_EQ(table.size(), 0u);
}

TEST(AccountTable, ManyKeysThatComeAndGoDoNotMakeItGrow) {
  AccountTable table(5s, 100);
  const auto held = table.open("held");
  for (int key = 0; key < 10000; ++key)
    table.open(std::to_string(key));
  EXPECT_EQ(table.size(), 101u);
  EXPECT_EQ(table.open("held").key(), "held");
  table.advance(5s);
  EXPECT_EQ(table.size(), 1u);
}

TEST(AccountTable, AClockThatStepsBackKeepsAccountsNoLonger) {
  AccountTable table(5s, 100);
  table.advance(100s);
  table.advance(1s);
  { const auto account = table.open("a"); }
  table.advance(104s);
  EXPECT_EQ(table.size(), 1u);
  table.advance(105s);
  EXPECT_EQ(table.size(), 0u);
}

// Against a model that has a list of holders and, of each key that nobody holds, when that began.
TEST(AccountTable, HoldsWhatAModelHolds) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned limit) { return std::uniform_int_distribution(0U, limit - 1)(random); };
    AccountTable table(10s, 1000);
    std::vector<AccountTable::Ref> holders;
    std::map<std::string, std::chrono::seconds> left; // keys that rest
    std::chrono::seconds now{0};
    const auto is_held = [&](const std::string &key) {
      return std::any_of(holders.begin(), holders.end(), [&](const auto &each) { return each.key() == key; });
    };
    for (int step = 0; step < 2000; ++step) {
      const unsigned action = below(8);
      if (action < 3) {
        holders.push_back(table.open(std::to_string(below(20))));
        left.erase(holders.back().key());
      } else if (action == 3 && !holders.empty()) {
        holders.push_back(holders[below(static_cast<unsigned>(holders.size()))]);
      } else if (action < 7 && !holders.empty()) {
        std::swap(holders[below(static_cast<unsigned>(holders.size()))], holders.back());
        const std::string key = holders.back().key();
        holders.pop_back();
        if (!is_held(key)) left[key] = now;
      } else {
        now += std::chrono::seconds(below(4));
        table.advance(now);
        std::erase_if(left, [now](const auto &each) { return each.second + 10s <= now; });
      }
      std::map<std::string, int> held;
      for (const auto &each : holders)
        ++held[each.key()];
      ASSERT_EQ(table.resting(), left.size()) << "seed " << seed << ", step " << step;
      ASSERT_EQ(table.size(), left.size() + held.size()) << "seed " << seed << ", step " << step;
    }
  }
}

} // namespace
} // namespace pg_live
