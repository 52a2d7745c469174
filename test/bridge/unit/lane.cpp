// Who goes next, of commands that are numbers: the hundreds say whose, the rest which of the user's.
#include "lane.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace pg_live {
namespace {

using Taken = std::vector<int>;

void admit(Lane<int> &lane, const std::string &user, int item) { EXPECT_TRUE(lane.admit(user, item, 1000)); }

// All that goes to one connection now.
Taken take_all(Lane<int> &lane, std::size_t connection) {
  Taken taken;
  while (const auto item = lane.take(connection))
    taken.push_back(*item);
  return taken;
}

TEST(Lane, LetsUsersTakeTurns) {
  Lane<int> lane({1, 1, 1});
  for (const int item : {101, 102, 103})
    admit(lane, "anna", item);
  admit(lane, "ben", 201);
  admit(lane, "carl", 301);
  Taken order;
  while (const auto item = lane.take(0)) {
    order.push_back(*item);
    lane.answered(0);
  }
  EXPECT_EQ(order, (Taken{101, 201, 301, 102, 103}));
}

TEST(Lane, SendsSeveralOfOneUserAtOnceAndNoneOfAnotherBehind) {
  Lane<int> lane({1, 1, 3});
  for (const int item : {101, 102, 103, 104})
    admit(lane, "anna", item);
  admit(lane, "ben", 201);
  EXPECT_EQ(take_all(lane, 0), (Taken{101, 102, 103}));
  lane.answered(0);
  EXPECT_EQ(take_all(lane, 0), (Taken{104}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(take_all(lane, 0), Taken{}) << "ben would wait for anna's";
    lane.answered(0);
  }
  EXPECT_EQ(take_all(lane, 0), (Taken{201}));
}

TEST(Lane, EndsATurnWhenOthersWait) {
  Lane<int> lane({1, 1, 2});
  for (int i = 1; i <= 50; ++i)
    admit(lane, "anna", 100 + i);
  admit(lane, "ben", 201);
  int before = 0;
  std::deque<int> sent;
  for (;;) {
    for (const int item : take_all(lane, 0))
      sent.push_back(item);
    ASSERT_FALSE(sent.empty());
    if (sent.front() == 201) break;
    sent.pop_front();
    ++before;
    lane.answered(0);
  }
  EXPECT_EQ(before, 16);
}

TEST(Lane, LeavesOneUserNoMoreConnectionsThanTheLimit) {
  Lane<int> lane({3, 2, 1});
  for (const int item : {101, 102, 103})
    admit(lane, "anna", item);
  EXPECT_EQ(take_all(lane, 0), (Taken{101}));
  EXPECT_EQ(take_all(lane, 1), (Taken{102}));
  EXPECT_EQ(take_all(lane, 2), Taken{}) << "the third connection is for others";
  admit(lane, "ben", 201);
  EXPECT_EQ(take_all(lane, 2), (Taken{201}));
  lane.answered(1);
  EXPECT_EQ(take_all(lane, 1), (Taken{103}));
}

TEST(Lane, KeepsTheOrderOfAUserWhoHasOneConnection) {
  Lane<int> lane({4, 1, 2});
  std::mt19937 random(7);
  std::map<int, int> last; // by user
  std::vector<std::deque<int>> sent(4);
  int added = 0;
  int answered = 0;
  while (answered < 900) {
    const auto connection = random() % 4;
    if (added < 900 && random() % 2 == 0) {
      const int user = added % 3;
      admit(lane, std::to_string(user), user * 1000 + added / 3);
      ++added;
    } else if (const auto next = lane.take(connection)) {
      sent[connection].push_back(*next);
    } else if (!sent[connection].empty()) {
      const int item = sent[connection].front();
      sent[connection].pop_front();
      lane.answered(connection);
      EXPECT_EQ(item % 1000, last[item / 1000]++);
      ++answered;
    }
  }
  for (std::size_t connection = 0; connection < 4; ++connection)
    EXPECT_EQ(take_all(lane, connection), Taken{});
}

TEST(Lane, RefusesWhatExceedsTheLineOfOneUserAndNobodyElse) {
  Lane<int> lane({1, 1, 1});
  int item = 1;
  for (int i = 0; i < 20000; ++i)
    EXPECT_EQ(lane.admit("anna", item, 5), i < 5);
  EXPECT_TRUE(lane.admit("ben", item, 5));
  EXPECT_TRUE(lane.take(0));
  EXPECT_TRUE(lane.admit("anna", item, 5)) << "one of hers has gone";
}

TEST(Lane, PutsBackBeforeTheOthersOfTheUser) {
  Lane<int> lane({1, 1, 1});
  admit(lane, "anna", 101);
  admit(lane, "anna", 102);
  const auto item = lane.take(0);
  lane.put_back("anna", *item);
  lane.answered(0);
  EXPECT_EQ(lane.take(0), 101);
}

TEST(Lane, RemovesWhatIsOverAndForgetsUsersWithNothingLeft) {
  Lane<int> lane({1, 1, 1});
  for (const int item : {101, 102, 203})
    admit(lane, item < 200 ? "anna" : "ben", item);
  EXPECT_EQ(lane.remove_first([](int item) { return item < 200; }), (Taken{101, 102}));
  admit(lane, "anna", 104);
  EXPECT_EQ(take_all(lane, 0), (Taken{203}));
  lane.answered(0);
  EXPECT_EQ(take_all(lane, 0), (Taken{104}));
  EXPECT_EQ(lane.remove_first([](int) { return true; }), Taken{}) << "what was sent is not taken back";
  lane.answered(0);
  EXPECT_EQ(take_all(lane, 0), Taken{});
}

} // namespace
} // namespace pg_live
