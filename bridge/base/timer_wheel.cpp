// See timer_wheel.hpp. Each slot is a circular list with a head. A timer is in the slot of its deadline, or in the list
// of overdue timers if that had passed when it was armed.
#include "base/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace pg_live {

using std::chrono::seconds;

void Timer::cancel() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = nullptr;
  next_ = nullptr;
}

TimerWheel::TimerWheel(seconds now, std::size_t slots)
    : slots_(std::bit_ceil(std::max<std::size_t>(slots, 2))), now_(now) {
  for (Head &head : slots_)
    reset(head);
  reset(overdue_);
}

TimerWheel::~TimerWheel() {
  const auto cancel_all = [](Head &head) {
    while (head.next_ != &head)
      static_cast<Timer *>(head.next_)->cancel();
  };
  for (Head &head : slots_)
    cancel_all(head);
  cancel_all(overdue_);
}

void TimerWheel::reset(Head &head) {
  head.previous_ = &head;
  head.next_ = &head;
}

void TimerWheel::append(Head &head, Timer &timer) {
  timer.previous_ = head.previous_;
  timer.next_ = &head;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
}

TimerWheel::Head &TimerWheel::slot(seconds at) {
  return slots_[static_cast<std::uint64_t>(at.count()) & (slots_.size() - 1)];
}

void TimerWheel::arm(Timer &timer, seconds deadline) {
  timer.cancel();
  timer.deadline_ = deadline;
  append(deadline > now_ ? slot(deadline) : overdue_, timer);
}

void TimerWheel::collect(Head &from, seconds now, Head &due) {
  for (TimerLink *link = from.next_; link != &from;) {
    auto &timer = static_cast<Timer &>(*link);
    link = link->next_;
    if (timer.deadline_ > now) continue; // a later turn of the wheel
    timer.cancel();
    append(due, timer);
  }
}

std::size_t TimerWheel::advance(seconds now) {
  // Collects all due timers before the first one fires: a firing timer may arm, cancel and destroy any timer, and those
  // it arms wait for the next call.
  Head due;
  reset(due);
  collect(overdue_, seconds::max(), due);
  const auto turn = seconds(static_cast<std::int64_t>(slots_.size()));
  for (seconds at = std::max(now_ + seconds(1), now - turn + seconds(1)); at <= now; at += seconds(1))
    collect(slot(at), now, due);
  now_ = std::max(now_, now);
  std::size_t fired = 0;
  while (due.next_ != &due) {
    auto &timer = static_cast<Timer &>(*due.next_);
    timer.cancel();
    timer.expired(now);
    ++fired;
  }
  return fired;
}

} // namespace pg_live
