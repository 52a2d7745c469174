// Keys that order a list: those of the npm package fractional-indexing, between their neighbours, and short.
// test/bridge/e2e/fractional_index.test.mjs compares them with the package.
#include "merge/fractional_index.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace pg_live {

namespace {

using Key = std::optional<std::string_view>;

std::string between(Key before, Key after) {
  const auto result = key_between(before, after);
  const auto *key = std::get_if<std::string>(&result);
  EXPECT_NE(key, nullptr) << before.value_or("begin") << " " << after.value_or("end");
  return key == nullptr ? "" : *key;
}

std::optional<KeyFault> fault_between(Key before, Key after) {
  const auto result = key_between(before, after);
  const auto *fault = std::get_if<KeyFault>(&result);
  return fault == nullptr ? std::nullopt : std::optional(*fault);
}

TEST(FractionalIndex, AreThoseOfThePackage) {
  EXPECT_EQ(between({}, {}), "a0");
  EXPECT_EQ(between({}, "a0"), "Zz");
  EXPECT_EQ(between({}, "Zz"), "Zy");
  EXPECT_EQ(between("a0", {}), "a1");
  EXPECT_EQ(between("az", {}), "b00");
  EXPECT_EQ(between({}, "Z0"), "Yzz");
  EXPECT_EQ(between("a0", "a1"), "a0V");
  EXPECT_EQ(between("a1", "a2"), "a1V");
  EXPECT_EQ(between("a0V", "a1"), "a0l");
  EXPECT_EQ(between("Zz", "a0"), "ZzV");
  EXPECT_EQ(between("Zz", "a1"), "a0");
  EXPECT_EQ(between({}, "Y00"), "Xzzz");
  EXPECT_EQ(between("bzz", {}), "c000");
  EXPECT_EQ(between("a0", "a0V"), "a0G");
  EXPECT_EQ(between("a0", "a0G"), "a08");
  EXPECT_EQ(between("b125", "b129"), "b127");
  EXPECT_EQ(between("a0", "a1V"), "a1");
  EXPECT_EQ(between("a0", "a001"), "a000V");
  EXPECT_EQ(between({}, "A000000000000000000000000001"), "A000000000000000000000000000V");
  EXPECT_EQ(between({}, "A00000000000000000000000001"), "A00000000000000000000000000V");
  EXPECT_EQ(between("zzzzzzzzzzzzzzzzzzzzzzzzzzz", {}), "zzzzzzzzzzzzzzzzzzzzzzzzzzzV");
}

TEST(FractionalIndex, RefusesWhatIsNoKey) {
  for (const std::string_view bad :
       {"", "a", "0", "a00", "a0V0", "A00000000000000000000000000", "b1", "a-", "a0 ", "\xC3\xA4\x30", "~0", "z"}) {
    EXPECT_EQ(fault_between(bad, {}), KeyFault::not_a_key) << bad;
    EXPECT_EQ(fault_between({}, bad), KeyFault::not_a_key) << bad;
  }
  EXPECT_EQ(fault_between("a1", "a0"), KeyFault::not_ascending);
  EXPECT_EQ(fault_between("a1", "a1"), KeyFault::not_ascending);
  EXPECT_EQ(fault_between("a0" + std::string(999, '1'), {}), KeyFault::too_long);
}

TEST(FractionalIndex, AreBetweenTheirNeighbours) {
  std::mt19937 random(15); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  std::vector<std::string> list{between({}, {})};
  for (int round = 0; round < 3000; ++round) {
    const std::size_t place = random() % (list.size() + 1);
    const Key before = place == 0 ? Key() : Key(list[place - 1]);
    const Key after = place == list.size() ? Key() : Key(list[place]);
    const std::string key = between(before, after);
    ASSERT_TRUE((!before || *before < key) && (!after || key < *after)) << key;
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(place), key);
  }
}

TEST(FractionalIndex, GrowWithTheLogarithmAtTheEnds) {
  std::string last = "a0";
  std::string first = "a0";
  for (int round = 0; round < 100'000; ++round) {
    last = between(last, {});
    first = between({}, first);
  }
  EXPECT_LE(std::max(last.size(), first.size()), 5u);
}

TEST(FractionalIndex, GrowByOneDigitAtMostBetweenTwo) {
  for (const bool moves_up : {true, false}) {
    std::string lower = "a0";
    std::string upper = "a1";
    for (int round = 0; round < 500; ++round) {
      const std::string key = between(lower, upper);
      ASSERT_LE(key.size(), std::max(lower.size(), upper.size()) + 1);
      (moves_up ? lower : upper) = key;
    }
    EXPECT_LE(std::max(lower.size(), upper.size()), 120u);
  }
}

} // namespace

} // namespace pg_live
