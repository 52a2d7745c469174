// What unfinished messages hold is counted as they grow and end, and the largest is named when it is too much.
#include "connection/unfinished_message.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

namespace pg_live {

namespace {

class Sender : public MessageSender {};

TEST(UnfinishedMessage, CountsWhatIsAnnouncedBeforeItArrives) {
  UnfinishedMessages all(1000);
  Sender one;
  UnfinishedMessage message(all, one);
  message.append("x", 900);
  EXPECT_GE(all.bytes(), 901u);
  EXPECT_EQ(all.largest(), nullptr);
}

TEST(UnfinishedMessage, IsNotCountedAnyMoreWhenItEnds) {
  UnfinishedMessages all(1000);
  Sender one;
  {
    UnfinishedMessage message(all, one);
    message.append(std::string(600, 'x'), 0);
    message.append(std::string(600, 'x'), 0);
    EXPECT_EQ(all.largest(), &one);
    EXPECT_EQ(message.bytes(), std::string(1200, 'x'));
  }
  EXPECT_EQ(all.bytes(), 0u);
  EXPECT_EQ(all.largest(), nullptr);
}

TEST(UnfinishedMessage, NamesTheLargestAndNotTheOneThatCameLast) {
  UnfinishedMessages all(100000);
  std::array<Sender, 3> senders;
  UnfinishedMessage small(all, senders[0]);
  std::optional<UnfinishedMessage> large;
  large.emplace(all, senders[1]);
  UnfinishedMessage last(all, senders[2]);
  small.append("x", 1000);
  large->append("x", 98000);
  EXPECT_EQ(all.largest(), nullptr);
  last.append("x", 1000);
  EXPECT_EQ(all.largest(), &senders[1]);
  large.reset();
  EXPECT_EQ(all.largest(), nullptr);
}

// The bytes of a message that comes in small pieces are moved a few times and not with each piece.
TEST(UnfinishedMessage, GrowsInFewSteps) {
  UnfinishedMessages all(1000000);
  Sender one;
  UnfinishedMessage message(all, one);
  std::size_t steps = 0;
  for (int piece = 0; piece < 10000; ++piece) {
    const std::size_t before = all.bytes();
    message.append("0123456789", 0);
    if (all.bytes() != before) ++steps;
  }
  EXPECT_EQ(message.bytes().size(), 100000u);
  EXPECT_LT(steps, 40u);
}

} // namespace
} // namespace pg_live
