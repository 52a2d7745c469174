// Where a text frame belongs that cannot be read as a message.
#include "wire/phoenix/phoenix.hpp"

#include <gtest/gtest.h>

namespace pg_live::phoenix {
namespace {

void expect_envelope(const Envelope &envelope, std::string_view join_ref, std::string_view ref,
                     std::string_view topic) {
  EXPECT_EQ(envelope.join_ref, join_ref);
  EXPECT_EQ(envelope.ref, ref);
  EXPECT_EQ(envelope.topic, topic);
}

TEST(PhoenixEnvelope, IsReadBesideWhatNoDatabaseCanHold) {
  const std::string deep = std::string(50'000, '[') + std::string(50'000, ']');
  for (const std::string &payload : {std::string(R"({"a":"\ud83d"})"), std::string(R"("x\u0000]},[y\"")"),
                                     std::string("1e200000"), deep, std::string("{")}) {
    const std::string v2 = R"(["1", "2" ,"realtime:x","broadcast",)" + payload + "]";
    expect_envelope(envelope_of(Version::v2, v2), R"("1")", R"("2")", R"("realtime:x")");
  }
  const std::string v1 =
      R"({"topic":"realtime:x","event":"broadcast","payload":)" + deep + R"(,"ref":"2","join_ref":"1"})";
  expect_envelope(envelope_of(Version::v1, v1), R"("1")", R"("2")", R"("realtime:x")");
}

TEST(PhoenixEnvelope, SendsBackTopicsAsTheyCame) {
  expect_envelope(envelope_of(Version::v2, R"(["1","1","realtime:\ud800","phx_join",{}])"), R"("1")", R"("1")",
                  R"("realtime:\ud800")");
  expect_envelope(envelope_of(Version::v2, R"([null,7,"a\u0000b","phx_join",{}])"), "null", "7", R"("a\u0000b")");
}

TEST(PhoenixEnvelope, OfTheBeginningOfAFrameHoldsWhatIsThere) {
  expect_envelope(envelope_of(Version::v2, R"(["1","2","realtime:x","broadcast",{"payload":"xxx)"), R"("1")", R"("2")",
                  R"("realtime:x")");
  expect_envelope(envelope_of(Version::v2, R"(["1","2","realt)"), R"("1")", R"("2")", "");
  expect_envelope(envelope_of(Version::v1, R"({"topic":"t","payload":"xx)"), "null", "null", R"("t")");
}

TEST(PhoenixEnvelope, HoldsNothingThatCouldNotBeSentBack) {
  for (const auto frame : {"", "hello", "7", "[", "[[[", "[,,,", "{", "{:", R"([{},[1],{"a":1},"e",{}])",
                           R"([true,{},7,"e",{}])", R"([null,null,"a\x","e",{}])", R"([null,null,"a\u12","e",{}])",
                           "[null,null,\"a\tb\",\"e\",{}]", "[null,null,\"\xFF\",\"e\",{}]", R"([null,null,"\)"})
    for (const Version version : {Version::v1, Version::v2})
      expect_envelope(envelope_of(version, frame), "null", "null", "");
  EXPECT_EQ(envelope_of(Version::v2, "[\"" + std::string(300, 'r') + "\",\"2\"").join_ref, "null");
}

TEST(PhoenixEnvelope, IsAnsweredOnPhoenixWhenItNamesNoTopic) {
  std::string text;
  append_error_reply(text, Version::v2, Envelope{}, {"no", "22P02"});
  EXPECT_EQ(text, R"([null,null,"phoenix","phx_reply",{"status":"error","response":{"reason":"no","code":"22P02"}}])");
}

} // namespace
} // namespace pg_live::phoenix
