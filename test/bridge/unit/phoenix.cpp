// Decoding Phoenix messages: frames as real clients send them, and what must be refused or tolerated.
#include "wire/phoenix/phoenix.hpp"

#include "wire/topic_name.hpp"

#include <gtest/gtest.h>

namespace pg_live::phoenix {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string refusal(Version version, std::string_view frame) {
  std::string error;
  EXPECT_FALSE(decode_text(version, frame, &error)) << frame;
  return error;
}

std::string binary_refusal(std::string_view frame) {
  std::string error;
  EXPECT_FALSE(decode_binary(frame, &error));
  return error;
}

TEST(PhoenixVersion, IsReadFromTheQuery) {
  EXPECT_EQ(version_of(""), Version::v1);
  EXPECT_EQ(version_of("1.0.0"), Version::v1);
  EXPECT_EQ(version_of("2.0.0"), Version::v2);
  for (const auto vsn : {"3.0.0", "2", "2.0", " 2.0.0", "1.0.0 ", "0"})
    EXPECT_FALSE(version_of(vsn)) << vsn;
}

TEST(PhoenixTopic, LosesItsPrefix) {
  EXPECT_EQ(without_prefix("realtime:room:1"), "room:1");
  EXPECT_EQ(without_prefix("room:1"), "room:1");
  EXPECT_EQ(without_prefix("realtime:"), "");
  EXPECT_EQ(without_prefix("realtime:realtime:x"), "realtime:x") << "once only";
  EXPECT_EQ(without_prefix("Realtime:x"), "Realtime:x");
}

TEST(PhoenixDecode, ReadsAJoinInV2) {
  const auto message =
      decode_text(Version::v2, R"(["6","6","realtime:room:1","phx_join",{"config":{"private":true}}])");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->join_ref, "\"6\"");
  EXPECT_EQ(message->ref, "\"6\"");
  EXPECT_EQ(message->topic, "realtime:room:1");
  EXPECT_EQ(message->event, "phx_join");
  EXPECT_EQ(message->payload, R"({"config":{"private":true}})");
  EXPECT_FALSE(message->broadcast);
}

TEST(PhoenixDecode, ReadsAHeartbeatInV1WithoutJoinRef) {
  const auto message = decode_text(Version::v1, R"({"topic":"phoenix","event":"heartbeat","payload":{},"ref":"10"})");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->join_ref, "null");
  EXPECT_EQ(message->ref, "\"10\"");
  EXPECT_EQ(message->topic, "phoenix");
  EXPECT_EQ(message->event, "heartbeat");
}

TEST(PhoenixDecode, KeepsRefsAsTheyWereWritten) {
  const auto message = decode_text(Version::v2, R"([null,1.50,"t","e",{}])");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->join_ref, "null");
  EXPECT_EQ(message->ref, "1.50");
  EXPECT_EQ(decode_text(Version::v2, R"(["\u0041",null,"t","e",{}])")->join_ref, R"("\u0041")");
}

TEST(PhoenixDecode, KeepsPayloadBytes) {
  const auto frame = R"([null,null,"t","e", {"n": 9007199254740993, "d":1.10 ,"a":1,"a":2} ])";
  EXPECT_EQ(decode_text(Version::v2, frame)->payload, R"({"n": 9007199254740993, "d":1.10 ,"a":1,"a":2})");
}

TEST(PhoenixDecode, AcceptsAnyKindOfPayload) {
  for (const auto payload : {"null", "1", "\"x\"", "[1]", "true"}) {
    const std::string frame = R"([null,null,"t","broadcast",)" + std::string(payload) + "]";
    const auto message = decode_text(Version::v2, frame);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->payload, payload);
    EXPECT_FALSE(message->broadcast);
  }
  EXPECT_EQ(decode_text(Version::v1, R"({"topic":"t","event":"e"})")->payload, "{}");
}

TEST(PhoenixDecode, UnescapesTopicAndEvent) {
  const auto message = decode_text(Version::v2, R"([null,null,"room:\u00e9\"","a\/b",{}])");
  EXPECT_EQ(message->topic, "room:é\"");
  EXPECT_EQ(message->event, "a/b");
}

TEST(PhoenixDecode, ReadsATextBroadcast) {
  const auto message = decode_text(
      Version::v2,
      R"(["1","2","realtime:a","broadcast",{"type":"broadcast","event":"cursor","payload":{"x":1},"extra":0}])");
  ASSERT_TRUE(message && message->broadcast);
  EXPECT_EQ(message->broadcast->event, "cursor");
  EXPECT_EQ(message->broadcast->payload, R"({"x":1})");
  EXPECT_EQ(message->broadcast->encoding, Encoding::json);
}

TEST(PhoenixDecode, ABroadcastWithoutPayloadCarriesAnEmptyObject) {
  EXPECT_EQ(
      decode_text(Version::v1, R"({"topic":"t","event":"broadcast","payload":{"event":"e"}})")->broadcast->payload,
      "{}");
}

