// Tokens that were revoked before they expire: those of a user that were issued before a time, and single ones.
//
// Invariants: what was added is in force until it expires, and only extended by what is added later; memory is bounded
// by what has not expired.
#pragma once

#include "identity/claims.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pg_live {

class Revocations {
 public:
  // Adds a revocation as live_private.revocation_payload() writes it. False if it is malformed.
  bool add(std::string_view payload, std::chrono::sys_seconds now);

  // Whether the token of these claims was revoked. Claims of an API key never are.
  bool includes(const Claims &claims) const;

  std::size_t size() const { return users_.size() + tokens_.size(); }

 private:
  using Time = std::chrono::sys_time<std::chrono::microseconds>;

  struct UserRevocation {
    Time issued_before;
    Time expires_at;
  };

  void drop_expired(Time now);

  std::unordered_map<std::string, UserRevocation> users_;
  std::unordered_map<std::string, Time> tokens_; // by `jti`: when the revocation expires
  std::size_t drop_at_ = 1024;                   // the size at which expired ones are looked for
};

} // namespace pg_live
