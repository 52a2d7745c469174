// A budget of time for which a stream may wait for slow readers: bytes that flow earn it, waiting spends it.
// Invariant: the total wait never exceeds the initial budget plus what was earned, so no pattern of slow reading brings
// the stream below a known rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pg_live {

class WaitBudget {
 public:
  struct Limits {
    std::uint32_t max_milliseconds;
    std::uint32_t bytes_per_millisecond; // bytes that earn one millisecond
  };

  explicit constexpr WaitBudget(Limits limits)
      : limits_(limits), bytes_(std::uint64_t{limits.max_milliseconds} * limits.bytes_per_millisecond) {}

  constexpr void earn(std::uint64_t bytes) {
    bytes_ = std::min(bytes_ + bytes, std::uint64_t{limits_.max_milliseconds} * limits_.bytes_per_millisecond);
  }

  // Spends that long a wait; false, spending nothing, if the budget does not cover it.
  [[nodiscard]] constexpr bool spend(std::uint32_t milliseconds) {
    const std::uint64_t price = std::uint64_t{milliseconds} * limits_.bytes_per_millisecond;
    if (price > bytes_) return false;
    bytes_ -= price;
    return true;
  }

 private:
  Limits limits_;
  std::uint64_t bytes_; // the remaining budget: milliseconds times bytes_per_millisecond
};

} // namespace pg_live
