// From one text to another: it arrives there, keeps what both have in common, and divides no character.
#include "merge/text_difference.hpp"

#include "changeset_test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace pg_live {

namespace {

std::string difference(std::string_view before, std::string_view after) {
  return test::value_of(text_difference(before, after)).to_json();
}

TEST(TextDifference, ReplacesWhatIsBetweenTheCommonEnds) {
  EXPECT_EQ(difference("one two three", "one 2 three"), R"([4,[3,"2"],6])");
  EXPECT_EQ(difference("", "a\nb"), R"([[0,"a","b"]])");
  EXPECT_EQ(difference("ab", ""), "[[2]]");
  EXPECT_EQ(difference("aaa", "aa"), "[2,[1]]") << "the ends do not overlap";
  EXPECT_EQ(difference("aa", "aaa"), R"([2,[0,"a"]])");
  EXPECT_EQ(difference("same", "same"), "[4]");
}

TEST(TextDifference, DividesNoCharacter) {
  EXPECT_EQ(difference("👍", "👎"), R"([[2,"👎"]])") << "they begin with the same surrogate";
  EXPECT_EQ(difference("x👍y", "x🐍y"), R"([1,[2,"🐍"],1])");
  EXPECT_EQ(difference("é", "è"), R"([[1,"è"]])");
  EXPECT_EQ(difference("\u0429", "\u00a9"), "[[1,\"\u00a9\"]]") << "they end with the same byte";
}

TEST(TextDifference, ArrivesAtTheOtherText) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE(seed);
  const char *const parts[] = {"a", "b", "é", "è", "👍", "👎", "\n", "\u0429", "\u00a9"};
  const auto text = [&] {
    std::string result;
    for (std::size_t length = random() % 6; length > 0; --length)
      result += parts[random() % std::size(parts)];
    return result;
  };
  for (int round = 0; round < 20000; ++round) {
    const std::string before = text();
    const std::string after = text();
    const ChangeSet change = test::value_of(text_difference(before, after));
    ASSERT_EQ(test::value_of(change.apply(before)), after) << before << " to " << after;
  }
}

} // namespace

} // namespace pg_live
