// The side tasks of a worker. A failure of one does not stop the worker.
#pragma once

#include "worker_transaction.hpp"

#include <chrono>
#include <optional>

namespace pg_live {

using Clock = std::chrono::steady_clock;

// Milliseconds until a moment, rounded up; 0 if it has passed.
inline long until(Clock::time_point moment) {
  return Max(std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now()).count(), 0L);
}

// A chore runs in transactions of its own. An error in it is logged as a warning and delays nothing else; the chore is
// tried again after a rest that doubles with each failure.
class Chore {
 public:
  constexpr explicit Chore(const char *activity) : activity_(activity) {}

  const char *activity() const { return activity_; }

  // When it is tried again, which may have passed; nullopt if it did not fail.
  std::optional<Clock::time_point> retry_at() const {
    return failures_ > 0 ? std::optional(rests_until_) : std::nullopt;
  }

  // Runs `body` unless the chore rests. Returns whether it ran without an error.
  template <typename Body>
  bool perform(Body body) {
    if (failures_ > 0 && Clock::now() < rests_until_) return false;
    const bool well = attempt(activity_, body);
    failures_ = well ? 0 : Min(failures_ + 1, most_doublings);
    if (!well) rests_until_ = Clock::now() + first_rest * (1 << failures_);
    return well;
  }

 private:
  static constexpr std::chrono::milliseconds first_rest{1'000}; // doubled at each failure, including the first
  static constexpr int most_doublings = 6;

  const char *activity_;
  int failures_ = 0;
  Clock::time_point rests_until_{};
};

} // namespace pg_live
