// The codec of Phoenix Channels: what a frame becomes, and what becomes a frame.
#include "wire/phoenix/phoenix_codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pg_live::phoenix {
namespace {

using websocket::Opcode;

const Codec &objects() { return codec_of(Version::v1); }
const Codec &arrays() { return codec_of(Version::v2); }

Message decoded(const std::string &topic, const std::string &event) {
  const std::string frame = "[\"1\",\"2\",\"" + topic + "\",\"" + event + "\",{}]";
  static std::string kept; // the views of the message point into it
  kept = frame;
  return std::get<Message>(arrays().decode(Opcode::text, kept));
}

Message with_refs(std::string join_ref, std::string ref = "null") {
  Message message;
  message.join_ref = std::move(join_ref);
  message.ref = std::move(ref);
  return message;
}

// The payload of a frame with a short header.
std::string_view text_of(const websocket::Frame &frame) { return frame.bytes().substr(frame.size() < 128 ? 2 : 4); }

TEST(PhoenixCodec, TellsKindsOfMessagesApart) {
  EXPECT_EQ(decoded("t", "phx_join").kind, MessageKind::join);
  EXPECT_EQ(decoded("t", "phx_leave").kind, MessageKind::leave);
  EXPECT_EQ(decoded("t", "access_token").kind, MessageKind::access_token);
  EXPECT_EQ(decoded("t", "broadcast").kind, MessageKind::broadcast);
  EXPECT_EQ(decoded("t", "presence").kind, MessageKind::presence);
  EXPECT_EQ(decoded("t", "typing:indicator").kind, MessageKind::command);
  EXPECT_EQ(decoded("t", "heartbeat").kind, MessageKind::command) << "of a channel";
}

TEST(PhoenixCodec, TakesNothingButHeartbeatsOnTheTopicPhoenix) {
  EXPECT_EQ(decoded("phoenix", "heartbeat").kind, MessageKind::sign_of_life);
  EXPECT_EQ(decoded("phoenix", "phx_join").kind, MessageKind::unknown);
  EXPECT_EQ(decoded("phoenix", "broadcast").kind, MessageKind::unknown);
}

TEST(PhoenixCodec, TellsTheKindOfBinaryMessages) {
  const std::string broadcast("\3\1\1\1\1\0\1"
                              "12te"
                              "{}",
                              13);
  EXPECT_EQ(std::get<Message>(arrays().decode(Opcode::binary, broadcast)).kind, MessageKind::broadcast);
  const std::string push("\0\1\1\1\5"
                         "12t"
                         "follow"
                         "x",
                         14);
  EXPECT_EQ(std::get<Message>(arrays().decode(Opcode::binary, push)).kind, MessageKind::command);
}

TEST(PhoenixCodec, RefusesBinaryFramesInTheFirstSerializer) {
  const std::string broadcast("\3\1\1\1\1\0\1"
                              "12te"
                              "{}",
                              13);
  const auto bad = std::get<BadMessage>(objects().decode(Opcode::binary, broadcast));
  EXPECT_EQ(bad.reason, "binary messages need serializer 2.0.0");
  EXPECT_EQ(bad.sqlstate, "22023");
}

TEST(PhoenixCodec, RefusesWhatIsNoMessage) {
  const auto bad = std::get<BadMessage>(arrays().decode(Opcode::text, "[1,2]"));
  EXPECT_EQ(bad.reason, "a message must be an array of five");
  EXPECT_EQ(bad.sqlstate, "22P02");
}

TEST(PhoenixCodec, NamesAChannelByTheRefOfItsJoinWhenThatHasNoJoinRef) {
  EXPECT_EQ(arrays().channel_ref(with_refs("\"5\"", "\"6\"")), "\"5\"");
  EXPECT_EQ(arrays().channel_ref(with_refs("null", "\"6\"")), "\"6\"");
}

TEST(PhoenixCodec, KnowsARefAsAStringAndAsANumber) {
  EXPECT_TRUE(arrays().is_for(with_refs("5"), "\"5\""));
  EXPECT_TRUE(arrays().is_for(with_refs("\"5\""), "5"));
  EXPECT_FALSE(arrays().is_for(with_refs("\"6\""), "5"));
  EXPECT_TRUE(arrays().is_for(with_refs("null"), "5")) << "clients of the first serializer send none";
}

TEST(PhoenixCodec, WritesATopicAsTheClientNamesIt) {
  for (const std::string wire_topic : {"room:1", "realtime:room:1", "realtime:"}) {
    const std::string topic(arrays().topic_of(wire_topic));
    EXPECT_TRUE(wire_topic.ends_with(topic));
    EXPECT_EQ(arrays().wire_topic(arrays().naming_of(wire_topic), topic), wire_topic);
  }
  EXPECT_EQ(arrays().topic_of("realtime:room:1"), "room:1");
}

TEST(PhoenixCodec, AppendsEventsAsWholeFrames) {
  std::string frames;
  const LiveEvent event{{3, 4}, "room:1", "moved", "{}", true};
  arrays().append_event(frames, arrays().naming_of("room:1"), event, Delivery::live);
  const std::string first = frames;
  EXPECT_EQ(
      first.substr(2),
      R"([null,null,"room:1","broadcast",{"type":"broadcast","event":"moved","payload":{},"meta":{"id":"3-4"}}])");
  EXPECT_EQ(first[0], '\x81');
  EXPECT_EQ(static_cast<std::size_t>(first[1]), first.size() - 2);
  arrays().append_event(frames, arrays().naming_of("room:1"), event, Delivery::live);
  EXPECT_EQ(frames, first + first);
}

TEST(PhoenixCodec, MarksWhatIsReplayedAndGivesASignalNoPosition) {
  std::string replayed;
  objects().append_event(replayed, objects().naming_of("t"), {{3, 4}, "t", "e", "{}", true}, Delivery::replayed);
  EXPECT_NE(replayed.find(R"("meta":{"id":"3-4","replayed":true})"), std::string::npos);
  std::string signal;
  objects().append_event(signal, objects().naming_of("t"), {{3, 4}, "t", "e", "{}", false}, Delivery::live);
  EXPECT_EQ(signal.find("meta"), std::string::npos);
}

TEST(PhoenixCodec, CarriesBytesInTheSecondSerializerOnly) {
  const Broadcast bytes{.event = "e", .payload = "\x01\x02", .encoding = Encoding::binary};
  EXPECT_TRUE(objects().broadcast(Naming{0}, "t", bytes).empty());
  const websocket::Frame frame = arrays().broadcast(Naming{0}, "t", bytes);
  EXPECT_EQ(frame.bytes()[0], '\x82');
  EXPECT_TRUE(arrays().broadcast(Naming{0}, std::string(256, 't'), bytes).empty()) << "its header has no room";
}

TEST(PhoenixCodec, AnswersInTheFormOfItsSerializer) {
  EXPECT_EQ(text_of(arrays().reply({"\"1\"", "t"}, "\"2\"", Status::ok, "{}")),
            R"(["1","2","t","phx_reply",{"status":"ok","response":{}}])");
  EXPECT_EQ(text_of(objects().reply({"\"1\"", "t"}, "\"2\"", Status::ok, "{}")),
            R"({"topic":"t","event":"phx_reply","ref":"2","payload":{"status":"ok","response":{}}})");
}

TEST(PhoenixCodec, PutsTheMembersOfOneKeyTogether) {
  const PresenceState state{
      {"anna", "r1", "", "{}"}, {"ben", "r2", "", R"({"b":2})"}, {"anna", "r3", "r0", R"({"a":3})"}};
  EXPECT_EQ(
      text_of(arrays().presence_state(Naming{1}, "t", state)),
      R"([null,null,"realtime:t","presence_state",{"anna":{"metas":[{"phx_ref":"r1"},{"phx_ref":"r3","phx_ref_prev":"r0","a":3}]},"ben":{"metas":[{"phx_ref":"r2","b":2}]}}])");
  EXPECT_EQ(text_of(objects().presence_diff(Naming{0}, "t", {.joins = {}, .leaves = {state[1]}})),
            R"({"topic":"t","event":"presence_diff","ref":null,"payload":)"
            R"({"joins":{},"leaves":{"ben":{"metas":[{"phx_ref":"r2","b":2}]}}}})");
}

TEST(SharedFrames, HaveOneFrameAForm) {
  SharedFrames frames;
  frames.of({&arrays(), Naming{0}}) = websocket::Frame(Opcode::text, "arrays");
  EXPECT_TRUE(frames.of({&arrays(), Naming{1}}).empty());
  EXPECT_TRUE(frames.of({&objects(), Naming{0}}).empty());
  EXPECT_EQ(text_of(frames.of({&arrays(), Naming{0}})), "arrays");
}

} // namespace
} // namespace pg_live::phoenix
