// Messages that wait for the answer to their join.
#include "conversation/early_messages.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

constexpr ChannelId one{1};
constexpr ChannelId other{2};

TEST(EarlyMessages, ComeOutInOrderForTheirChannelAlone) {
  EarlyMessages messages;
  EXPECT_TRUE(messages.keep(one, "a", false));
  EXPECT_TRUE(messages.keep(other, "b", true));
  EXPECT_TRUE(messages.keep(one, "c", false));
  const auto taken = messages.take(one);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].text + taken[1].text, "ac");
  EXPECT_TRUE(messages.take(one).empty());
  EXPECT_TRUE(messages.take(other).at(0).binary);
  EXPECT_TRUE(messages.empty());
}

TEST(EarlyMessages, AreFewAndSmall) {
  EarlyMessages messages;
  for (std::size_t n = 0; n < EarlyMessages::most_kept; ++n)
    EXPECT_TRUE(messages.keep(one, "x", false));
  EXPECT_FALSE(messages.keep(one, "x", false));
  messages.take(one);
  EXPECT_TRUE(messages.keep(one, std::string(EarlyMessages::most_bytes, 'x'), false));
  EXPECT_FALSE(messages.keep(other, "x", false));
  messages.take(one);
  EXPECT_TRUE(messages.keep(other, "x", false));
}

} // namespace
} // namespace pg_live
