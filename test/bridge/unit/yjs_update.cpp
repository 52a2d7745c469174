// What is an update, and why other bytes are refused.
#include "yjs_test.hpp"

#include <ostream>

#include <gtest/gtest.h>

namespace pg_live::test {
namespace {

using yjs::Fault;

// An update with one struct of client 1 at clock 5, in the shared type "t".
std::string with_item(unsigned content_kind, std::string_view content) {
  return yjs_bytes({1, 1, 1, 5, content_kind, 1, 1, 't'}).append(content) + '\0';
}

std::string with_struct(std::initializer_list<unsigned> bytes) {
  return yjs_bytes({1, 1, 1, 5}) + yjs_bytes(bytes) + '\0';
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string result;
  for (; times > 0; --times)
    result += part;
  return result;
}

std::string in_arrays(std::size_t depth) { return '\1' + repeated("\x75\1", depth) + '\x7e'; }

std::string json_in_arrays(std::size_t depth) {
  std::string content;
  yjs::append_byte_string(content, repeated("[", depth) + repeated("]", depth));
  return content;
}

// A number of eight bytes.
const std::string kLargest = repeated("\xff", 7) + '\x0f';
const std::string kOneMore = repeated("\x80", 7) + '\x10';
const std::string kNothing(1, '\0');

struct Refusal {
  std::string name;
  std::string bytes;
  Fault fault;
};

void PrintTo(const Refusal &refusal, std::ostream *out) { *out << refusal.name; }

class YjsUpdateRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(YjsUpdateRefuses, Bytes) {
  yjs::Error error{};
  ASSERT_FALSE(yjs::read_update(GetParam().bytes, &error));
  EXPECT_EQ(message(error.fault), message(GetParam().fault));
  EXPECT_LE(error.offset, GetParam().bytes.size());
}

INSTANTIATE_TEST_SUITE_P(
    All, YjsUpdateRefuses,
    testing::Values(
        Refusal{"no bytes", "", Fault::truncated}, Refusal{"no delete set", yjs_bytes({0}), Fault::truncated},
        Refusal{"more sections than there are", kLargest, Fault::truncated},
        Refusal{"more structs than there are", yjs_bytes({1}) + kLargest + yjs_bytes({1, 0, 0, 1}), Fault::truncated},
        Refusal{"more deletions than there are", yjs_bytes({0, 1, 1}) + kLargest, Fault::truncated},
        Refusal{"more values than there are", with_item(8, kLargest + '\x7d'), Fault::truncated},
        Refusal{"more members than there are", with_item(8, "\1\x76" + kLargest), Fault::truncated},
        Refusal{"a string that is longer than the bytes", with_item(4, kLargest), Fault::truncated},
        Refusal{"a float that is cut off", with_item(8, "\1\x7b"), Fault::truncated},
        Refusal{"a byte after the end", yjs_bytes({0, 0, 0}), Fault::trailing_bytes},
        Refusal{"2^53 as a client", yjs_bytes({1, 1}) + kOneMore, Fault::number_too_large},
        Refusal{"a number without end", repeated("\xff", 100), Fault::number_too_large},
        Refusal{"zero in nine bytes", repeated("\x80", 8) + '\0', Fault::number_too_large},
        Refusal{"an integer without end", with_item(8, "\1\x7d" + repeated("\xff", 100)), Fault::number_too_large},
        Refusal{"a struct beyond 2^53", yjs_bytes({1, 1, 1}) + kLargest + yjs_bytes({0, 1, 0}), Fault::clock_too_large},
        Refusal{"structs that add up beyond 2^53", yjs_bytes({1, 2, 1, 0, 0}) + kLargest + yjs_bytes({10, 1, 0}),
                Fault::clock_too_large},
        Refusal{"a deletion beyond 2^53", yjs_bytes({0, 1, 1, 1}) + kLargest + yjs_bytes({1}), Fault::clock_too_large},
        Refusal{"half of a character", with_item(4, "\1\xc3"), Fault::invalid_text},
        Refusal{"a surrogate", with_item(4, "\3\xed\xa0\x80"), Fault::invalid_text},
        Refusal{"the name of a shared type", with_struct({4, 1, 1, 0xff, 1, 'a'}), Fault::invalid_text},
        Refusal{"the key of a map", with_struct({0x24, 1, 1, 't', 1, 0xff, 1, 'a'}), Fault::invalid_text},
        Refusal{"a string among values", with_item(8, "\1\x77\1\xff"), Fault::invalid_text},
        Refusal{"the name of a member", with_item(8, "\1\x76\1\1\xff\x7e"), Fault::invalid_text},
        Refusal{"the name of an element", with_item(7, "\3\1\xff"), Fault::invalid_text},
        Refusal{"an embed that is not JSON", with_item(5, "\1{"), Fault::invalid_json},
        Refusal{"an embed that is undefined", with_item(5, "\x9undefined"), Fault::invalid_json},
        Refusal{"a format that is not JSON", with_item(6, "\1b" + kNothing), Fault::invalid_json},
        Refusal{"an element that is not JSON", with_item(2, "\1\1x"), Fault::invalid_json},
        Refusal{"JSON in 257 arrays", with_item(5, json_in_arrays(257)), Fault::nested_too_deeply},
        Refusal{"a value in 257 arrays", with_item(8, in_arrays(257)), Fault::nested_too_deeply},
        Refusal{"a value in a million arrays", with_item(8, in_arrays(1'000'000)), Fault::nested_too_deeply},
        Refusal{"a struct of kind 11", with_struct({11, 1}), Fault::unknown_struct},
        Refusal{"a Skip with an origin", with_struct({0x8a, 1}), Fault::unknown_struct},
        Refusal{"a shared type of kind 7", with_item(7, "\7"), Fault::unknown_type},
        Refusal{"a value of kind 115", with_item(8, "\1\x73"), Fault::unknown_value},
        Refusal{"a value of kind 128", with_item(8, "\1\x80"), Fault::unknown_value},
        Refusal{"a subdocument without options", with_item(9, "\1d\x7e"), Fault::invalid_subdocument},
        Refusal{"no garbage", with_struct({0, 0}), Fault::empty_struct},
        Refusal{"no Skip", with_struct({10, 0}), Fault::empty_struct},
        Refusal{"no deleted content", with_item(1, kNothing), Fault::empty_struct},
        Refusal{"no text", with_item(4, kNothing), Fault::empty_struct},
        Refusal{"no values", with_item(8, kNothing), Fault::empty_struct},
        Refusal{"an item to the right of itself", with_struct({0x84, 1, 5, 1, 'a'}), Fault::later_reference},
        Refusal{"an item to the left of itself", with_struct({0x44, 1, 5, 1, 'a'}), Fault::later_reference},
        Refusal{"an item within a later one", with_struct({4, 0, 1, 6, 1, 'a'}), Fault::later_reference},
        Refusal{"two sections of a client", yjs_bytes({2, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0}), Fault::repeated_client},
        Refusal{"an empty section of a client before", yjs_bytes({2, 0, 1, 0, 1, 1, 0, 0, 1, 0}),
                Fault::repeated_client}));

TEST(YjsUpdate, RefusesEachPartThatIsCutOff) {
  for (const YjsVector &vector : yjs_vectors()) {
    for (std::size_t length = 0; length < vector.merged.size(); ++length) {
      yjs::Error error{};
      ASSERT_FALSE(yjs::read_update(vector.merged.substr(0, length), &error));
      EXPECT_EQ(error.fault, Fault::truncated) << length;
    }
  }
}

TEST(YjsUpdate, TakesWhatIsAtItsLimits) {
  for (const std::string &bytes :
       {with_item(5, json_in_arrays(256)), with_item(8, in_arrays(256)), with_item(2, "\1\x9undefined"),
        with_item(4, "\1" + kNothing), with_struct({0xc4, 1, 4, 2, 9, 1, 'a'}), with_struct({4, 0, 2, 9, 1, 'a'}),
        yjs_bytes({1, 1, 1, 0, 0}) + kLargest + kNothing, yjs_bytes({1, 1}) + kLargest + yjs_bytes({0, 0, 1, 0})})
    EXPECT_NO_THROW(yjs_update(bytes));
}

// JavaScript writes them so, and jsonb has no room for them.
TEST(YjsUpdate, TakesJsonWithNulAndLoneSurrogates) {
  for (const std::string_view json : {R"("\u0000")", R"("\ud800")", R"({"\udc00":"\ud800x"})"}) {
    std::string content;
    yjs::append_byte_string(content, json);
    EXPECT_NO_THROW(yjs_update(with_item(5, content))) << json;
  }
}

TEST(YjsUpdate, CountsItsContentInUnitsOfTheClock) {
  const auto length = [](const std::string &bytes) {
    const yjs::IdRange range = yjs_update(bytes).contents.structs.ranges().at(0);
    return range.end - range.clock;
  };
  EXPECT_EQ(length(with_item(4, "\x0b\x61\xc3\xa4\xe6\x97\xa5\xf0\x9f\x91\x8d!")), 6U); // a, ä, 日, a pair and !
  EXPECT_EQ(length(with_item(8, yjs_bytes({3, 0x7e, 0x76, 2, 1, 'a', 0x75, 0, 1, 'b', 0x74, 1, 'x', 0x7d, 0x85, 1}))),
            3U);
  EXPECT_EQ(length(with_item(2, "\2\1" + std::string("1\x9undefined"))), 2U);
  EXPECT_EQ(length(with_item(1, "\x85\1")), 133U);
  EXPECT_EQ(length(with_item(3, "\3abc")), 1U);
  EXPECT_EQ(length(with_item(9, "\1d\x76" + kNothing)), 1U);
}

TEST(YjsUpdate, HasWhatIsBeforeAndAfterASkip) {
  const yjs::Update update = yjs_update(yjs_bytes({2, 3, 1, 0, 0, 2, 10, 3, 0, 1, 1, 7, 0, 0, 4, 0}));
  EXPECT_EQ(update.contents.structs, yjs::IdSet({{7, 0, 4}, {1, 0, 2}, {1, 5, 6}}));
  EXPECT_TRUE(has_gap(update.contents.structs));
}

} // namespace
} // namespace pg_live::test
