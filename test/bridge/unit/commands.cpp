// The table of commands: what finds which entry, and what of a push are its arguments.
#include "api/commands.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(Commands, AreFoundByTheirEvent) {
  for (const auto *event : {"presence:update", "typing:indicator", "heartbeat", "activity:new", "follow"})
    EXPECT_EQ(command_of_event(event)->event, event);
  for (const auto *event : {"", "broadcast", "Heartbeat", "/api/presence"})
    EXPECT_EQ(command_of_event(event), nullptr) << event;
}

TEST(Commands, AreFoundByTheirRequestUnderBothPaths) {
  EXPECT_EQ(command_of_request("PATCH", "/api/presence"), command_of_event("presence:update"));
  EXPECT_EQ(command_of_request("PATCH", "/realtime/v1/api/presence"), command_of_event("presence:update"));
  EXPECT_EQ(command_of_request("HEAD", "/api/presence"), command_of_request("GET", "/api/presence"));
  EXPECT_EQ(command_of_request("", ""), nullptr);
  EXPECT_EQ(command_of_request("PUT", "/api/presence"), nullptr);
  EXPECT_EQ(command_of_request("GET", "/realtime/v1/realtime/v1/api/presence"), nullptr);
}

TEST(Commands, TellWhatAPathTakes) {
  EXPECT_EQ(methods_of_path("/api/presence"), "GET, HEAD, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(methods_of_path("/realtime/v1/api/presence/online"), "GET, HEAD, OPTIONS");
  for (const auto *path : {"", "/", "/realtime/v1", "/api", "/api/presence/", "/API/presence"})
    EXPECT_EQ(methods_of_path(path), "") << path;
}

TEST(Commands, ShareAPathByMethod) {
  EXPECT_EQ(methods_of_path("/api/activity"), "GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(command_of_request("POST", "/api/activity"), command_of_event("activity:new"));
  EXPECT_EQ(command_of_request("DELETE", "/api/activity"), command_of_event("activity:delete"));
  EXPECT_EQ(command_of_request("GET", "/api/activity")->kind, CommandKind::page);
}

TEST(Commands, NameTheirParametersInWholeSql) {
  const std::string_view sql = command_of_event("heartbeat")->sql;
  EXPECT_TRUE(
      sql.starts_with("with command (arguments, location, connection) as (values ($1::jsonb, $2::text, $3::uuid))"));
  EXPECT_TRUE(sql.ends_with("from command"));
}

TEST(ArgumentsOfPush, AreThePayload) {
  EXPECT_EQ(arguments_of_push("heartbeat", R"( {"active": 1.10} )"), R"({"active": 1.10})");
  EXPECT_EQ(arguments_of_push("heartbeat", R"({"payload":{"active":true}})"), R"({"payload":{"active":true}})");
  EXPECT_EQ(arguments_of_push("heartbeat", R"({"type":"other","payload":{}})"), R"({"type":"other","payload":{}})");
  EXPECT_EQ(arguments_of_push("heartbeat", R"({"type":"heartbeat","payload":7})"),
            R"({"type":"heartbeat","payload":7})");
}

TEST(ArgumentsOfPush, AreInsideWhatRealtimeJsSends) {
  EXPECT_EQ(arguments_of_push("heartbeat", R"({"type":"heartbeat","event":"x","payload":{"active":false}})"),
            R"({"active":false})");
}

TEST(ArgumentsOfPush, AreAnObjectOrNothing) {
  for (const auto *payload : {"", "null", "7", "\"x\"", "[]", "[{}]", "{", "{}x"})
    EXPECT_EQ(arguments_of_push("heartbeat", payload), std::nullopt) << payload;
}

} // namespace
} // namespace pg_live
