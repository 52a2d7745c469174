// Counts how many are due.
#include "connection/drain.hpp"

#include <algorithm>

namespace pg_live {

namespace {

constexpr std::uint16_t kServiceRestart = 1012;
constexpr std::string_view kReason = "the server restarts";

// What a bridge that takes them over admits with ease.
constexpr std::size_t kAtOnce = 100;
constexpr std::size_t kMinPerSecond = 2000;

} // namespace

void Drain::begin(std::uint64_t now, Milliseconds window) {
  began_ = now;
  window_ = window;
  leaving_ = connections_.all_shared();
}

void Drain::advance(std::uint64_t now) {
  const std::size_t elapsed = now - began_;
  const std::size_t in_window = leaving_.size() * elapsed / static_cast<std::size_t>(window_.count());
  const std::size_t due = std::min(leaving_.size(), kAtOnce + std::max(in_window, elapsed * kMinPerSecond / 1000));
  for (; let_go_ < due; ++let_go_)
    if (const auto connection = leaving_[let_go_].lock()) connection->close(kServiceRestart, kReason);
  if (let_go_ == leaving_.size()) connections_.close_all(kServiceRestart, kReason); // those that were still arriving
}

} // namespace pg_live
