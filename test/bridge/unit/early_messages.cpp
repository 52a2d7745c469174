// Messages that wait for the answer to their join.
#include "conversation/early_messages.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

constexpr ChannelId kFirst{1};
constexpr ChannelId kSecond{2};

TEST(EarlyMessages, ComeOutInOrderForTheirChannelAlone) {
  EarlyMessages messages;
  EXPECT_TRUE(messages.push({kFirst, websocket::Opcode::text, "a"}));
  EXPECT_TRUE(messages.push({kSecond, websocket::Opcode::binary, "b"}));
  EXPECT_TRUE(messages.push({kFirst, websocket::Opcode::text, "c"}));
  const auto popped = messages.pop(kFirst);
  ASSERT_EQ(popped.size(), 2u);
  EXPECT_EQ(popped[0].frame + popped[1].frame, "ac");
  EXPECT_TRUE(messages.pop(kFirst).empty());
  EXPECT_EQ(messages.pop(kSecond).at(0).opcode, websocket::Opcode::binary);
  EXPECT_TRUE(messages.empty());
}

TEST(EarlyMessages, AreFewAndSmall) {
  EarlyMessages messages;
  for (std::size_t n = 0; n < EarlyMessages::kMaxMessages; ++n)
    EXPECT_TRUE(messages.push({kFirst, websocket::Opcode::text, "x"}));
  EXPECT_FALSE(messages.push({kFirst, websocket::Opcode::text, "x"}));
  messages.pop(kFirst);
  EXPECT_TRUE(messages.push({kFirst, websocket::Opcode::text, std::string(EarlyMessages::kMaxBytes, 'x')}));
  EXPECT_FALSE(messages.push({kSecond, websocket::Opcode::text, "x"}));
  messages.pop(kFirst);
  EXPECT_TRUE(messages.push({kSecond, websocket::Opcode::text, "x"}));
}

} // namespace
} // namespace pg_live
