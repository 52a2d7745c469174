// What may be given to a command: its parameters, and on a channel more, unless the command would then do more.
#include "api/command_arguments.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

std::optional<DatabaseError> error_of(const CommandEntry *entry, std::string_view arguments, ArgumentSource source) {
  return argument_error(*entry, *json::parse(arguments), source);
}

std::optional<DatabaseError> asked(std::string_view method, std::string_view path, std::string_view arguments) {
  return error_of(command_of_request(method, path), arguments, ArgumentSource::request);
}

std::optional<DatabaseError> pushed(std::string_view event, std::string_view arguments) {
  return error_of(command_of_event(event), arguments, ArgumentSource::push);
}

TEST(CommandArguments, OfARequestMustBeKnown) {
  const auto error = asked("DELETE", "/api/presence", R"({"conection_id":"x"})");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->sqlstate, "22023");
  EXPECT_EQ(error->message, "unknown argument \"conection_id\"");
  EXPECT_EQ(error->hint, "the command takes connection_id");
  EXPECT_FALSE(asked("DELETE", "/api/presence", R"({"connection_id":"x"})"));
  EXPECT_FALSE(asked("DELETE", "/api/presence", R"({"connection\u005fid":"x"})"));
  EXPECT_FALSE(asked("DELETE", "/api/presence", "{}"));
  EXPECT_TRUE(asked("POST", "/api/activity/read", R"({"id":1})"));
  EXPECT_TRUE(asked("POST", "/api/activity/read", R"({"ids":[1],"id":1})"));
  EXPECT_TRUE(asked("POST", "/api/activity", R"({"type":"x"})"));
  EXPECT_TRUE(asked("GET", "/api/activity", R"({"Actor":"x"})"));
}

TEST(CommandArguments, OfAPushMayBeMoreUnlessWhatNarrowsItIsMissing) {
  for (const auto *event : {"activity:read", "activity:seen", "activity:new"}) {
    EXPECT_TRUE(pushed(event, R"({"other":1})")) << event;
    EXPECT_TRUE(pushed(event, R"({"ids":null,"up_to":null,"visibility":null,"other":1})")) << event;
    EXPECT_TRUE(pushed(event, R"({"payload":{"ids":[1],"up_to":1}})")) << event;
    EXPECT_FALSE(pushed(event, "{}")) << event;
    EXPECT_FALSE(pushed(event, R"({"type":"realtime","event":"x"})")) << event;
  }
  EXPECT_FALSE(pushed("activity:read", R"({"ids":[1],"other":1})"));
  EXPECT_FALSE(pushed("activity:seen", R"({"up_to":1,"other":1})"));
  EXPECT_FALSE(pushed("activity:new", R"({"is_public":false,"other":1})"));
  EXPECT_FALSE(pushed("activity:new", R"({"activity_type":"x","user_id":"anna"})"));
  EXPECT_FALSE(pushed("presence:update", R"({"mode":"away","other":1})"));
}

TEST(CommandArguments, AreTextWhereTheApiSaysText) {
  for (const auto *value : {"7", "true", "{}", "[]", "[\"x\"]"}) {
    for (const auto *name : {"activity_type", "entity_type", "entity_id", "idempotency_key"}) {
      const auto error = pushed("activity:new", "{\"" + std::string(name) + "\":" + value + "}");
      ASSERT_TRUE(error) << name << value;
      EXPECT_EQ(error->sqlstate, "22023");
      EXPECT_EQ(error->message, std::string(name) + " must be a text");
    }
    EXPECT_TRUE(pushed("presence:update", std::string(R"({"custom_status":)") + value + "}")) << value;
    EXPECT_TRUE(pushed("typing:indicator", std::string(R"({"location":)") + value + "}")) << value;
    EXPECT_TRUE(pushed("follow", std::string(R"({"user_id":)") + value + "}")) << value;
  }
  EXPECT_FALSE(pushed("activity:new", R"({"entity_id":"7","entity_type":null})"));
}

TEST(CommandArguments, AreListsOfTextsWhereTheApiSaysSo) {
  EXPECT_TRUE(pushed("activity:new", R"({"audience":["ben",7]})"));
  EXPECT_TRUE(pushed("activity:new", R"({"audience":[{}]})"));
  EXPECT_FALSE(pushed("activity:new", R"({"audience":["ben",null]})"));
}

TEST(CommandArguments, OfOtherKindsAreForTheDatabaseToJudge) {
  EXPECT_FALSE(pushed("activity:new", R"({"metadata":7,"visibility":{},"session_id":7,"is_public":"no"})"));
  EXPECT_FALSE(pushed("typing:indicator", R"({"is_typing":[]})"));
}

TEST(CommandArguments, HaveNamesThatAreCutShortInErrors) {
  EXPECT_LT(asked("GET", "/api/presence", "{\"" + std::string(10'000, 'x') + "\":1}")->message.size(), 100u);
}

// A command that reads an argument takes it.
TEST(CommandArguments, AreAllThatTheSqlReads) {
  const std::pair<const char *, const char *> requests[] = {
      {"PATCH", "/api/presence"},       {"GET", "/api/presence"},        {"DELETE", "/api/presence"},
      {"GET", "/api/presence/online"},  {"DELETE", "/api/activity"},     {"POST", "/api/activity/seen"},
      {"POST", "/api/follow"},          {"DELETE", "/api/follow"},       {"GET", "/api/activity"},
      {"GET", "/api/activity/home"},    {"GET", "/api/activity/groups"}, {"GET", "/api/activity/notifications"},
      {"GET", "/api/activity/trending"}};
  for (const auto &[method, path] : requests) {
    std::string_view sql = command_of_request(method, path)->sql;
    constexpr std::string_view kReading = "arguments->>'";
    unsigned names = 0;
    for (std::size_t at = 0; (at = sql.find(kReading)) != std::string_view::npos; ++names) {
      sql.remove_prefix(at + kReading.size());
      const std::string name(sql.substr(0, sql.find('\'')));
      EXPECT_FALSE(asked(method, path, "{\"" + name + "\":\"x\"}")) << method << path << name;
    }
    EXPECT_GT(names, 0u) << method << path;
  }
}

} // namespace
} // namespace pg_live
