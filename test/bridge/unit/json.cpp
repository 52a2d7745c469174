// The JSON slicer: what it accepts, what it refuses and where, and that slices are the bytes that were sent.
#include "text/json.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace pg_live::json {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Value parsed(std::string_view text) {
  Error error;
  const auto value = parse(text, {}, &error);
  EXPECT_TRUE(value.has_value()) << text << ": " << error.message << " at " << error.offset;
  return value.value_or(Value{});
}

std::string text_of(std::string_view json) {
  std::string text;
  EXPECT_TRUE(unescape(parsed(json), text));
  return text;
}

TEST(Json, AcceptsEveryKindAndTellsIt) {
  EXPECT_EQ(parsed("null").kind, Kind::null);
  EXPECT_EQ(parsed("true").kind, Kind::boolean);
  EXPECT_EQ(parsed("false").kind, Kind::boolean);
  EXPECT_EQ(parsed("-0.5e+10").kind, Kind::number);
  EXPECT_EQ(parsed("\"\"").kind, Kind::string);
  EXPECT_EQ(parsed("[]").kind, Kind::array);
  EXPECT_EQ(parsed("{}").kind, Kind::object);
}

TEST(Json, SlicesTheValueWithoutTheSpaceAroundIt) {
  EXPECT_EQ(parsed(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n").raw, "{ \"a\" : [ 1 , 2 ] }");
}

TEST(Json, KeepsNumbersThatDoublesCannotHold) {
  for (const auto number :
       {"9007199254740993", "1e400", "1.10", "-0", "0", "0.0e-0", "1E5", "123456789012345678901234567890"})
    EXPECT_EQ(parsed(number).raw, number);
}

struct Refused {
  std::string_view text;
  std::size_t offset;
  std::string_view message;
};

void PrintTo(const Refused &refused, std::ostream *out) { *out << refused.text; }

class JsonRefuses : public testing::TestWithParam<Refused> {};

TEST_P(JsonRefuses, SayingWhatAndWhere) {
  Error error;
  EXPECT_FALSE(parse(GetParam().text, {}, &error).has_value());
  EXPECT_EQ(error.message, GetParam().message);
  EXPECT_EQ(error.offset, GetParam().offset);
}

constexpr auto kEndMessage = "unexpected end of text"sv;

INSTANTIATE_TEST_SUITE_P(
    Structure, JsonRefuses,
    testing::Values(
        Refused{"", 0, kEndMessage}, Refused{"  ", 2, kEndMessage}, Refused{"[", 1, kEndMessage},
        Refused{"{", 1, kEndMessage}, Refused{"{\"a\"", 4, kEndMessage}, Refused{"{\"a\":", 5, kEndMessage},
        Refused{"{\"a\":1", 6, kEndMessage}, Refused{"{\"a\":1,", 7, kEndMessage}, Refused{"[1,", 3, kEndMessage},
        Refused{"[1,]", 3, "expected a value"}, Refused{"[,1]", 1, "expected a value"},
        Refused{"[1 2]", 3, "expected , or ]"}, Refused{"{,}", 1, "expected a member name"},
        Refused{"{\"a\":1,}", 7, "expected a member name"}, Refused{"{a:1}", 1, "expected a member name"},
        Refused{"{1:1}", 1, "expected a member name"}, Refused{"{\"a\" 1}", 5, "expected :"},
        Refused{"{\"a\":}", 5, "expected a value"}, Refused{"{\"a\":1 \"b\":2}", 7, "expected , or }"},
        Refused{"[1}", 2, "expected , or ]"}, Refused{"{\"a\":1]", 6, "expected , or }"},
        Refused{"]", 0, "expected a value"}, Refused{"[]]", 2, "text after the end of the value"},
        Refused{"{} x", 3, "text after the end of the value"}, Refused{"1 1", 2, "text after the end of the value"},
        Refused{"\xEF\xBB\xBF{}", 0, "expected a value"}, Refused{"[1]\0"sv, 3, "text after the end of the value"},
        Refused{"\0"sv, 0, "expected a value"}, Refused{"/* */1", 0, "expected a value"},
        Refused{"\f1", 0, "expected a value"}, Refused{"'a'", 0, "expected a value"}));

INSTANTIATE_TEST_SUITE_P(Scalars, JsonRefuses,
                         testing::Values(Refused{"nul", 0, "expected a value"}, Refused{"True", 0, "expected a value"},
                                         Refused{"nullx", 4, "text after the end of the value"},
                                         Refused{"NaN", 0, "expected a value"},
                                         Refused{"Infinity", 0, "expected a value"},
                                         Refused{"-Infinity", 1, "expected a digit"}, Refused{"01", 1, "leading zero"},
                                         Refused{"-01", 2, "leading zero"}, Refused{"+1", 0, "expected a value"},
                                         Refused{".5", 0, "expected a value"}, Refused{"1.", 2, kEndMessage},
                                         Refused{"1.e5", 2, "expected a digit"}, Refused{"-", 1, kEndMessage},
                                         Refused{"--1", 1, "expected a digit"}, Refused{"1e", 2, kEndMessage},
                                         Refused{"1e+", 3, kEndMessage}, Refused{"[1e]", 3, "expected a digit"},
                                         Refused{"0x10", 1, "text after the end of the value"},
                                         Refused{"1_000", 1, "text after the end of the value"}));

INSTANTIATE_TEST_SUITE_P(
    Strings, JsonRefuses,
    testing::Values(
        Refused{"\"", 1, kEndMessage}, Refused{"\"abc", 4, kEndMessage}, Refused{"\"a\\\"", 4, kEndMessage},
        Refused{"\"\\", 2, kEndMessage}, Refused{"\"\\x41\"", 2, "unknown escape"},
        Refused{"\"\\\0\""sv, 2, "unknown escape"}, Refused{"\"a\nb\"", 2, "control character in a string"},
        Refused{"\"\t\"", 1, "control character in a string"}, Refused{"\"\0\""sv, 1, "control character in a string"},
        Refused{"\"\x1F\"", 1, "control character in a string"}, Refused{"\"\\u12\"", 1, "malformed \\u escape"},
        Refused{"\"\\u12G4\"", 1, "malformed \\u escape"}, Refused{"\"\\u-123\"", 1, "malformed \\u escape"},
        Refused{"\"\\U0041\"", 2, "unknown escape"}, Refused{"\"x\\u0000y\"", 2, "\\u0000 cannot be stored as text"},
        Refused{"\"\\uD800\"", 1, "lone surrogate"}, Refused{"\"\\uDC00\"", 1, "lone surrogate"},
        Refused{"\"\\uD800\\u0041\"", 1, "lone surrogate"}, Refused{"\"\\uD800\\uD800\"", 1, "lone surrogate"},
        Refused{"\"\\uDBFFx\"", 1, "lone surrogate"}, Refused{"\"\\uD83D\\", 1, "lone surrogate"}));

INSTANTIATE_TEST_SUITE_P(
    Utf8, JsonRefuses,
    testing::Values(Refused{"\"\x80\"", 1, "invalid UTF-8"}, Refused{"\"\xC3\"", 1, "invalid UTF-8"},
                    Refused{"\"\xC0\x80\"", 1, "invalid UTF-8"}, Refused{"\"\xC1\xBF\"", 1, "invalid UTF-8"},
                    Refused{"\"\xE0\x80\x80\"", 1, "invalid UTF-8"}, Refused{"\"\xED\xA0\x80\"", 1, "invalid UTF-8"},
                    Refused{"\"\xED\xBF\xBF\"", 1, "invalid UTF-8"}, Refused{"\"\xE2\x82\"", 1, "invalid UTF-8"},
                    Refused{"\"\xF0\x80\x80\x80\"", 1, "invalid UTF-8"},
                    Refused{"\"\xF4\x90\x80\x80\"", 1, "invalid UTF-8"},
                    Refused{"\"\xF5\x80\x80\x80\"", 1, "invalid UTF-8"}, Refused{"\"\xFF\"", 1, "invalid UTF-8"},
                    Refused{"\"\xF0\x9F\x98", 1, "invalid UTF-8"}, Refused{"{\"\xFF\":1}", 2, "invalid UTF-8"}));

TEST(Json, AcceptsWellFormedUtf8OfEveryLength) {
  for (const auto text :
       {"\"\x7F\"", "\"é\"", "\"€\"", "\"😀\"", "\"\xED\x9F\xBF\"", "\"\xEE\x80\x80\"", "\"\xF4\x8F\xBF\xBF\""})
    EXPECT_EQ(parsed(text).raw, text);
}

TEST(Json, AcceptsNestingUpToTheLimitAndRefusesOneMore) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse(nested(64)).has_value());
  Error error;
  EXPECT_FALSE(parse(nested(65), {}, &error).has_value());
  EXPECT_EQ(error.message, "nested too deeply");
  EXPECT_EQ(error.offset, 64U);
  EXPECT_TRUE(parse("[[1]]", {.max_depth = 2}).has_value());
  EXPECT_FALSE(parse("[{\"a\":[]}]", {.max_depth = 2}).has_value());
  EXPECT_TRUE(parse("1", {.max_depth = 0}).has_value());
  EXPECT_FALSE(parse("[]", {.max_depth = 0}).has_value());
  EXPECT_FALSE(parse("[]", {.max_depth = -1}).has_value());
  EXPECT_TRUE(parse(nested(max_supported_depth), {.max_depth = 100'000}).has_value());
  EXPECT_FALSE(parse(nested(max_supported_depth + 1), {.max_depth = 100'000}).has_value());
}

TEST(Json, AMillionOpenBracketsAreRefusedAtTheLimit) {
  Error error;
  EXPECT_FALSE(parse(std::string(1'000'000, '['), {}, &error).has_value());
  EXPECT_EQ(error.offset, 64U);
}

TEST(Json, IteratesMembersInOrderWithRawKeys) {
  std::vector<std::pair<std::string, std::string>> seen;
  for (const Member &m : members(parsed(R"( { "a" : 1 , "b\n":"x\"}" ,"c":{"d":[1,"]"]},"a":null } )")))
    seen.emplace_back(m.key, m.value.raw);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"\"a\"", "1"}, {R"("b\n")", R"("x\"}")"}, {"\"c\"", R"({"d":[1,"]"]})"}, {"\"a\"", "null"}};
  EXPECT_EQ(seen, expected);
}

TEST(Json, IteratesElementsInOrder) {
  std::vector<std::string> seen;
  for (const Value &v : elements(parsed(R"([ 1,"a,b" , [2,3] ,{"x":[]},true,null,-1e5 ])")))
    seen.emplace_back(v.raw);
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "\"a,b\"", "[2,3]", "{\"x\":[]}", "true", "null", "-1e5"}));
}