TEST(PhoenixDecode, ABroadcastIsAnyObjectAndNothingElse) {
  const auto empty = decode_text(Version::v1, R"({"topic":"t","event":"broadcast","payload":{}})");
  ASSERT_TRUE(empty->broadcast);
  EXPECT_EQ(empty->broadcast->event, "");
  EXPECT_EQ(empty->broadcast->object, "{}");
  EXPECT_FALSE(decode_text(Version::v1, R"({"topic":"t","event":"broadcast","payload":[]})")->broadcast);
  EXPECT_FALSE(decode_text(Version::v1, R"({"topic":"t","event":"other","payload":{"event":"e"}})")->broadcast);
}

TEST(PhoenixDecodeBinary, TellsWhereAFrameThatCannotBeReadBelongs) {
  const Envelope envelope = envelope_of_binary("\x03\x01\x01\x01\x01\x00\x01"
                                               "12te{"sv);
  EXPECT_EQ(envelope.join_ref, "\"1\"");
  EXPECT_EQ(envelope.ref, "\"2\"");
  EXPECT_EQ(envelope.topic, "\"t\"");
  EXPECT_EQ(envelope_of_binary("\x03\x01\x01\xFF\x01\x00\x01"
                               "12te{"sv)
                .topic,
            "");
  EXPECT_EQ(envelope_of_binary("").topic, "");
}

TEST(PhoenixDecode, RefusesWhatIsNotAMessage) {
  EXPECT_EQ(refusal(Version::v2, "hello"), "expected a value at byte 0");
  EXPECT_EQ(refusal(Version::v2, ""), "unexpected end of text at byte 0");
  EXPECT_EQ(refusal(Version::v2, "[null,null,\"t\",\"e\",{}"), "unexpected end of text at byte 21");
  EXPECT_EQ(refusal(Version::v2, R"({"topic":"t","event":"e","payload":{}})"), "a message must be an array of five");
  EXPECT_EQ(refusal(Version::v2, "[]"), "a message must be an array of five");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,"t","e"])"), "a message must be an array of five");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,"t","e",{},1])"), "a message must be an array of five");
  EXPECT_EQ(refusal(Version::v1, R"([null,null,"t","e",{}])"), "a message must be an object");
  EXPECT_EQ(refusal(Version::v1, "\"x\""), "a message must be an object");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,1,"e",{}])"), "the topic must be a string");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,null,"e",{}])"), "the topic must be a string");
  EXPECT_EQ(refusal(Version::v1, R"({"event":"e","payload":{}})"), "the topic must be a string");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,"t",{},{}])"), "the event must be a string");
  EXPECT_EQ(refusal(Version::v1, R"({"topic":"t","payload":{}})"), "the event must be a string");
}

TEST(PhoenixDecode, RefusesRefsThatAreNone) {
  const auto message = "refs must be short strings, numbers or null";
  EXPECT_EQ(refusal(Version::v2, R"([{},null,"t","e",{}])"), message);
  EXPECT_EQ(refusal(Version::v2, R"([null,[1],"t","e",{}])"), message);
  EXPECT_EQ(refusal(Version::v2, R"([null,true,"t","e",{}])"), message);
  EXPECT_EQ(refusal(Version::v2, "[null,\"" + std::string(254, 'r') + R"(","t","e",{}])"), message);
  EXPECT_TRUE(decode_text(Version::v2, "[null,\"" + std::string(253, 'r') + R"(","t","e",{}])"));
}

TEST(PhoenixDecode, RefusesTextThatTheDatabaseCannotHold) {
  EXPECT_EQ(refusal(Version::v2, R"([null,null,"room:1\u0000x","e",{}])"),
            "\\u0000 cannot be stored as text at byte 18");
  EXPECT_EQ(refusal(Version::v2, R"([null,null,"t","e",{"a":"\ud800"}])"), "lone surrogate at byte 25");
  EXPECT_EQ(refusal(Version::v2, "[null,null,\"t\",\"e\",{\"a\":\"\xFF\"}]"), "invalid UTF-8 at byte 25");
}

TEST(PhoenixDecode, DecodesWithoutBeingAskedForTheError) {
  EXPECT_FALSE(decode_text(Version::v2, "x"));
  EXPECT_FALSE(decode_binary("x"));
}

TEST(PhoenixDecodeBinary, ReadsTheBroadcastOfARealClient) {
  const std::string frame = hex("0301010f06000136387265616c74696d653a726f6f6d3a31637572736f727b2278223a317d");
  const auto message = decode_binary(frame);
  ASSERT_TRUE(message && message->broadcast);
  EXPECT_EQ(message->join_ref, "\"6\"");
  EXPECT_EQ(message->ref, "\"8\"");
  EXPECT_EQ(message->topic, "realtime:room:1");
  EXPECT_EQ(message->event, "broadcast");
  EXPECT_EQ(message->broadcast->event, "cursor");
  EXPECT_EQ(message->broadcast->payload, R"({"x":1})");
  EXPECT_EQ(message->broadcast->encoding, Encoding::json);
  EXPECT_EQ(message->broadcast->metadata, "");
}

