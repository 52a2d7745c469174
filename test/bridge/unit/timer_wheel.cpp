// The timer wheel against a clock the test holds.
#include "base/timer_wheel.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>

namespace pg_live {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

class TestTimer : public Timer {
 public:
  int fired = 0;
  seconds fired_at{-1};
  std::function<void()> then;

 private:
  void expired(seconds now) override {
    ++fired;
    fired_at = now;
    if (then) {
      const auto run = then; // a copy: it may destroy this timer
      run();
    }
  }
};

TEST(TimerWheel, FiresAtTheDeadlineAndOnce) {
  TimerWheel wheel(100s);
  TestTimer timer;
  wheel.arm(timer, 105s);
  EXPECT_TRUE(timer.is_armed());
  EXPECT_EQ(wheel.advance(104s), 0U);
  EXPECT_EQ(timer.fired, 0);
  EXPECT_EQ(wheel.advance(105s), 1U);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.is_armed());
  EXPECT_EQ(wheel.advance(10'000s), 0U);
}

TEST(TimerWheel, ADeadlineThatHasPassedFiresInTheNextAdvance) {
  TimerWheel wheel(100s);
  TestTimer now, past;
  wheel.arm(now, 100s);
  wheel.arm(past, 3s);
  EXPECT_EQ(wheel.advance(100s), 2U);
}

TEST(TimerWheel, FiresDeadlinesManyTurnsAway) {
  TimerWheel wheel(0s, 8);
  TestTimer hour, day;
  wheel.arm(hour, 3600s);
  wheel.arm(day, 86'400s);
  for (seconds now = 1s; now < 3600s; now += 1s)
    ASSERT_EQ(wheel.advance(now), 0U);
  EXPECT_EQ(wheel.advance(3600s), 1U);
  for (seconds now = 3601s; now < 86'400s; now += 1s)
    ASSERT_EQ(wheel.advance(now), 0U);
  EXPECT_EQ(wheel.advance(86'400s), 1U);
  EXPECT_EQ(day.fired_at, 86'400s);
}

TEST(TimerWheel, CatchesUpAfterALongStop) {
  TimerWheel wheel(0s, 8);
  std::vector<std::unique_ptr<TestTimer>> timers;
  for (int i = 1; i <= 100; ++i) {
    timers.push_back(std::make_unique<TestTimer>());
    wheel.arm(*timers.back(), seconds(i));
  }
  EXPECT_EQ(wheel.advance(90s), 90U);
  EXPECT_EQ(wheel.advance(100s), 10U);
}

TEST(TimerWheel, ArmingAgainReplacesTheDeadline) {
  TimerWheel wheel(0s);
  TestTimer timer;
  wheel.arm(timer, 5s);
  wheel.arm(timer, 50s);
  EXPECT_EQ(timer.deadline(), 50s);
  EXPECT_EQ(wheel.advance(49s), 0U);
  wheel.arm(timer, 50s);
  wheel.arm(timer, 60s);
  wheel.arm(timer, 51s);
  EXPECT_EQ(wheel.advance(51s), 1U);
  EXPECT_EQ(wheel.advance(100s), 0U);
}

TEST(TimerWheel, ACancelledTimerDoesNotFire) {
  TimerWheel wheel(0s);
  TestTimer timer;
  wheel.arm(timer, 5s);
  timer.cancel();
  timer.cancel();
  EXPECT_FALSE(timer.is_armed());
  EXPECT_EQ(wheel.advance(10s), 0U);
}

TEST(TimerWheel, ADestroyedTimerDoesNotFire) {
  TimerWheel wheel(0s);
  {
    TestTimer timer;
    wheel.arm(timer, 5s);
  }
  EXPECT_EQ(wheel.advance(10s), 0U);
}

TEST(TimerWheel, ADestroyedWheelLeavesItsTimersUnarmed) {
  TestTimer waiting, overdue;
  {
    TimerWheel wheel(10s);
    wheel.arm(waiting, 15s);
    wheel.arm(overdue, 5s);
  }
  EXPECT_FALSE(waiting.is_armed());
  EXPECT_FALSE(overdue.is_armed());
}

TEST(TimerWheel, ATimerMayArmItself) {
  TimerWheel wheel(0s);
  TestTimer timer;
  timer.then = [&] { wheel.arm(timer, timer.fired_at + 10s); };
  wheel.arm(timer, 10s);
  for (seconds now = 1s; now <= 100s; now += 1s)
    wheel.advance(now);
  EXPECT_EQ(timer.fired, 10);
}

TEST(TimerWheel, ATimerArmedForNowWhileFiringWaitsForTheNextAdvance) {
  TimerWheel wheel(0s);
  TestTimer timer;
  timer.then = [&] { wheel.arm(timer, 0s); };
  wheel.arm(timer, 10s);
  EXPECT_EQ(wheel.advance(10s), 1U);
  EXPECT_EQ(wheel.advance(10s), 1U);
}

TEST(TimerWheel, ATimerMayDestroyItselfAndOthersThatAreDueToo) {
  TimerWheel wheel(0s);
  auto first = std::make_unique<TestTimer>();
  auto second = std::make_unique<TestTimer>();
  int fired = 0;
  first->then = second->then = [&] {
    ++fired;
    first.reset();
    second.reset();
  };
  wheel.arm(*first, 5s);
  wheel.arm(*second, 5s);
  EXPECT_EQ(wheel.advance(5s), 1U);
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, ATimerMayCancelAnotherThatIsDueToo) {
  TimerWheel wheel(0s);
  TestTimer first, second;
  first.then = [&] { second.cancel(); };
  second.then = [&] { first.cancel(); };
  wheel.arm(first, 5s);
  wheel.arm(second, 5s);
  EXPECT_EQ(wheel.advance(5s), 1U);
  EXPECT_EQ(first.fired + second.fired, 1);
}

TEST(TimerWheel, AClockThatStepsBackFiresNothingEarly) {
  TimerWheel wheel(100s);
  TestTimer timer;
  wheel.arm(timer, 105s);
  EXPECT_EQ(wheel.advance(50s), 0U);
  EXPECT_EQ(wheel.advance(104s), 0U);
  EXPECT_EQ(wheel.advance(105s), 1U);
}

TEST(TimerWheel, AgreesWithASearchOfAllTimersOverManySteps) {
  std::mt19937 random(11);
  seconds now = 1000s;
  TimerWheel wheel(now, 16);
  std::vector<TestTimer> timers(200);
  for (int step = 0; step < 5000; ++step) {
    for (int i = 0; i < 10; ++i) {
      TestTimer &timer = timers[random() % timers.size()];
      if (random() % 4 == 0)
        timer.cancel();
      else
        wheel.arm(timer, now + seconds(static_cast<int>(random() % 100) - 5));
    }
    now += seconds(random() % 3 == 0 ? random() % 40 : 1);
    std::size_t due = 0;
    for (const TestTimer &timer : timers)
      if (timer.is_armed() && timer.deadline() <= now) ++due;
    ASSERT_EQ(wheel.advance(now), due);
  }
}

} // namespace
} // namespace pg_live
