// How often access to a topic was taken away from a user: what a join compares before and after it asks for access.
// Memory is fixed: topics and users share counters, and each has two, so that one that is shared with a busy topic does
// not matter.
// Invariant: after count(topic, user), at() of every topic and user that it concerns has changed.
#pragma once

#include "base/siphash.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace pg_live {

// The counters of a topic and a user at a time.
struct RevocationMark {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  // Whether access was taken away between this mark and a later one. A revocation moves both numbers; what others lose
  // moves both hardly ever.
  bool has_changed(const RevocationMark &later) const { return first != later.first && second != later.second; }
};

class RevocationCounts {
 public:
  // A pattern is a topic, or a beginning followed by *. An empty user is everybody.
  void count(std::string_view pattern, std::string_view user_id);

  RevocationMark at(std::string_view topic, std::string_view user_id) const;

 private:
  static constexpr std::size_t kCounters = 32768; // a power of two

  struct Places {
    std::size_t first;
    std::size_t second;
  };
  Places places(std::string_view topic, std::string_view user_id) const;

  SipKey key_ = SipKey::random(); // clients choose names
  std::array<std::uint32_t, kCounters> first_{};
  std::array<std::uint32_t, kCounters> second_{};
};

} // namespace pg_live
