// Writing members of objects and elements of arrays: commas, quoting, and objects that get one more member.
#include "text/json_writer.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(JsonWriter, SeparatesMembersWithCommas) {
  std::string object = "{";
  json::append_member(object, "a", "1");
  json::append_raw_member(object, "b", "[2]");
  json::append_member(object, "c", "\"3\"");
  EXPECT_EQ(object + "}", R"({"a":"1","b":[2],"c":"\"3\""})");
}

TEST(JsonWriter, SeparatesElementsWithCommas) {
  std::string array = "[";
  json::append_raw_element(array, "[");
  json::append_element(array, "\"1\"");
  json::append_raw_element(array, "2");
  array += ']';
  json::append_raw_element(array, "{}");
  EXPECT_EQ(array + "]", R"([["\"1\"",2],{}])");
}

TEST(JsonWriter, AddsAMemberToAnEmptyObjectAndToOneWithMembers) {
  EXPECT_EQ(json::with_member("{}", "resume", "ok"), R"({"resume":"ok"})");
  EXPECT_EQ(json::with_member(R"({"postgres_changes":[{}]})", "resume", "lost"),
            R"({"postgres_changes":[{}],"resume":"lost"})");
}

} // namespace
} // namespace pg_live
