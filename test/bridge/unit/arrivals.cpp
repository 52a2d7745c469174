// Who gives way where too much is unfinished: of the address that has most, the oldest.
#include "limits/arrivals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace pg_live {
namespace {

class Handshaker final : public Newcomer {
 public:
  Handshaker(Arrivals &all, std::string address) : address_(std::move(address)), arrival_(all, address_, *this) {}
  virtual ~Handshaker() = default;

  void give_way() override {}
  const std::string &address() const { return address_; }
  void move_to(const std::string &address) {
    address_ = address;
    arrival_.move_to(address);
  }

 private:
  std::string address_;
  Arrival arrival_;
};

TEST(Arrivals, TheOldestGivesWayWhereEachAddressHasOne) {
  Arrivals all;
  EXPECT_EQ(all.first_to_go(), nullptr);
  auto oldest = std::make_unique<Handshaker>(all, "a");
  const Handshaker second(all, "b");
  const Handshaker third(all, "c");
  EXPECT_EQ(all.first_to_go(), oldest.get());
  oldest.reset();
  EXPECT_EQ(all.first_to_go(), &second);
  EXPECT_EQ(all.size(), 2u);
}

TEST(Arrivals, TheAddressThatHasMostGivesWayBeforeOlderOnesOfOthers) {
  Arrivals all;
  const Handshaker old(all, "a");
  const Handshaker first_of_many(all, "b");
  const Handshaker second_of_many(all, "b");
  EXPECT_EQ(all.first_to_go(), &first_of_many);
}

// As a proxy says for whom it came.
TEST(Arrivals, OneThatMovesIsCountedOfItsNewAddressAndIsAsOldAsBefore) {
  Arrivals all;
  Handshaker first(all, "proxy");
  Handshaker second(all, "proxy");
  const Handshaker third(all, "a");
  const Handshaker fourth(all, "a");
  EXPECT_EQ(all.first_to_go(), &first);
  second.move_to("b");
  EXPECT_EQ(all.first_to_go(), &third);
  first.move_to("a");
  EXPECT_EQ(all.first_to_go(), &first);
}

TEST(Arrivals, OneAddressWithVeryManyPushesOutNoneOfTheOthers) {
  constexpr std::size_t kMost = 100;
  Arrivals all;
  std::vector<std::unique_ptr<Handshaker>> others;
  others.reserve(50);
  for (int n = 0; n < 50; ++n)
    others.push_back(std::make_unique<Handshaker>(all, "other " + std::to_string(n)));
  std::map<const Newcomer *, std::unique_ptr<Handshaker>> many;
  for (int n = 0; n < 10000; ++n) {
    auto one = std::make_unique<Handshaker>(all, "many");
    const Handshaker *const key = one.get();
    many.emplace(key, std::move(one));
    if (all.size() > kMost) ASSERT_EQ(many.erase(all.first_to_go()), 1u);
  }
  EXPECT_EQ(all.size(), kMost);
}

// The first to go, by looking at all.
const Handshaker *looked_up(const std::vector<std::unique_ptr<Handshaker>> &oldest_first) {
  std::map<std::string, std::size_t> counts;
  for (const auto &guest : oldest_first)
    ++counts[guest->address()];
  const auto found =
      std::max_element(oldest_first.begin(), oldest_first.end(), [&counts](const auto &left, const auto &right) {
        return counts[left->address()] < counts[right->address()];
      });
  return found == oldest_first.end() ? nullptr : found->get();
}

TEST(Arrivals, GiveWayAsInAModelWhateverComesMovesAndLeaves) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    const auto below = [&random](std::size_t limit) {
      return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    Arrivals all;
    std::vector<std::unique_ptr<Handshaker>> guests; // the oldest first
    for (int step = 0; step < 3000; ++step) {
      const std::string address = std::to_string(below(6));
      const std::size_t action = below(5);
      if (guests.empty() || action < 2) {
        guests.push_back(std::make_unique<Handshaker>(all, address));
      } else if (action < 4) {
        guests.erase(guests.begin() + static_cast<std::ptrdiff_t>(below(guests.size())));
      } else {
        guests[below(guests.size())]->move_to(address);
      }
      ASSERT_EQ(all.first_to_go(), looked_up(guests)) << "seed " << seed << ", step " << step;
      ASSERT_EQ(all.size(), guests.size());
    }
  }
}

} // namespace
} // namespace pg_live
