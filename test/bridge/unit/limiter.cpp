// What sockets of users and addresses may use together, against a clock the test holds.
#include "limits/limiter.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace pg_live {
namespace {

using namespace std::chrono_literals;

// Only the limits of a test hold.
Limits limits_with(std::initializer_list<std::pair<Limit, unsigned>> values) {
  Limits limits;
  for (const LimitEntry &entry : limit_entries())
    if (entry.may_be_none()) limits[entry.limit] = 0;
  for (const auto &[limit, value] : values)
    limits[limit] = value;
  return limits;
}

Allowance connected(Limiter &limiter, std::string_view address, std::string_view user) {
  Allowance allowance(limiter, address);
  EXPECT_FALSE(allowance.connect(user));
  return allowance;
}

unsigned spent_at_once(Allowance &allowance, Rate rate) {
  unsigned spent = 0;
  while (!allowance.spend(rate, 0s))
    ++spent;
  return spent;
}

TEST(Limiter, ARateOfASocketIsItsOwn) {
  const Limits limits = limits_with({{Limit::messages_by_socket, 2}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "anna");
  Allowance second = connected(limiter, "x", "anna");
  EXPECT_EQ(spent_at_once(first, Rate::messages), 10u) << "five seconds' worth";
  EXPECT_EQ(spent_at_once(second, Rate::messages), 10u);
}

TEST(Limiter, SocketsOfOneUserShareItsRateWhateverTheirAddresses) {
  const Limits limits = limits_with({{Limit::joins_by_user, 2}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "anna");
  Allowance second = connected(limiter, "y", "anna");
  Allowance other = connected(limiter, "x", "ben");
  EXPECT_EQ(spent_at_once(first, Rate::joins), 10u);
  const auto excess = second.spend(Rate::joins, 0s);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->limit, Limit::joins_by_user);
  EXPECT_EQ(excess->retry_after_seconds, 1u);
  EXPECT_EQ(spent_at_once(other, Rate::joins), 10u);
  EXPECT_FALSE(second.spend(Rate::joins, 1s)) << "after the time that was told";
}

TEST(Limiter, SocketsOfOneAddressShareItsRateWhoeverTheirUsersAre) {
  const Limits limits = limits_with({{Limit::messages_by_address, 2}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "anna");
  Allowance second = connected(limiter, "x", "");
  Allowance other = connected(limiter, "y", "anna");
  EXPECT_EQ(spent_at_once(first, Rate::messages), 10u);
  EXPECT_EQ(spent_at_once(second, Rate::messages), 0u);
  EXPECT_EQ(spent_at_once(other, Rate::messages), 10u);
}

TEST(Limiter, TheAnonymousAreNotOneUser) {
  const Limits limits = limits_with({{Limit::messages_by_user, 2}, {Limit::connections_by_user, 1}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "");
  Allowance second = connected(limiter, "y", "");
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(first.spend(Rate::messages, 0s));
    EXPECT_FALSE(second.spend(Rate::messages, 0s));
  }
}

TEST(Limiter, WhatOneScopeRefusesCostsTheOthersNothing) {
  const Limits limits =
      limits_with({{Limit::messages_by_socket, 10}, {Limit::messages_by_user, 20}, {Limit::messages_by_address, 1}});
  Limiter limiter(limits);
  Allowance allowance = connected(limiter, "x", "anna");
  EXPECT_EQ(spent_at_once(allowance, Rate::messages), 5u);
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(allowance.spend(Rate::messages, 0s));
  allowance.move_to("y");
  EXPECT_EQ(spent_at_once(allowance, Rate::messages), 5u) << "the socket had 45 left";
}

TEST(Limiter, ToComeBackGivesNoNewBurst) {
  const Limits limits = limits_with({{Limit::joins_by_user, 1}});
  Limiter limiter(limits);
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(connected(limiter, "x", "anna").spend(Rate::joins, 0s));
  EXPECT_TRUE(connected(limiter, "x", "anna").spend(Rate::joins, 0s));
  limiter.advance(10s);
  EXPECT_EQ(limiter.accounts(), 0u);
  Allowance later = connected(limiter, "x", "anna");
  EXPECT_FALSE(later.spend(Rate::joins, 10s));
}

TEST(Limiter, WhatCannotEverBeDoneHasNoTimeToTryAgain) {
  const Limits limits = limits_with({{Limit::messages_by_user, 2}});
  Limiter limiter(limits);
  Allowance allowance = connected(limiter, "x", "anna");
  const auto excess = allowance.spend(Rate::messages, 0s, 11);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->retry_after_seconds, 0u);
  EXPECT_EQ(text_of(*excess), "too many messages a second of one user: at most 2 (--limit-messages-by-user)");
}

TEST(Limiter, TheLargestBodyFitsIntoABurstOfBytes) {
  const Limits limits = limits_with({{Limit::bytes_by_user, 1}});
  Limiter limiter(limits);
  Allowance allowance = connected(limiter, "x", "anna");
  EXPECT_FALSE(allowance.spend(Rate::bytes, 0s, limits[Limit::body_bytes]));
}

TEST(Limiter, ConnectionsAreCountedOfTheProcessTheUserAndTheAddress) {
  const Limits limits =
      limits_with({{Limit::connections, 3}, {Limit::connections_by_user, 2}, {Limit::connections_by_address, 2}});
  Limiter limiter(limits);
  std::deque<Allowance> open;
  open.push_back(connected(limiter, "x", "anna"));
  open.push_back(connected(limiter, "y", "anna"));
  {
    Allowance third(limiter, "z");
    const auto excess = third.connect("anna");
    ASSERT_TRUE(excess);
    EXPECT_EQ(excess->limit, Limit::connections_by_user);
    EXPECT_FALSE(third.connect("ben"));
    Allowance fourth(limiter, "u");
    EXPECT_EQ(fourth.connect("cleo")->limit, Limit::connections);
  }
  EXPECT_EQ(limiter.connections(), 2u);
  Allowance second_of_x(limiter, "x");
  EXPECT_FALSE(second_of_x.excess_of_address());
  Allowance third_of_x(limiter, "x");
  EXPECT_EQ(third_of_x.excess_of_address()->limit, Limit::connections_by_address);
  EXPECT_FALSE(third_of_x.excess_of_address(1));
  open.pop_front();
  EXPECT_FALSE(third_of_x.excess_of_address());
  EXPECT_FALSE(third_of_x.connect("anna"));
}

TEST(Limiter, AConnectionGoesOverToTheUserOfItsToken) {
  const Limits limits = limits_with({{Limit::connections_by_user, 1}, {Limit::topics_by_user, 3}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "");
  EXPECT_FALSE(first.change_user("anna", 0s));
  first.set_topics(2);
  Allowance second = connected(limiter, "x", "");
  EXPECT_EQ(second.change_user("anna", 0s)->limit, Limit::connections_by_user);
  EXPECT_FALSE(second.change_user("ben", 0s));
  second.set_topics(2);
  EXPECT_FALSE(first.change_user("", 0s)) << "a token without a user";
  EXPECT_EQ(first.change_user("ben", 0s)->limit, Limit::connections_by_user);
  EXPECT_FALSE(second.change_user("cleo", 0s));
  EXPECT_FALSE(first.change_user("ben", 0s));
  EXPECT_FALSE(first.excess_of_topics()) << "two of three";
}

TEST(Limiter, TopicsAreCountedOfTheSocketTheUserAndTheAddress) {
  const Limits limits =
      limits_with({{Limit::topics_by_socket, 3}, {Limit::topics_by_user, 4}, {Limit::topics_by_address, 5}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "anna");
  first.set_topics(3);
  EXPECT_EQ(first.excess_of_topics()->limit, Limit::topics_by_socket);
  Allowance second = connected(limiter, "x", "anna");
  second.set_topics(1);
  EXPECT_EQ(second.excess_of_topics()->limit, Limit::topics_by_user);
  Allowance third = connected(limiter, "x", "ben");
  third.set_topics(1);
  EXPECT_EQ(third.excess_of_topics()->limit, Limit::topics_by_address);
  first.set_topics(0);
  EXPECT_FALSE(second.excess_of_topics());
}

TEST(Limiter, TokensThatWaitAreCountedOfTheAddress) {
  const Limits limits = limits_with({{Limit::waiting_tokens, 2}, {Limit::waiting_tokens_by_address, 1}});
  Limiter limiter(limits);
  Allowance first(limiter, "x");
  Allowance second(limiter, "x");
  Allowance other(limiter, "y");
  auto place = first.wait_for_keys();
  EXPECT_TRUE(place);
  EXPECT_FALSE(second.wait_for_keys());
  const auto place_of_other = other.wait_for_keys();
  EXPECT_TRUE(place_of_other);
  Allowance third(limiter, "z");
  EXPECT_FALSE(third.wait_for_keys()) << "two of all";
  place.reset();
  EXPECT_TRUE(second.wait_for_keys());
}

TEST(Limiter, TrackedBytesAreCountedOfTheAddress) {
  const Limits limits = limits_with({{Limit::tracked_bytes_by_address, 100}});
  Limiter limiter(limits);
  Allowance first = connected(limiter, "x", "");
  Allowance second = connected(limiter, "x", "");
  EXPECT_FALSE(first.excess_of_tracked_bytes(100));
  first.change_tracked_bytes(0, 60);
  EXPECT_EQ(second.excess_of_tracked_bytes(41)->limit, Limit::tracked_bytes_by_address);
  first.change_tracked_bytes(60, 10);
  EXPECT_FALSE(second.excess_of_tracked_bytes(41));
  first.change_tracked_bytes(10, 0);
}

TEST(Limiter, CountsEachRefusalAsOneHitOfItsLimit) {
  const Limits limits = limits_with({{Limit::joins_by_socket, 1}, {Limit::joins_by_user, 100}});
  Limiter limiter(limits);
  Allowance allowance = connected(limiter, "x", "anna");
  for (int i = 0; i < 8; ++i)
    allowance.spend(Rate::joins, 0s);
  EXPECT_EQ(limiter.hits(Limit::joins_by_socket), 3u);
  EXPECT_EQ(limiter.hits(Limit::joins_by_user), 0u);
}

TEST(Limiter, ARefusalSaysWhatWasTooMuchAndWhenToTryAgain) {
  EXPECT_EQ(text_of({Limit::joins_by_socket, 50, 2}),
            "too many joins a second of one connection: at most 50 (--limit-joins-by-socket); try again in 2 s");
}

// Whatever sockets do, in any order: when all have ended, nothing is counted, and what nobody holds is dropped.
TEST(Limiter, NothingStaysCountedOfSocketsThatHaveEnded) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    const auto below = [&random](std::size_t limit) {
      return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    const auto name = [&below](char first) { return std::string(1, static_cast<char>(first + below(3))); };
    const Limits limits = limits_with({{Limit::connections, 20},
                                       {Limit::connections_by_user, 5},
                                       {Limit::topics_by_user, 30},
                                       {Limit::topics_by_address, 60},
                                       {Limit::joins_by_user, 3},
                                       {Limit::messages_by_address, 10}});
    Limiter limiter(limits);
    std::vector<std::unique_ptr<Allowance>> open;
    std::chrono::seconds now{0};
    for (int step = 0; step < 3000; ++step) {
      if (open.empty() || below(4) == 0) {
        open.push_back(std::make_unique<Allowance>(limiter, name('x')));
        if (open.back()->connect(below(2) == 0 ? "" : name('a'))) open.pop_back();
        continue;
      }
      Allowance &one = *open[below(open.size())];
      switch (below(6)) {
      case 0:
        one.change_user(name('a'), now);
        break;
      case 1:
        if (!one.excess_of_topics()) one.set_topics(1 + below(9));
        break;
      case 2:
        one.spend(Rate::joins, now);
        break;
      case 3:
        one.move_to(name('x'));
        break;
      case 4:
        std::swap(open[below(open.size())], open.back());
        open.pop_back();
        break;
      default:
        limiter.advance(now += std::chrono::seconds(below(2)));
      }
      ASSERT_LE(limiter.connections(), 20u);
    }
    open.clear();
    EXPECT_EQ(limiter.connections(), 0u);
    for (const auto *address : {"x", "y", "z"}) {
      Allowance again(limiter, address);
      again.set_topics(59);
      EXPECT_FALSE(again.excess_of_topics()) << "seed " << seed;
    }
    limiter.advance(now + 1h);
    EXPECT_EQ(limiter.accounts(), 0u);
  }
}

} // namespace
} // namespace pg_live
