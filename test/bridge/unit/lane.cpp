// Who goes next, of commands that are numbers: the hundreds say whose, the rest which of the user's.
#include "database/lane.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace pg_live {
namespace {

using Items = std::vector<int>;

void admit(Lane<int> &lane, const std::string &user, int item) { EXPECT_TRUE(lane.admit(user, item, 1000)); }

// All that goes to one connection now.
Items pop_all(Lane<int> &lane, std::size_t connection) {
  Items items;
  while (const auto item = lane.pop(connection))
    items.push_back(*item);
  return items;
}

TEST(Lane, LetsUsersTakeTurns) {
  Lane<int> lane({1, 1, 1});
  for (const int item : {101, 102, 103})
    admit(lane, "anna", item);
  admit(lane, "ben", 201);
  admit(lane, "carl", 301);
  Items order;
  while (const auto item = lane.pop(0)) {
    order.push_back(*item);
    lane.answered(0);
  }
  EXPECT_EQ(order, (Items{101, 201, 301, 102, 103}));
}

TEST(Lane, SendsSeveralOfOneUserAtOnceAndNoneOfAnotherBehind) {
  Lane<int> lane({1, 1, 3});
  for (const int item : {101, 102, 103, 104})
    admit(lane, "anna", item);
  admit(lane, "ben", 201);
  EXPECT_EQ(pop_all(lane, 0), (Items{101, 102, 103}));
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), (Items{104}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pop_all(lane, 0), Items{}) << "ben would wait for anna's";
    lane.answered(0);
  }
  EXPECT_EQ(pop_all(lane, 0), (Items{201}));
}

TEST(Lane, EndsATurnWhenOthersWait) {
  Lane<int> lane({1, 1, 2});
  for (int i = 1; i <= 50; ++i)
    admit(lane, "anna", 100 + i);
  admit(lane, "ben", 201);
  int before = 0;
  std::deque<int> sent;
  for (;;) {
    for (const int item : pop_all(lane, 0))
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
  EXPECT_EQ(pop_all(lane, 0), (Items{101}));
  EXPECT_EQ(pop_all(lane, 1), (Items{102}));
  EXPECT_EQ(pop_all(lane, 2), Items{}) << "the third connection is for others";
  admit(lane, "ben", 201);
  EXPECT_EQ(pop_all(lane, 2), (Items{201}));
  lane.answered(1);
  EXPECT_EQ(pop_all(lane, 1), (Items{103}));
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
    } else if (const auto next = lane.pop(connection)) {
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
    EXPECT_EQ(pop_all(lane, connection), Items{});
}

// Of two connections with two of several users at once: four users are a crowd. What ends in 9 is not quick.
Lane<int> lane_for_crowds() {
  return Lane<int>({2, 1, 1, 2}, [](int item) { return item % 10 != 9; });
}

TEST(Lane, SendsQuickOnesOfSeveralUsersWhileACrowdWaits) {
  Lane<int> lane = lane_for_crowds();
  for (const int user : {1, 2, 3, 4, 5, 6})
    admit(lane, std::to_string(user), user * 100 + 1);
  EXPECT_EQ(pop_all(lane, 0), (Items{101, 201}));
  EXPECT_EQ(pop_all(lane, 1), (Items{301})) << "three who wait are none";
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), Items{});
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), (Items{401}));
}

TEST(Lane, SendsNothingBehindWhatIsNotQuick) {
  Lane<int> lane = lane_for_crowds();
  for (const int item : {101, 209, 301, 401, 501, 601, 701, 801})
    admit(lane, std::to_string(item / 100), item);
  EXPECT_EQ(pop_all(lane, 0), (Items{101})) << "nor that behind a quick one";
  EXPECT_EQ(pop_all(lane, 1), (Items{209}));
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), (Items{301, 401}));
}