TEST(PhoenixDecodeBinary, ReadsBinaryPayloadsAndMetadata) {
  const std::string frame = "\x03\x00\x00\x01\x01\x10\x00te{\"persist\":true}\xFF\x00\xFE"s;
  const auto message = decode_binary(frame);
  ASSERT_TRUE(message && message->broadcast);
  EXPECT_EQ(message->join_ref, "null");
  EXPECT_EQ(message->ref, "null");
  EXPECT_EQ(message->encoding, Encoding::binary);
  EXPECT_EQ(message->broadcast->metadata, R"({"persist":true})");
  EXPECT_EQ(message->broadcast->payload, "\xFF\x00\xFE"sv);
}

TEST(PhoenixDecodeBinary, PayloadsNeedNotBeObjects) {
  EXPECT_EQ(decode_binary("\x03\x00\x00\x01\x01\x00\x01te \"x\" "sv)->broadcast->payload, "\"x\"");
}

TEST(PhoenixDecodeBinary, QuotesRefsSoThatTheyCanBeEchoed) {
  EXPECT_EQ(decode_binary("\x03\x00\x03\x01\x01\x00\x00\"\\\nte"s)->ref, R"("\"\\\u000a")");
}

TEST(PhoenixDecodeBinary, ReadsThePushOfStockPhoenix) {
  const auto message = decode_binary("\x00\x01\x02\x01\x06"
                                     "112ttevents\x01\x02"sv);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->join_ref, "\"1\"");
  EXPECT_EQ(message->ref, "\"12\"");
  EXPECT_EQ(message->topic, "t");
  EXPECT_EQ(message->event, "tevent");
  EXPECT_EQ(message->payload, "s\x01\x02"sv);
  EXPECT_EQ(message->encoding, Encoding::binary);
  EXPECT_FALSE(message->broadcast);
}

TEST(PhoenixDecodeBinary, RefusesEveryTruncation) {
  const std::string frame = "\x03\x01\x01\x02\x02\x02\x01"
                            "12tteeMM"s;
  for (std::size_t length = 0; length < frame.size(); ++length)
    EXPECT_EQ(binary_refusal(frame.substr(0, length)), "the binary frame is too short") << length;
  const std::string push = "\x00\x01\x01\x02\x02"
                           "12ttee"s;
  for (std::size_t length = 0; length < push.size(); ++length)
    EXPECT_EQ(binary_refusal(push.substr(0, length)), "the binary frame is too short") << length;
}

TEST(PhoenixDecodeBinary, RefusesRefsThatAreLongAsJson) {
  const std::string ref(60, '\x11'); // six bytes each
  std::string error;
  EXPECT_FALSE(decode_binary(std::string("\x03\x3c\0\x01\x01\0\0", 7) + ref + "te", &error));
  EXPECT_EQ(error, "refs must be short strings, numbers or null");
  EXPECT_FALSE(decode_binary(std::string("\0\0\x3c\x01\x01", 5) + ref + "te", &error));
  EXPECT_EQ(envelope_of_binary(std::string("\0\0\x3c\x01\x01", 5) + ref + "te").ref, "null");
}

TEST(PhoenixDecodeBinary, RefusesOtherKindsAndEncodings) {
  for (const int kind : {1, 2, 4, 5, 0x7B, 0xFF})
    EXPECT_EQ(binary_refusal(std::string(1, static_cast<char>(kind)) + std::string(20, '\0')),
              "unknown kind of binary frame");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x02te"s), "unknown encoding of a binary frame");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\xFFte"s), "unknown encoding of a binary frame");
}

TEST(PhoenixDecodeBinary, RefusesHeadersThatAreNotText) {
  const auto message = "the binary header is not UTF-8 text";
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x00\xE9"
                           "e"s),
            message)
      << "as clients before 2.110.4 write é";
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x00t\x80"s), message);
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x03\x01\x00\x00t\x00xe"s), message);
  EXPECT_EQ(binary_refusal("\x03\x01\x00\x01\x01\x00\x00\x00te"s), message);
  EXPECT_EQ(binary_refusal("\x00\x00\x00\x01\x01\xFF"
                           "e"s),
            message);
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x00\xC3\xA9"s), message) << "a character cut by the lengths";
}

TEST(PhoenixDecodeBinary, RefusesPayloadsAndMetadataThatAreNotJson) {
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x01te{"s), "the payload is not JSON: unexpected end of text");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x01te"s), "the payload is not JSON: unexpected end of text");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x00\x01te\"\\u0000\""s),
            "the payload is not JSON: \\u0000 cannot be stored as text");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x02\x00te[]x"s), "the metadata is not a JSON object");
  EXPECT_EQ(binary_refusal("\x03\x00\x00\x01\x01\x02\x00te{x"s), "the metadata is not a JSON object");
}

} // namespace
} // namespace pg_live::phoenix
