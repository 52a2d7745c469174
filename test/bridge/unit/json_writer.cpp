// Writing members of objects: commas, quoting, and objects that get one more member.
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

TEST(JsonWriter, AddsAMemberToAnEmptyObjectAndToOneWithMembers) {
  EXPECT_EQ(json::with_member("{}", "resume", "ok"), R"({"resume":"ok"})");
  EXPECT_EQ(json::with_member(R"({"postgres_changes":[{}]})", "resume", "lost"),
            R"({"postgres_changes":[{}],"resume":"lost"})");
}

} // namespace
} // namespace pg_live