TEST(Lane, KeepsWhatIsLeftOfAConnectionWhenOneIsWithdrawn) {
  Lane<int> lane = lane_for_crowds();
  for (const int user : {1, 2, 3, 4, 5, 6})
    admit(lane, std::to_string(user), user * 100 + 1);
  admit(lane, "1", 102);
  admit(lane, "2", 202);
  EXPECT_EQ(pop_all(lane, 0), (Items{101, 201}));
  lane.withdrawn(0); // of user 2
  EXPECT_EQ(pop_all(lane, 0), (Items{301})) << "the turn of user 2 comes behind the others";
  lane.answered(0); // of user 1
  lane.answered(0); // of user 3
  Items rest;
  while (const auto item = lane.pop(0)) {
    rest.push_back(*item);
    lane.answered(0);
  }
  EXPECT_EQ(rest, (Items{401, 501, 601, 202, 102}));
}

TEST(Lane, HoldsItsLimitsInACrowd) {
  Lane<int> lane({3, 2, 1, 4}, [](int item) { return item % 10 != 9; });
  std::mt19937 random(11);
  std::vector<std::deque<int>> sent(3);
  int added = 0;
  int answered = 0;
  std::size_t most = 0;
  const auto holds = [&](int user) {
    return std::count_if(sent.begin(), sent.end(), [user](const auto &items) {
      return std::any_of(items.begin(), items.end(), [user](int item) { return item / 1000 == user; });
    });
  };
  while (answered < 3000) {
    const auto connection = random() % 3;
    if (added < 3000 && random() % 3 != 0) {
      admit(lane, std::to_string(added % 40), added % 40 * 1000 + added / 40);
      ++added;
    } else if (const auto next = lane.pop(connection)) {
      const bool is_alone = sent[connection].empty();
      sent[connection].push_back(*next);
      most = std::max(most, sent[connection].size());
      ASSERT_LE(holds(*next / 1000), 2);
      const auto is_slow = [](int item) { return item % 10 == 9; };
      ASSERT_FALSE(!is_alone && std::any_of(sent[connection].begin(), sent[connection].end(), is_slow));
    } else if (!sent[connection].empty()) {
      if (random() % 4 == 0 && sent[connection].size() > 1) {
        lane.put_back(std::to_string(sent[connection].back() / 1000), sent[connection].back());
        lane.withdrawn(connection);
        sent[connection].pop_back();
        continue;
      }
      sent[connection].pop_front();
      lane.answered(connection);
      ++answered;
    }
  }
  EXPECT_EQ(most, 4U);
  for (std::size_t connection = 0; connection < 3; ++connection)
    EXPECT_EQ(pop_all(lane, connection), Items{});
}

TEST(Lane, RefusesWhatExceedsTheLineOfOneUserAndNobodyElse) {
  Lane<int> lane({1, 1, 1});
  int item = 1;
  for (int i = 0; i < 20000; ++i)
    EXPECT_EQ(lane.admit("anna", item, 5), i < 5);
  EXPECT_TRUE(lane.admit("ben", item, 5));
  EXPECT_TRUE(lane.pop(0));
  EXPECT_TRUE(lane.admit("anna", item, 5)) << "one of hers has gone";
}

TEST(Lane, PutsBackBeforeTheOthersOfTheUser) {
  Lane<int> lane({1, 1, 1});
  admit(lane, "anna", 101);
  admit(lane, "anna", 102);
  const auto item = lane.pop(0);
  lane.put_back("anna", *item);
  lane.answered(0);
  EXPECT_EQ(lane.pop(0), 101);
}

TEST(Lane, RemovesWhatIsOverAndForgetsUsersWithNothingLeft) {
  Lane<int> lane({1, 1, 1});
  for (const int item : {101, 102, 203})
    admit(lane, item < 200 ? "anna" : "ben", item);
  EXPECT_EQ(lane.remove_first([](int item) { return item < 200; }), (Items{101, 102}));
  admit(lane, "anna", 104);
  EXPECT_EQ(pop_all(lane, 0), (Items{203}));
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), (Items{104}));
  EXPECT_EQ(lane.remove_first([](int) { return true; }), Items{}) << "what was sent is not taken back";
  lane.answered(0);
  EXPECT_EQ(pop_all(lane, 0), Items{});
}

} // namespace
} // namespace pg_live
