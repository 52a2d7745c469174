// How long a stream may wait for those who read it slowly: a budget that what flows earns, and waiting spends.
// Invariant: whatever the readers do, the stream waits no longer in all than its budget held at first and what it
// earned since, so no pattern of pauses slows it below a rate that is known.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pg_live {

class WaitBudget {
 public:
  struct Limits {
    std::uint32_t most_milliseconds;
    std::uint32_t bytes_per_millisecond; // that a stream earns its waiting with
  };

  explicit constexpr WaitBudget(Limits limits)
      : limits_(limits), bytes_(std::uint64_t{limits.most_milliseconds} * limits.bytes_per_millisecond) {}

  constexpr void earn(std::uint64_t bytes) {
    bytes_ = std::min(bytes_ + bytes, std::uint64_t{limits_.most_milliseconds} * limits_.bytes_per_millisecond);
  }

  // Whether so long a wait is paid for; if not, nothing is spent.
  [[nodiscard]] constexpr bool spend(std::uint32_t milliseconds) {
    const std::uint64_t price = std::uint64_t{milliseconds} * limits_.bytes_per_millisecond;
    if (price > bytes_) return false;
    bytes_ -= price;
    return true;
  }

 private:
  Limits limits_;
  std::uint64_t bytes_; // the milliseconds that are left, in what they cost
};

} // namespace pg_live
