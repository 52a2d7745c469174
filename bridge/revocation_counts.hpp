// How often access to a topic was taken away from a user: what a join compares before and after it asks for access.
// Memory is fixed: topics and users share counters, so a number may grow for another's sake, which costs a question.
// Invariant: after count(topic, user), at() of every topic and user that it concerns is another than before.
#pragma once

#include "siphash.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace pg_live {

class RevocationCounts {
 public:
  // A pattern is a topic, or a beginning followed by *. An empty user is everybody.
  void count(std::string_view pattern, std::string_view user_id);

  std::uint64_t at(std::string_view topic, std::string_view user_id) const;

 private:
  std::size_t place(std::string_view topic, std::string_view user_id) const;

  SipKey key_ = SipKey::random(); // clients choose names
  std::array<std::uint32_t, 4096> counts_{};
};

} // namespace pg_live
