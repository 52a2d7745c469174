// Typing calls: what is a repeat of which call.
#include "conversation/typing.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(TypingCalls, FindACallForASecond) {
  TypingCalls calls;
  const auto call = calls.begin("anna", "document:7", 5000);
  EXPECT_EQ(calls.find("anna", "document:7", 5999), call);
  EXPECT_EQ(calls.find("anna", "document:7", 6000), nullptr);
}

TEST(TypingCalls, AreOfOneUserAtOnePlace) {
  TypingCalls calls;
  calls.begin("anna", "document:7", 5000);
  EXPECT_EQ(calls.find("ben", "document:7", 5000), nullptr);
  EXPECT_EQ(calls.find("anna", "document:8", 5000), nullptr);
}

TEST(TypingCalls, EndWithTheUsersStopThere) {
  TypingCalls calls;
  calls.begin("anna", "document:7", 5000);
  const auto elsewhere = calls.begin("anna", "document:8", 5000);
  calls.forget("anna", "document:7");
  EXPECT_EQ(calls.find("anna", "document:7", 5000), nullptr);
  EXPECT_EQ(calls.find("anna", "document:8", 5000), elsewhere);
}

TEST(TypingCalls, RepeatTheLastPushToTheDatabase) {
  TypingCalls calls;
  const auto call = calls.begin("anna", "document:7", 5000);
  calls.begin("anna", "document:8", 5000);
  EXPECT_EQ(calls.next_due(), std::nullopt);
  call->repeat = {ChannelId{1}, "{}"};
  EXPECT_EQ(calls.next_due(), 6000u);
  EXPECT_TRUE(calls.pop_due(5999).empty());
  EXPECT_EQ(calls.pop_due(6000), std::vector{call});
  EXPECT_TRUE(calls.pop_due(6000).empty());
}

TEST(TypingCalls, RepeatNothingOnceTheUserHasStopped) {
  TypingCalls calls;
  calls.begin("anna", "document:7", 5000)->repeat = {ChannelId{1}, "{}"};
  calls.forget("anna", "document:7");
  EXPECT_TRUE(calls.pop_due(6000).empty());
}

TEST(TypingCalls, AreFewWhateverAClientSends) {
  TypingCalls calls;
  const std::weak_ptr<TypingCall> first = calls.begin("anna", "0", 5000);
  for (std::size_t n = 1; n <= TypingCalls::kMaxCalls; ++n)
    calls.begin("anna", std::to_string(n), 5000);
  EXPECT_TRUE(first.expired());
  EXPECT_NE(calls.find("anna", "1", 5000), nullptr);
}

} // namespace
} // namespace pg_live
