// The identity of a client, from its token. Only a TokenVerifier creates the claims of a user.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace pg_live {

struct Claims {
  std::string text;                    // the payload as signed: JSON for request.jwt.claims
  std::string user_id;                 // claim `sub`; empty for an anonymous token
  std::string role;                    // claim `role`: the database role to act as
  std::chrono::sys_seconds expires_at; // claim `exp`; sys_seconds::max() for an API key
};

using ClaimsRef = std::shared_ptr<const Claims>;

} // namespace pg_live
