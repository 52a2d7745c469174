// Positions: one text a position, numeric order.
#include "wire/position.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(Position, ReadsWhatItWrites) {
  for (const Position position :
       {Position{0, 0}, Position{1, 2}, Position{1763856000000000, 42}, Position{INT64_MAX, INT64_MAX}})
    EXPECT_EQ(parse_position(format_position(position)), position);
  EXPECT_EQ(format_position({12, 345}), "12-345");
}

TEST(Position, OrdersByBatchThenIdAsNumbers) {
  EXPECT_LT((Position{9, 100}), (Position{10, 1}));
  EXPECT_LT((Position{10, 9}), (Position{10, 10}));
  EXPECT_EQ((Position{10, 9}), (Position{10, 9}));
}

class PositionRefuses : public testing::TestWithParam<std::string_view> {};

TEST_P(PositionRefuses, OtherTexts) { EXPECT_FALSE(parse_position(GetParam())); }

INSTANTIATE_TEST_SUITE_P(All, PositionRefuses,
                         testing::Values("", "-", "1", "1-", "-1", "1-2-3", "1--2", "-1-2", "+1-2", "1-+2", "01-2",
                                         "1-02", "00-1", " 1-2", "1-2 ", "1 -2", "1-2\n", "a-1", "1-a", "1_2", "0x1-2",
                                         "1.0-2", "9223372036854775808-1", "1-9223372036854775808",
                                         std::string_view("1-2\0", 4), "99999999999999999999999-1", "1e3-1", "١-2"));

TEST(Position, LeavesThatOfAStateToTheDatabase) {
  for (const std::string_view text : {"12-345", "1-0@5:6:7:", "1-2@5:6:9:7,8"})
    EXPECT_TRUE(may_be_position(text)) << text;
  EXPECT_TRUE(is_position_of_state("1-0@5:6:7:"));
  EXPECT_FALSE(is_position_of_state("12-345"));
}

TEST(Position, AsksTheDatabaseAboutNoOtherTexts) {
  for (const std::string_view text : {"", "x", "1-0@5:6:7:\n", "1-0' or 1", "1-0@5;6"})
    EXPECT_FALSE(may_be_position(text)) << text;
  EXPECT_FALSE(may_be_position(std::string_view("1-2\0", 4)));
  EXPECT_FALSE(may_be_position(std::string(60'001, '1')));
}

} // namespace
} // namespace pg_live
