// The query of a URL: which text is an argument, and all of them as the JSON that a command gets.
#include "http/url_query.hpp"

#include <array>
#include <gtest/gtest.h>

#include "text/json.hpp"

namespace pg_live {
namespace {

using namespace std::string_literals;

std::string object_of(std::string_view query) { return query_object(query, {}).value_or("malformed"); }

TEST(PercentDecode, UndoesEscapesAndRefusesBrokenOnes) {
  EXPECT_EQ(percent_decode("room%3A1%2fx"), "room:1/x");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(query_argument("x=a+b%2B", "x"), "a b+") << "in a query, a plus sign stands for a space";
  EXPECT_EQ(percent_decode("%00"), "\0"s);
  for (const auto *text : {"%", "%4", "a%4", "%g0", "%0g", "%%30"})
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(QueryObject, HoldsEveryArgumentAsAString) {
  EXPECT_EQ(object_of(""), "{}");
  EXPECT_EQ(object_of("limit=10&cursor=YQ%3D%3D"), R"({"limit":"10","cursor":"YQ=="})");
  EXPECT_EQ(object_of("a+b=c+d&flag&empty="), R"({"a b":"c d","flag":"","empty":""})");
}

TEST(QueryObject, IsValidJsonWhateverTheTextIs) {
  EXPECT_EQ(object_of("user_id=%22%7D%2C%7B%5C%0A"), R"({"user_id":"\"},{\\\u000a"})");
  EXPECT_EQ(object_of("user_id=gr%C3%BC%C3%9Fe%F0%9F%A6%80"), "{\"user_id\":\"grüße🦀\"}");
  EXPECT_TRUE(json::parse(object_of("__proto__=1&constructor=2")));
}

TEST(QueryObject, HasTheFirstOfArgumentsWithOneName) {
  EXPECT_EQ(object_of("a=1&a=2&%61=3"), R"({"a":"1"})");
  EXPECT_EQ(query_argument("a=1&a=2", "a"), "1");
}

TEST(QueryObject, HasAllValuesOfAList) {
  constexpr std::array<std::string_view, 1> kLists{"type"};
  EXPECT_EQ(query_object("type=a&x=1&type=b%2Cc&x=2&%74ype=", {}, kLists), R"({"type":"a,b,c,","x":"1"})");
  EXPECT_EQ(query_object("type=a&type=%ff", {}, kLists), std::nullopt);
}

TEST(QueryWithout, IsTheSameQueryEscapedThroughout) {
  constexpr std::array<std::string_view, 1> kLeftOut{"cursor"};
  EXPECT_EQ(query_without("a=1&cursor=x&a=+%3e\"&flag&=y&%63ursor", kLeftOut), "a=1&a=%20%3E%22&flag=");
  EXPECT_EQ(query_without("gr%C3%BC%C3%9Fe=-._~&a=%ff&b=%", kLeftOut), "gr%C3%BC%C3%9Fe=-._~");
}

TEST(QueryObject, LeavesOutWhatIsNoArgument) {
  constexpr std::array<std::string_view, 2> kSecrets{"apikey", "token"};
  EXPECT_EQ(query_object("apikey=x&a=1&token=y", kSecrets), R"({"a":"1"})");
  EXPECT_EQ(object_of("&&=x&"), "{}");
}

TEST(QueryObject, IsRefusedWhereAnArgumentIsNoText) {
  for (const auto *query : {"a=%", "a=%4", "a=%zz", "a=%00", "%00=a", "a=%ff", "a=%ed%a0%80", "a=1&b=%c3"}) {
    EXPECT_EQ(query_object(query, {}), std::nullopt) << query;
  }
  EXPECT_EQ(query_argument("a=%00", "a"), std::nullopt);
}

} // namespace
} // namespace pg_live
