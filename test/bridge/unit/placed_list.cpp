// The list of those who know their place: who is in it, and that leaving it costs the same however many there are.
#include "presence/placed_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace pg_live {
namespace {

struct Guest : Placed {};

using Guests = std::vector<Guest>;

PlacedList<Guest> list_of(Guests &guests) {
  PlacedList<Guest> list;
  for (Guest &guest : guests)
    list.add(guest);
  return list;
}

TEST(PlacedList, HasThoseWhoDidNotLeave) {
  Guests guests(50);
  PlacedList<Guest> list;
  std::set<Guest *> inside;
  std::mt19937 random(5);
  for (int step = 0; step < 10'000; ++step) {
    Guest &guest = guests[random() % guests.size()];
    if (inside.insert(&guest).second) {
      list.add(guest);
    } else {
      list.remove(guest);
      inside.erase(&guest);
    }
    ASSERT_EQ(std::set<Guest *>(list.begin(), list.end()), inside);
    ASSERT_EQ(list.size(), inside.size());
    ASSERT_EQ(list.empty(), inside.empty());
  }
}

TEST(PlacedList, MovesAtMostOneOtherWhenOneLeaves) {
  Guests guests(300);
  PlacedList<Guest> list = list_of(guests);
  for (Guest &guest : guests) {
    const std::vector<Guest *> before(list.begin(), list.end());
    list.remove(guest);
    std::size_t moved = 0;
    for (std::size_t place = 0; place < list.size(); ++place)
      if (list.begin()[static_cast<std::ptrdiff_t>(place)] != before[place]) ++moved;
    ASSERT_LE(moved, 1U);
  }
}

// In less than a second. If each searched for its place, or the others moved up, it would take minutes.
TEST(PlacedList, AMillionLeaveInTheOrderInWhichTheyCame) {
  Guests guests(1'000'000);
  PlacedList<Guest> list = list_of(guests);
  for (Guest &guest : guests)
    list.remove(guest);
  EXPECT_TRUE(list.empty());
}

} // namespace
} // namespace pg_live
