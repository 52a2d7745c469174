// Encoding Phoenix messages: the exact bytes clients get.
#include "wire/phoenix/phoenix.hpp"

#include <gtest/gtest.h>

#include "text/json.hpp"

namespace pg_live::phoenix {
namespace {

using namespace std::string_literals;

template <typename Encode>
std::string encoded(Encode encode) {
  std::string out;
  encode(out);
  return out;
}

TEST(PhoenixEncode, AnswersAHeartbeatWithTheRefItCameWith) {
  EXPECT_EQ(encoded([](auto &out) { append_reply(out, Version::v2, "null", "\"10\"", "phoenix", Status::ok, "{}"); }),
            R"([null,"10","phoenix","phx_reply",{"status":"ok","response":{}}])");
  EXPECT_EQ(encoded([](auto &out) { append_reply(out, Version::v1, "null", "null", "phoenix", Status::ok, "{}"); }),
            R"({"topic":"phoenix","event":"phx_reply","ref":null,"payload":{"status":"ok","response":{}}})");
}

TEST(PhoenixEncode, AReplyCarriesTheResponseUnread) {
  EXPECT_EQ(encoded([](auto &out) {
              append_reply(out, Version::v2, "\"6\"", "7", "realtime:room:1", Status::error, R"({"n": 1.10})");
            }),
            R"(["6",7,"realtime:room:1","phx_reply",{"status":"error","response":{"n": 1.10}}])");
}

TEST(PhoenixEncode, PayloadsAndResponsesAreNeverNull) {
  for (const auto *payload : {"", "null"}) {
    EXPECT_EQ(encoded([&](auto &out) { append_reply(out, Version::v2, "", "", "t", Status::ok, payload); }),
              R"([null,null,"t","phx_reply",{"status":"ok","response":{}}])");
    EXPECT_EQ(encoded([&](auto &out) { append_push(out, Version::v2, "", "t", "e", payload); }),
              R"([null,null,"t","e",{}])");
  }
}

TEST(PhoenixEncode, AnErrorReplyGivesTheReason) {
  EXPECT_EQ(encoded([](auto &out) {
              append_error_reply(out, Version::v2, "\"1\"", "\"1\"", "t", {"Unauthorized: \"t\"", ""});
            }),
            R"(["1","1","t","phx_reply",{"status":"error","response":{"reason":"Unauthorized: \"t\""}}])");
}

TEST(PhoenixEncode, PushesInBothVersions) {
  EXPECT_EQ(encoded([](auto &out) { append_push(out, Version::v2, "\"6\"", "realtime:a", "presence_state", "{}"); }),
            R"(["6",null,"realtime:a","presence_state",{}])");
  EXPECT_EQ(encoded([](auto &out) { append_push(out, Version::v1, "\"6\"", "realtime:a", "presence_state", "{}"); }),
            R"({"topic":"realtime:a","event":"presence_state","ref":null,"payload":{}})");
}

TEST(PhoenixEncode, ABroadcastCarriesThePayloadBytesAndThePosition) {
  const auto payload = R"({"big": 9007199254740993})";
  EXPECT_EQ(
      encoded([&](auto &out) { append_broadcast(out, Version::v2, "realtime:a", "cursor", payload, {.id = "12-3"}); }),
      R"([null,null,"realtime:a","broadcast",{"type":"broadcast","event":"cursor","payload":{"big": 9007199254740993},"meta":{"id":"12-3"}}])");
  EXPECT_EQ(
      encoded([&](auto &out) { append_broadcast(out, Version::v1, "realtime:a", "cursor", payload); }),
      R"({"topic":"realtime:a","event":"broadcast","ref":null,"payload":{"type":"broadcast","event":"cursor","payload":{"big": 9007199254740993}}})");
}

TEST(PhoenixEncode, AReplayedBroadcastSaysSo) {
  EXPECT_EQ(
      encoded([](auto &out) { append_broadcast(out, Version::v2, "t", "e", "1", {.id = "1-2", .replayed = true}); }),
      R"([null,null,"t","broadcast",{"type":"broadcast","event":"e","payload":1,"meta":{"id":"1-2","replayed":true}}])");
  EXPECT_EQ(encoded([](auto &out) { append_broadcast(out, Version::v2, "t", "e", "1", {.id = "", .replayed = true}); }),
            R"([null,null,"t","broadcast",{"type":"broadcast","event":"e","payload":1,"meta":{"replayed":true}}])");
}