TEST(Json, IteratesNothingInEmptyContainersAndOtherKinds) {
  for (const auto text : {"[]", "[ ]", "{}", "{ \n}", "1", "\"a\"", "null"}) {
    for (const Value &v : elements(parsed(text)))
      ADD_FAILURE() << v.raw;
    for (const Member &m : members(parsed(text)))
      ADD_FAILURE() << m.key;
  }
  for (const Value &v : elements(parsed("{\"a\":1}")))
    ADD_FAILURE() << v.raw;
  for (const Member &m : members(parsed("[\"a\",1]")))
    ADD_FAILURE() << m.key;
}

TEST(Json, FindsMembersByExactName) {
  const Value object = parsed(R"({"Role":"x","role":"y","":"empty","é":1,"a\u0062":2})");
  EXPECT_EQ(member(object, "role")->raw, "\"y\"");
  EXPECT_EQ(member(object, "Role")->raw, "\"x\"");
  EXPECT_EQ(member(object, "")->raw, "\"empty\"");
  EXPECT_EQ(member(object, "é")->raw, "1");
  EXPECT_EQ(member(object, "ab")->raw, "2");
  EXPECT_FALSE(member(object, "ROLE"));
  EXPECT_FALSE(member(object, "rol"));
  EXPECT_FALSE(member(object, "roles"));
  EXPECT_FALSE(member(parsed("[\"role\"]"), "role"));
}

