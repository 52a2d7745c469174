// Counts revocations of access by topic and user. A join compares the count before and after its access check.
// Memory is fixed: topics and users share counters, and each has two, so that sharing one with a busy topic does not
// matter.
// Invariant: count(topic, user) changes at() of every topic and user that it concerns.
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

  // Whether access was revoked between this mark and a later one. A revocation moves both numbers; revocations of other
  // topics and users rarely move both.
  bool has_changed(const RevocationMark &later) const { return first != later.first && second != later.second; }
};

class RevocationCounts {
 public:
  // A pattern is a topic, or a prefix followed by *. An empty user id means all users.
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
