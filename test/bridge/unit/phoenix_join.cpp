// What joins, tokens and presence messages ask for: as real clients write them, and what must be refused or tolerated.
#include "wire/phoenix/phoenix.hpp"

#include <gtest/gtest.h>

namespace pg_live::phoenix {
namespace {

TEST(PhoenixJoin, ReadsARealJoin) {
  const auto options =
      parse_join(R"({"config":{"broadcast":{"self":true,"ack":true,"replay":{"since":1700000000000,"limit":5}},)"
                 R"("presence":{"key":"u1","enabled":true},"postgres_changes":[],"private":true,)"
                 R"("resume":"12-34"},"access_token":"TOK1","version":"realtime-js/2.119.1"})");
  EXPECT_TRUE(options.broadcast_self);
  EXPECT_TRUE(options.broadcast_ack);
  EXPECT_TRUE(options.wants_replay);
  EXPECT_EQ(options.replay_since, 1'700'000'000'000);
  EXPECT_EQ(options.replay_limit, 5);
  EXPECT_TRUE(options.presence_enabled);
  EXPECT_EQ(options.presence_key, "u1");
  EXPECT_TRUE(options.is_private);
  EXPECT_EQ(options.resume, "12-34");
  EXPECT_EQ(options.access_token, "TOK1");
  EXPECT_TRUE(options.accepts_binary);
  EXPECT_EQ(options.refusal, "");
}

TEST(PhoenixJoin, ReadsAPositionWhereRealtimeJsLetsItPass) {
  EXPECT_EQ(parse_join(R"({"config":{"broadcast":{"self":false,"resume":"12-34"}}})").resume, "12-34");
  EXPECT_EQ(parse_join(R"({"config":{"broadcast":{"resume":"1-1"},"resume":"2-2"}})").resume, "2-2");
  EXPECT_EQ(parse_join(R"({"config":{"broadcast":{"resume":null}}})").resume, "");
}

void expect_defaults(const JoinOptions &options) {
  EXPECT_FALSE(options.broadcast_self);
  EXPECT_FALSE(options.broadcast_ack);
  EXPECT_FALSE(options.wants_replay);
  EXPECT_FALSE(options.replay_since);
  EXPECT_FALSE(options.replay_limit);
  EXPECT_FALSE(options.presence_enabled);
  EXPECT_EQ(options.presence_key, "");
  EXPECT_FALSE(options.is_private);
  EXPECT_EQ(options.resume, "");
  EXPECT_FALSE(options.access_token);
  EXPECT_EQ(options.response, R"({"postgres_changes":[]})");
  EXPECT_EQ(options.refusal, "");
}

class PhoenixJoinTolerates : public testing::TestWithParam<std::string_view> {};

TEST_P(PhoenixJoinTolerates, WhatItDoesNotUnderstand) { expect_defaults(parse_join(GetParam())); }

INSTANTIATE_TEST_SUITE_P(
    All, PhoenixJoinTolerates,
    testing::Values("{}", "null", "[]", "\"x\"", "", "not json", R"({"config":null})", R"({"config":[]})",
                    R"({"config":{"broadcast":null,"presence":null,"postgres_changes":null,"private":null}})",
                    R"({"config":{"broadcast":{"self":1,"ack":null},"presence":7,"private":""}})",
                    R"({"config":{"broadcast":{"self":"false","ack":"False","replay":null},"private":false}})",
                    R"({"config":{"resume":null,"postgres_changes":{"event":"*"}},"access_token":17})",
                    R"({"config":{"presence":{"key":{},"enabled":"false"}},"access_token":null})",
                    R"({"Config":{"private":true},"access_token":"sb_publishable_abc"})"));

TEST(PhoenixJoin, ReadsBooleansWrittenAsStrings) {
  const auto options = parse_join(R"({"config":{"broadcast":{"self":"true","ack":"TRUE"},"private":"True"}})");
  EXPECT_TRUE(options.broadcast_self && options.broadcast_ack && options.is_private);
}

TEST(PhoenixJoin, ClientsThatDoNotSayWhetherTheyWantPresenceDo) {
  EXPECT_TRUE(parse_join(R"({"config":{"presence":{"key":""}}})").presence_enabled);
  EXPECT_FALSE(parse_join(R"({"config":{"presence":{"key":"","enabled":false}}})").presence_enabled);
}

TEST(PhoenixJoin, PresenceKeysMayBeNumbers) {
  EXPECT_EQ(parse_join(R"({"config":{"presence":{"key":42}}})").presence_key, "42");
}

class PhoenixJoinRefuses : public testing::TestWithParam<std::pair<std::string_view, std::string_view>> {};

TEST_P(PhoenixJoinRefuses, WhatItWouldTurnIntoItsOpposite) {
  const auto options = parse_join(GetParam().first);
  EXPECT_TRUE(options.refusal.find(GetParam().second) != std::string::npos) << options.refusal;
  EXPECT_EQ(options.refusal_code, "22023");
}

INSTANTIATE_TEST_SUITE_P(
    All, PhoenixJoinRefuses,
    testing::Values(std::pair{R"({"config":{"private":"yes"}})", "private must be"},
                    std::pair{R"({"config":{"private":1}})", "private must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":5}}})", "Replay params are not valid"},
                    std::pair{R"({"config":{"broadcast":{"replay":{}}}})", "since or limit"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":1700000000000.5}}}})", "since must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":"yesterday"}}}})", "since must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":-1}}}})", "since must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":9e99}}}})", "since must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":0,"limit":"5"}}}})", "limit must be"},
                    std::pair{R"({"config":{"broadcast":{"replay":{"since":0,"limit":0}}}})", "limit must be"},
                    std::pair{R"({"config":{"presence":{"key":"a\nb"}}})", "presence key"}));

