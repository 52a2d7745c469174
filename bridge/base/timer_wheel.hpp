// Deadlines by the second for very many connections: a hashed timer wheel, driven by one tick of the loop.
//
// Invariants: a timer never fires before its deadline, and fires in the first advance() at or after it. Arming, arming
// again and cancelling take constant time and allocate nothing. The caller passes the time, in seconds from an origin
// of its choice.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pg_live {

// A place in a circular list of timers; for Timer and TimerWheel only.
class TimerLink {
 public:
  TimerLink() = default;
  TimerLink(const TimerLink &) = delete;
  TimerLink &operator=(const TimerLink &) = delete;

 protected:
  ~TimerLink() = default;

 private:
  friend class Timer;
  friend class TimerWheel;
  TimerLink *previous_ = nullptr; // both are null when in no list
  TimerLink *next_ = nullptr;
};

// One deadline. Derive from it and implement expired(); destroying a timer cancels it.
class Timer : public TimerLink {
 public:
  Timer() = default;
  virtual ~Timer() { cancel(); }

  // Cancels the deadline, if there is one.
  void cancel();
  bool is_armed() const { return next_ != nullptr; }
  // What the timer was last armed with.
  std::chrono::seconds deadline() const { return deadline_; }

 protected:
  // Called once a deadline, no longer armed. May arm, cancel and destroy any timer, this one too; must not throw.
  virtual void expired(std::chrono::seconds now) = 0;

 private:
  friend class TimerWheel;
  std::chrono::seconds deadline_{0};
};

// Wheel and timers may be destroyed in any order: destroying the wheel cancels the timers still armed.
class TimerWheel {
 public:
  // `slots` is rounded up to a power of two. A deadline further away than that many seconds is visited once a turn.
  explicit TimerWheel(std::chrono::seconds now, std::size_t slots = 1024);
  TimerWheel(const TimerWheel &) = delete;
  TimerWheel &operator=(const TimerWheel &) = delete;
  ~TimerWheel();

  // Sets or replaces the deadline. One that has passed fires in the next advance(), even at the same second.
  void arm(Timer &timer, std::chrono::seconds deadline);

  // Fires every timer whose deadline is at or before `now`, in no particular order. Returns how many fired. Timers
  // armed during the call wait for the next one. A `now` before that of the last call fires overdue timers only.
  std::size_t advance(std::chrono::seconds now);

 private:
  class Head : public TimerLink {};
  static void reset(Head &head);
  static void append(Head &head, Timer &timer);
  static void collect(Head &from, std::chrono::seconds now, Head &due);
  Head &slot(std::chrono::seconds at);

  std::vector<Head> slots_; // a timer stands in the slot of its deadline
  Head overdue_;            // armed when the deadline had passed
  std::chrono::seconds now_;
};

} // namespace pg_live