TEST(PhoenixEncode, ABroadcastPayloadMayBeNullButNotMissing) {
  EXPECT_EQ(encoded([](auto &out) { append_broadcast(out, Version::v2, "t", "e", "null"); }),
            R"([null,null,"t","broadcast",{"type":"broadcast","event":"e","payload":null}])");
  EXPECT_EQ(encoded([](auto &out) { append_broadcast(out, Version::v2, "t", "e", ""); }),
            R"([null,null,"t","broadcast",{"type":"broadcast","event":"e","payload":{}}])");
}

TEST(PhoenixEncode, ABinaryBroadcastHasTheBytesClientsExpect) {
  EXPECT_EQ(
      encoded([](auto &out) { EXPECT_TRUE(append_binary_broadcast(out, "realtime:a", "e", "\x01\xFF", {.id = "x"})); }),
      "\x04\x0A\x01\x0A\x00realtime:ae{\"id\":\"x\"}\x01\xFF"s);
  EXPECT_EQ(encoded([](auto &out) { EXPECT_TRUE(append_binary_broadcast(out, "t", "e", "")); }),
            "\x04\x01\x01\x00\x00te"s);
}

TEST(PhoenixEncode, ABinaryBroadcastIsRefusedWhenItsHeaderCannotHoldIt) {
  std::string out = "before";
  EXPECT_FALSE(append_binary_broadcast(out, std::string(256, 't'), "e", "x"));
  EXPECT_FALSE(append_binary_broadcast(out, "t", std::string(256, 'e'), "x"));
  EXPECT_FALSE(append_binary_broadcast(out, "t", "e", "x", {.id = std::string(250, 'i')}));
  EXPECT_EQ(out, "before");
  EXPECT_TRUE(append_binary_broadcast(out, std::string(255, 't'), std::string(255, 'e'), "x"));
}

TEST(PhoenixEncode, EndsChannels) {
  EXPECT_EQ(encoded([](auto &out) { append_close(out, Version::v2, "\"6\"", "t"); }),
            R"(["6","6","t","phx_close",{}])");
  EXPECT_EQ(encoded([](auto &out) { append_close(out, Version::v1, "\"6\"", "t"); }),
            R"({"topic":"t","event":"phx_close","ref":"6","payload":{}})");
  EXPECT_EQ(encoded([](auto &out) { append_error(out, Version::v2, "\"6\"", "t", "database connection lost"); }),
            R"(["6","6","t","phx_error",{"reason":"database connection lost"}])");
}

TEST(PhoenixEncode, SystemMessagesNameTheChannelWithoutPrefix) {
  EXPECT_EQ(
      encoded([](auto &out) {
        append_system(out, Version::v2, "\"6\"", "realtime:room:1", Status::error, "Token has expired 3 seconds ago");
      }),
      R"(["6",null,"realtime:room:1","system",{"extension":"system","status":"error","message":"Token has expired 3 seconds ago","channel":"room:1"}])");
  EXPECT_EQ(encoded([](auto &out) { append_system(out, Version::v2, "", "t", Status::ok, "m", "postgres_changes"); }),
            R"([null,null,"t","system",{"extension":"postgres_changes","status":"ok","message":"m","channel":"t"}])");
}

TEST(PhoenixEncode, QuotesTopicsAndEvents) {
  EXPECT_EQ(encoded([](auto &out) { append_push(out, Version::v2, "", "a\"b\n", "\\", "{}"); }),
            R"([null,null,"a\"b\u000a","\\",{}])");
}

TEST(PhoenixEncode, ABroadcastBetweenClientsKeepsAllThatWasSentButWhatTheServerSays) {
  Broadcast broadcast{
      .event = "e", .payload = "1", .object = R"({"type":"broadcast","event":"e","meta":{"id":"1-1"},"extra" : [1]})"};
  EXPECT_EQ(encoded([&](auto &out) { append_broadcast(out, Version::v2, "t", broadcast); }),
            R"([null,null,"t","broadcast",{"type":"broadcast","event":"e","extra":[1]}])");
  broadcast.object = "{}";
  EXPECT_EQ(encoded([&](auto &out) { append_broadcast(out, Version::v1, "t", broadcast); }),
            R"({"topic":"t","event":"broadcast","ref":null,"payload":{}})");
}

} // namespace
} // namespace pg_live::phoenix