TEST(PhoenixJoin, RefusesPresenceKeysLongerThanAnyThatIsKept) {
  const auto with_key = [](std::size_t size) {
    return parse_join(R"({"config":{"presence":{"key":")" + std::string(size, 'k') + R"("}}})").refusal;
  };
  EXPECT_EQ(with_key(1020), "");
  EXPECT_NE(with_key(1021), "");
}

TEST(PhoenixJoin, RefusesChangesOfTablesAndEchoesAListThatAsksForNone) {
  const auto asking = parse_join(R"({"config":{"postgres_changes":[null,{"event":"*"}]}})");
  EXPECT_EQ(asking.refusal_code, "0A000");
  EXPECT_NE(asking.refusal.find("postgres_changes"), std::string::npos);
  const auto none = parse_join(R"({"config":{"postgres_changes":[null]}})");
  EXPECT_EQ(none.refusal, "");
  EXPECT_EQ(none.response, R"({"postgres_changes":[null]})");
}

TEST(PhoenixJoin, AResumeThatIsNoTextIsNoPositionRatherThanNone) {
  EXPECT_EQ(parse_join(R"({"config":{"resume":12}})").resume, "12");
}

TEST(PhoenixBroadcast, AsksToBeKept) {
  const auto wish = [](std::string_view object) {
    return wants_to_persist({.event = "e", .payload = "{}", .object = object});
  };
  EXPECT_EQ(wish(R"({"persist":true})"), true);
  EXPECT_EQ(wish(R"({"persist":{"ttl":60}})"), true);
  EXPECT_EQ(wish(R"({"persist":"True"})"), true);
  EXPECT_EQ(wish(R"({"persist":false})"), false);
  EXPECT_EQ(wish("{}"), false);
  EXPECT_FALSE(wish(R"({"persist":"soon"})"));
  EXPECT_EQ(wants_to_persist({.event = "e", .payload = "", .metadata = R"({"persist":true})"}), true);
  EXPECT_EQ(wants_to_persist({.event = "e", .payload = ""}), false);
}

TEST(PhoenixJoin, OldClientsNameTheTokenOtherwise) {
  EXPECT_EQ(parse_join(R"({"user_token":"old"})").access_token, "old");
  EXPECT_EQ(parse_join(R"({"user_token":"old","access_token":"new"})").access_token, "new");
}

TEST(PhoenixAccessToken, IsKeptUnlessATokenCame) {
  EXPECT_EQ(parse_access_token(R"({"access_token":"TOK2"})"), "TOK2");
  EXPECT_EQ(parse_access_token(R"({"access_token":""})"), "") << "an empty token is a bad one, not none";
  for (const auto payload :
       {R"({"access_token":null})", "{}", R"({"access_token":"sb_secret_x"})", R"({"access_token":5})", "x"})
    EXPECT_FALSE(parse_access_token(payload)) << payload;
}

TEST(PhoenixPresence, ReadsTrackAndUntrackInAnyCase) {
  const auto track = parse_presence(R"({"type":"presence","event":"TRACK","payload":{"name":"alice"}})");
  ASSERT_TRUE(track);
  EXPECT_EQ(track->action, PresenceCommand::Action::track);
  EXPECT_EQ(track->payload, R"({"name":"alice"})");
  EXPECT_TRUE(track->is_object);
  const auto untrack = parse_presence(R"({"type":"presence","event":"untrack"})");
  ASSERT_TRUE(untrack);
  EXPECT_EQ(untrack->action, PresenceCommand::Action::untrack);
  EXPECT_EQ(untrack->payload, "{}");
}

TEST(PhoenixPresence, TellsPayloadsThatAreNotObjects) {
  EXPECT_FALSE(parse_presence(R"({"event":"track","payload":[1]})")->is_object);
  EXPECT_FALSE(parse_presence(R"({"event":"track","payload":null})")->is_object);
  EXPECT_TRUE(parse_presence(R"({"event":"track"})")->is_object);
}

TEST(PhoenixPresence, RefusesOtherEvents) {
  for (const auto payload : {"{}", R"({"event":"tracked"})", R"({"event":1})", "[]", "broken"})
    EXPECT_FALSE(parse_presence(payload)) << payload;
}

} // namespace
} // namespace pg_live::phoenix