TEST(Json, OfDuplicatesTheLastIsFoundAsInJsonb) {
  EXPECT_EQ(member(parsed(R"({"role":"anon","x":1,"r\u006fle":"admin"})"), "role")->raw, "\"admin\"");
}

TEST(Json, SeesDuplicateMembersThroughEscapes) {
  EXPECT_TRUE(has_duplicate_members(parsed(R"({"a":1,"a":2})")));
  EXPECT_TRUE(has_duplicate_members(parsed(R"({"role":1,"x":0,"\u0072ole":2})")));
  EXPECT_TRUE(has_duplicate_members(parsed(R"({"😀":1,"\ud83d\ude00":2})")));
  EXPECT_TRUE(has_duplicate_members(parsed(R"({"\/":1,"/":2})")));
  EXPECT_TRUE(has_duplicate_members(parsed(R"({"":1,"":2})")));
  EXPECT_FALSE(has_duplicate_members(parsed(R"({"a":1,"A":2,"aa":3,"":4})")));
  EXPECT_FALSE(has_duplicate_members(parsed(R"({"a":{"b":1,"b":2}})"))) << "only this object is asked about";
  EXPECT_FALSE(has_duplicate_members(parsed("{}")));
  EXPECT_FALSE(has_duplicate_members(parsed("[1,1]")));
}

