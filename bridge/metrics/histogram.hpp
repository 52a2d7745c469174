// How long something took, in buckets, as Prometheus wants it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pg_live {

class Histogram {
 public:
  // Upper bounds in seconds, of durations from a look-up by key to the deadline of a command; longer ones count in
  // none.
  static constexpr std::array kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};

  void observe(std::chrono::nanoseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    const auto *bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
    if (bound != kBounds.end()) ++buckets_[static_cast<std::size_t>(bound - kBounds.begin())];
    ++count_;
    sum_ += seconds;
  }

  // Of each bound, those up to it and above the one before.
  const std::array<std::uint64_t, kBounds.size()> &buckets() const { return buckets_; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; } // in seconds

 private:
  std::array<std::uint64_t, kBounds.size()> buckets_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

} // namespace pg_live
