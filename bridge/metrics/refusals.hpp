// The last refusals, for the operator who asks why somebody could not connect or join. Bounded: older ones are gone.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pg_live {

struct NotedRefusal {
  std::string_view what; // a literal: connection, request or join
  std::string code;      // status of HTTP, or SQLSTATE
  std::string reason;
  std::string user;    // empty: none is known
  std::string address; // of the client, or empty
  std::string topic;   // of a join, or the path of a request
  std::chrono::system_clock::time_point at{};
};

class Refusals {
 public:
  static constexpr std::size_t kKept = 200;
  static constexpr std::size_t kMaxTextBytes = 300; // of each part: clients can make topics and users long

  void note(NotedRefusal refusal) {
    for (std::string *text : {&refusal.reason, &refusal.user, &refusal.topic})
      cut(*text);
    refusal.at = std::chrono::system_clock::now();
    kept_[noted_++ % kKept] = std::move(refusal);
  }

  // Calls `each(refusal)`, the newest first.
  template <typename Each>
  void for_each(Each each) const {
    for (std::uint64_t back = 1; back <= kKept && back <= noted_; ++back)
      each(kept_[(noted_ - back) % kKept]);
  }

 private:
  static void cut(std::string &text) {
    if (text.size() <= kMaxTextBytes) return;
    std::size_t end = kMaxTextBytes;
    while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) // not within a character
      --end;
    text.resize(end);
    text.shrink_to_fit();
  }

  std::array<NotedRefusal, kKept> kept_;
  std::uint64_t noted_ = 0;
};

} // namespace pg_live
