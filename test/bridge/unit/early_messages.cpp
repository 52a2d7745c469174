// Messages that wait for the answer to their join.
#include "conversation/early_messages.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

constexpr ChannelId kFirst{1};
constexpr ChannelId kSecond{2};

TEST(EarlyMessages, ComeOutInOrderForTheirChannelAlone) {
  EarlyMessages messages;
  EXPECT_TRUE(messages.keep(kFirst, "a", false));
  EXPECT_TRUE(messages.keep(kSecond, "b", true));
  EXPECT_TRUE(messages.keep(kFirst, "c", false));
  const auto taken = messages.take(kFirst);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].text + taken[1].text, "ac");
  EXPECT_TRUE(messages.take(kFirst).empty());
  EXPECT_TRUE(messages.take(kSecond).at(0).binary);
  EXPECT_TRUE(messages.empty());
}

TEST(EarlyMessages, AreFewAndSmall) {
  EarlyMessages messages;
  for (std::size_t n = 0; n < EarlyMessages::most_kept; ++n)
    EXPECT_TRUE(messages.keep(kFirst, "x", false));
  EXPECT_FALSE(messages.keep(kFirst, "x", false));
  messages.take(kFirst);
  EXPECT_TRUE(messages.keep(kFirst, std::string(EarlyMessages::most_bytes, 'x'), false));
  EXPECT_FALSE(messages.keep(kSecond, "x", false));
  messages.take(kFirst);
  EXPECT_TRUE(messages.keep(kSecond, "x", false));
}

} // namespace
} // namespace pg_live
