// The bounded queue: order, limits, gathering, and that it holds nothing when empty.
#include "wire/send_queue.hpp"

#include <deque>
#include <gtest/gtest.h>
#include <random>

namespace pg_live {
namespace {

using websocket::Frame;

Frame frame(std::string bytes) { return Frame::from_bytes(std::move(bytes)); }

TEST(SendQueue, GivesFramesBackInOrder) {
  SendQueue queue({});
  EXPECT_TRUE(queue.push(frame("one")));
  EXPECT_TRUE(queue.push(frame("two")));
  EXPECT_EQ(queue.frames(), 2U);
  EXPECT_EQ(queue.bytes(), 6U);
  EXPECT_EQ(queue.pop().bytes(), "one");
  EXPECT_EQ(queue.pop().bytes(), "two");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(SendQueue, AnEmptyQueueGivesAnEmptyFrame) {
  SendQueue queue({});
  EXPECT_TRUE(queue.pop().empty());
  EXPECT_TRUE(queue.pop_some(100).empty());
}

TEST(SendQueue, RefusesMoreBytesThanItMayHold) {
  SendQueue queue({.max_bytes = 10, .max_frames = 100});
  EXPECT_TRUE(queue.push(frame("12345")));
  EXPECT_TRUE(queue.push(frame("67890")));
  EXPECT_FALSE(queue.push(frame("x")));
  EXPECT_EQ(queue.bytes(), 10U);
  EXPECT_EQ(queue.frames(), 2U);
  queue.pop();
  EXPECT_TRUE(queue.push(frame("x")));
}

TEST(SendQueue, RefusesMoreFramesThanItMayHold) {
  SendQueue queue({.max_bytes = 1000, .max_frames = 2});
  EXPECT_TRUE(queue.push(frame("a")));
  EXPECT_TRUE(queue.push(frame("b")));
  EXPECT_FALSE(queue.push(frame("c")));
  EXPECT_EQ(queue.pop().bytes(), "a");
  EXPECT_TRUE(queue.push(frame("d")));
  EXPECT_FALSE(queue.push(frame("e"))) << "frames that are gone do not make room twice";
}

TEST(SendQueue, TakesOneFrameOfAnySizeWhenEmpty) {
  SendQueue queue({.max_bytes = 10, .max_frames = 2});
  EXPECT_TRUE(queue.push(frame(std::string(1000, 'x'))));
  EXPECT_FALSE(queue.push(frame("")));
  EXPECT_EQ(queue.pop_some(10).size(), 1000U);
}

TEST(SendQueue, GathersWholeFramesUpToTheSizeOfOneWrite) {
  SendQueue queue({});
  for (const auto *text : {"aaaa", "bbbb", "cc", "dddddddddddd", "e"})
    EXPECT_TRUE(queue.push(frame(text)));
  EXPECT_EQ(queue.pop_some(10).bytes(), "aaaabbbbcc");
  EXPECT_EQ(queue.pop_some(10).bytes(), "dddddddddddd") << "one frame goes even when it is larger";
  EXPECT_EQ(queue.pop_some(10).bytes(), "e");
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueue, AFrameThatGoesAloneIsNotCopied) {
  SendQueue queue({});
  const Frame shared = frame("shared bytes of many connections");
  EXPECT_TRUE(queue.push(shared));
  EXPECT_EQ(queue.pop_some(1 << 16).bytes().data(), shared.bytes().data());
}

TEST(SendQueue, ClearDropsEverything) {
  SendQueue queue({.max_bytes = 4, .max_frames = 2});
  EXPECT_TRUE(queue.push(frame("aaaa")));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.push(frame("bbbb")));
  EXPECT_EQ(queue.pop().bytes(), "bbbb");
}

TEST(SendQueue, AgreesWithAPlainQueueOverManySteps) {
  SendQueue queue({.max_bytes = 200, .max_frames = 20});
  std::deque<std::string> model;
  std::mt19937 random(7);
  for (int step = 0; step < 20'000; ++step) {
    std::size_t model_bytes = 0;
    for (const auto &text : model)
      model_bytes += text.size();
    if (random() % 3 != 0) {
      const std::string text(random() % 40, static_cast<char>('a' + step % 26));
      const bool fits = model.empty() || (model.size() < 20 && model_bytes + text.size() <= 200);
      EXPECT_EQ(queue.push(frame(text)), fits);
      if (fits) model.push_back(text);
    } else {
      std::string expected;
      while (!model.empty() && (expected.empty() || expected.size() + model.front().size() <= 64)) {
        expected += model.front();
        model.pop_front();
        if (expected.empty()) break; // an empty frame that goes first and alone is not told from none
      }
      std::string got;
      while (got.size() < expected.size())
        got += queue.pop_some(64).bytes();
      while (queue.frames() > model.size())
        EXPECT_TRUE(queue.pop().empty());
      EXPECT_EQ(got, expected);
    }
    ASSERT_EQ(queue.frames(), model.size());
  }
}

} // namespace
} // namespace pg_live