TEST(Json, SeesDuplicatesAmongMoreMembersThanOneSetHolds) {
  for (const std::size_t count : {2U, 255U, 256U, 257U, 512U, 513U, 1000U}) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i)
      text += "\"k" + std::to_string(i) + "\":1,";
    const std::string last = std::to_string(count - 1);
    EXPECT_FALSE(has_duplicate_members(parsed(text + "\"z\":1}"))) << count;
    EXPECT_TRUE(has_duplicate_members(parsed(text + "\"k0\":1}"))) << count;
    EXPECT_TRUE(has_duplicate_members(parsed(text + "\"k" + last + "\":1}"))) << count;
  }
}

TEST(Json, ComparesEscapedTextWithPlainText) {
  EXPECT_TRUE(equals("\"\"", ""));
  EXPECT_TRUE(equals(R"("phx\u005fjoin")", "phx_join"));
  EXPECT_TRUE(equals(R"("\ud83d\ude00!")", "😀!"));
  EXPECT_FALSE(equals(R"("phx_join")", "phx_joi"));
  EXPECT_FALSE(equals(R"("phx_join")", "phx_join2"));
  EXPECT_FALSE(equals(R"("a\n")", "a\\n"));
}

TEST(Json, UndoesEveryEscape) {
  EXPECT_EQ(text_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(text_of(R"("\u0041\u00e9\u20AC\uD83D\uDE00")"), "Aé€😀");
  EXPECT_EQ(text_of(R"("\u0001\u007f\u0080\u07ff\u0800\uffff\udbff\udfff")"),
            "\x01\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF");
  EXPECT_EQ(text_of(R"("plain é text")"), "plain é text");
}

TEST(Json, UnescapesOnlyStrings) {
  std::string text = "before";
  EXPECT_FALSE(unescape(parsed("17"), text));
  EXPECT_EQ(text, "");
  std::array<char, 8> buffer{};
  EXPECT_FALSE(unescape_into(parsed("[\"a\"]"), buffer));
}

TEST(Json, UnescapesIntoABufferOnlyWhatFits) {
  std::array<char, 4> buffer{};
  EXPECT_EQ(unescape_into(parsed("\"\""), buffer), 0U);
  EXPECT_EQ(unescape_into(parsed(R"("a\nbc")"), buffer), 4U);
  EXPECT_EQ(std::string_view(buffer.data(), 4), "a\nbc");
  EXPECT_EQ(unescape_into(parsed("\"abcde\""), buffer), std::nullopt);
  EXPECT_EQ(unescape_into(parsed(R"("ab€")"), buffer), std::nullopt);
  EXPECT_EQ(unescape_into(parsed(R"("a\u20ac")"), buffer), 4U);
  EXPECT_EQ(unescape_into(parsed("\"a\""), std::span<char>()), std::nullopt);
}

TEST(Json, ReadsIntegersThatFitAndNothingElse) {
  EXPECT_EQ(to_int64(parsed("0")), 0);
  EXPECT_EQ(to_int64(parsed("-9223372036854775808")), INT64_MIN);
  EXPECT_EQ(to_int64(parsed("9223372036854775807")), INT64_MAX);
  for (const auto text : {"9223372036854775808", "1.0", "1e3", "\"1\"", "true", "null", "[1]"})
    EXPECT_EQ(to_int64(parsed(text)), std::nullopt) << text;
}

TEST(Json, QuotesTextSoThatItReadsBackTheSame) {
  for (const auto text : {"plain"sv, ""sv, "\"\\/"sv, "\b\f\n\r\t\x01\x1F\x7F"sv, "é€😀"sv}) {
    std::string quoted;
    append_quoted(quoted, text);
    EXPECT_EQ(text_of(quoted), text);
  }
}

TEST(Json, QuotesWhatJsonCannotHoldAsReplacementCharacters) {
  std::string quoted = "x";
  append_quoted(quoted, "a\0b\xFF\xC3"sv);
  EXPECT_EQ(quoted, "x\"a\uFFFDb\uFFFD\uFFFD\"");
}

} // namespace
} // namespace pg_live::json
