// The table of topics: who is reached, that swapping and reuse keep it right, and what a subscription costs.
#include "channel/topic_table.hpp"

#include <array>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <string>

// Of the address sanitizer; not every compiler has the header that declares it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

namespace pg_live {
namespace {

struct Listener : Subscriber {};

std::multiset<const Subscriber *> reached(const TopicTable &table, std::string_view topic,
                                          TopicKind kind = TopicKind::room) {
  std::multiset<const Subscriber *> subscribers;
  for (const auto &to : table.subscribers(topic, kind))
    subscribers.insert(to.subscriber);
  return subscribers;
}

using Set = std::multiset<const Subscriber *>;

TEST(TopicTable, ReachesTheSubscribersOfATopicAndNoOthers) {
  TopicTable table;
  Listener a, b, c;
  table.subscribe("room:1", TopicKind::room, a);
  table.subscribe("room:1", TopicKind::room, b);
  table.subscribe("room:2", TopicKind::room, c);
  EXPECT_EQ(reached(table, "room:1"), (Set{&a, &b}));
  EXPECT_EQ(reached(table, "room:2"), (Set{&c}));
  EXPECT_EQ(reached(table, "room:3"), Set{});
  EXPECT_EQ(reached(table, ""), Set{});
  EXPECT_EQ(reached(table, "room:"), Set{});
}

TEST(TopicTable, PublicAndPrivateTopicsOfOneNameAreTwo) {
  TopicTable table;
  Listener insider, outsider;
  table.subscribe("room:1", TopicKind::database, insider);
  table.subscribe("room:1", TopicKind::room, outsider);
  EXPECT_EQ(table.topics(), 2U);
  EXPECT_EQ(reached(table, "room:1", TopicKind::database), (Set{&insider}));
  EXPECT_EQ(reached(table, "room:1", TopicKind::room), (Set{&outsider}));
  EXPECT_EQ(table.kind(*table.find("room:1", TopicKind::database)), TopicKind::database);
  EXPECT_EQ(table.kind(*table.find("room:1", TopicKind::room)), TopicKind::room);
}

TEST(TopicTable, NamesMayHoldAnyBytes) {
  TopicTable table;
  Listener a, b, c;
  table.subscribe("", TopicKind::room, a);
  table.subscribe(std::string_view("\0", 1), TopicKind::room, b);
  table.subscribe("é\n", TopicKind::room, c);
  EXPECT_EQ(reached(table, ""), (Set{&a}));
  EXPECT_EQ(reached(table, std::string_view("\0", 1)), (Set{&b}));
  EXPECT_EQ(reached(table, "é\n"), (Set{&c}));
}

TEST(TopicTable, ASubscriberMayHoldSeveralSubscriptionsOfOneTopic) {
  TopicTable table;
  Listener a;
  const auto first = table.subscribe("t", TopicKind::room, a);
  const auto second = table.subscribe("t", TopicKind::room, a);
  EXPECT_NE(first, second);
  EXPECT_EQ(reached(table, "t"), (Set{&a, &a}));
  table.unsubscribe(first);
  EXPECT_EQ(reached(table, "t"), (Set{&a}));
  EXPECT_EQ(table.subscribers("t", TopicKind::room).begin()->id, second);
}

TEST(TopicTable, UnsubscribingInAnyOrderKeepsTheOthers) {
  for (std::size_t gone = 0; gone < 3; ++gone) {
    TopicTable table;
    Listener listeners[3];
    SubscriptionId ids[3];
    for (std::size_t i = 0; i < 3; ++i)
      ids[i] = table.subscribe("t", TopicKind::room, listeners[i]);
    table.unsubscribe(ids[gone]);
    Set expected;
    for (std::size_t i = 0; i < 3; ++i)
      if (i != gone) expected.insert(&listeners[i]);
    EXPECT_EQ(reached(table, "t"), expected);
    for (const auto &to : table.subscribers("t", TopicKind::room))
      EXPECT_EQ(to.subscriber, &listeners[static_cast<std::size_t>(to.id)]);
    for (std::size_t i = 0; i < 3; ++i)
      if (i != gone) table.unsubscribe(ids[i]);
    EXPECT_EQ(table.subscriptions(), 0U);
    EXPECT_EQ(table.topics(), 0U);
  }
}

TEST(TopicTable, TheLastSubscriptionTakesTheTopicWithIt) {
  TopicTable table;
  Listener a;
  const auto id = table.subscribe("t", TopicKind::room, a);
  ASSERT_TRUE(table.find("t", TopicKind::room));
  EXPECT_EQ(table.name(*table.find("t", TopicKind::room)), "t");
  table.unsubscribe(id);
  EXPECT_FALSE(table.find("t", TopicKind::room));
  EXPECT_EQ(table.topics(), 0U);
}

TEST(TopicTable, ATopicCanBePublishedByItsId) {
  TopicTable table;
  Listener a, b;
  table.subscribe("t", TopicKind::room, a);
  table.subscribe("u", TopicKind::room, b);
  const auto walk = table.subscribers(*table.find("t", TopicKind::room));
  ASSERT_EQ(walk.size(), 1U);
  EXPECT_EQ(walk.begin()->subscriber, &a);
}

using TopicTableDeathTest = testing::Test;

TEST(TopicTableDeathTest, ChangingItWhilePublishingEndsTheProcess) {
  TopicTable table;
  Listener a;
  const auto id = table.subscribe("t", TopicKind::room, a);
  EXPECT_DEATH(
      {
        for (const auto &to : table.subscribers("t", TopicKind::room))
          table.unsubscribe(to.id);
      },
      "must not change while a topic is walked");
  EXPECT_DEATH(
      {
        const auto walk = table.subscribers("t", TopicKind::room);
        table.subscribe("other", TopicKind::room, a);
      },
      "must not change while a topic is walked");
  table.unsubscribe(id); // and is possible again afterwards
}

TEST(TopicTableDeathTest, AnIdThatIsNotInUseEndsTheProcess) {
  TopicTable table;
  Listener a;
  const auto id = table.subscribe("t", TopicKind::room, a);
  const auto topic = *table.find("t", TopicKind::room);
  table.unsubscribe(id);
  EXPECT_DEATH(table.unsubscribe(id), "no such subscription");
  EXPECT_DEATH(table.unsubscribe(SubscriptionId{77}), "no such subscription");
  EXPECT_DEATH(table.name(topic), "no such topic");
}

TEST(TopicTable, AgreesWithAPlainMapOverManySteps) {
  TopicTable table;
  std::vector<Listener> listeners(50);
  std::map<std::pair<std::string, TopicKind>, Set> model;
  std::map<SubscriptionId, std::pair<std::pair<std::string, TopicKind>, Subscriber *>> alive;
  const std::array kinds = {TopicKind::room, TopicKind::database};
  std::mt19937 random(3);
  for (int step = 0; step < 60'000; ++step) {
    const std::size_t target = (step / 6000) % 2 == 0 ? 400 : 20; // waves, so that topics come and go
    if (alive.size() < target) {
      const std::pair key{"topic:" + std::to_string(random() % 300), kinds.at(random() % 2)};
      Listener &listener = listeners[random() % listeners.size()];
      const auto id = table.subscribe(key.first, key.second, listener);
      ASSERT_TRUE(alive.emplace(id, std::pair{key, &listener}).second) << "an id in use was given out again";
      model[key].insert(&listener);
    } else {
      const auto it = std::next(alive.begin(), static_cast<std::ptrdiff_t>(random() % alive.size()));
      const auto [key, listener] = it->second;
      ASSERT_EQ(table.name(*table.find(key.first, key.second)), key.first);
      table.unsubscribe(it->first);
      alive.erase(it);
      model[key].erase(model[key].find(listener));
      if (model[key].empty()) model.erase(key);
    }
    const std::pair probe{"topic:" + std::to_string(random() % 300), kinds.at(random() % 2)};
    ASSERT_EQ(reached(table, probe.first, probe.second), model.contains(probe) ? model[probe] : Set{});
    ASSERT_EQ(table.topics(), model.size());
    ASSERT_EQ(table.subscriptions(), alive.size());
  }
}

TEST(TopicTable, AllNamesEachTopicInUseOnce) {
  TopicTable table;
  Listener a;
  const SubscriptionId gone = table.subscribe("gone", TopicKind::room, a);
  table.subscribe("room:1", TopicKind::database, a);
  table.subscribe("room:1", TopicKind::database, a);
  table.subscribe("room:1", TopicKind::room, a);
  table.unsubscribe(gone);
  std::multiset<std::pair<std::string, TopicKind>> names;
  for (const TopicId topic : table.all())
    names.emplace(table.name(topic), table.kind(topic));
  EXPECT_EQ(names, (std::multiset<std::pair<std::string, TopicKind>>{{"room:1", TopicKind::database},
                                                                     {"room:1", TopicKind::room}}));
}

TEST(TopicTable, ASubscriptionCostsLessThanAHundredBytes) {
  const std::size_t before = __sanitizer_get_current_allocated_bytes();
  TopicTable table;
  Listener a;
  for (int i = 0; i < 100'000; ++i)
    table.subscribe("room:" + std::to_string(i % 1000), TopicKind::room, a);
  EXPECT_LT((__sanitizer_get_current_allocated_bytes() - before) / table.subscriptions(), 100U);
}

TEST(TopicTable, ATopicWithOneSubscriberCostsLessThanTwoHundredBytes) {
  const std::size_t before = __sanitizer_get_current_allocated_bytes();
  TopicTable table;
  Listener a;
  for (int i = 0; i < 100'000; ++i)
    table.subscribe("user:00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + i), TopicKind::room, a);
  EXPECT_LT((__sanitizer_get_current_allocated_bytes() - before) / table.subscriptions(), 200U);
}

} // namespace
} // namespace pg_live
