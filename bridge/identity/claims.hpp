// The identity of a client, from its token. Only a TokenVerifier creates the claims of a user.
#pragma once

#include "text/json_writer.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace pg_live {

struct Claims {
  std::string text;                    // the payload as signed: JSON for request.jwt.claims
  std::string user_id;                 // claim `sub`; empty for an anonymous token
  std::string role;                    // claim `role`: the database role to act as
  std::chrono::sys_seconds expires_at; // claim `exp`; sys_seconds::max() for an API key
  std::string token_id{};              // claim `jti`; empty: none
  std::chrono::sys_seconds issued_at = std::chrono::sys_seconds::min(); // claim `iat`; min(): none
  std::string api_key{}; // name of the API key of a file that was sent; empty: something else was
};

// The time that claims are compared with.
inline std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

using ClaimsRef = std::shared_ptr<const Claims>;

// Claims without a user that never expire.
inline ClaimsRef claims_of_role(const std::string &role) {
  std::string text = "{";
  json::append_member(text, "role", role);
  return std::make_shared<const Claims>(Claims{text.append("}"), "", role, std::chrono::sys_seconds::max()});
}

enum class Requester : unsigned char { anonymous, signed_in };

// Whether a revocation could be for the token of these claims.
inline bool can_be_revoked(const Claims &claims) { return !claims.user_id.empty() || !claims.token_id.empty(); }

// Claims without a user are those of an anonymous requester.
inline Requester requester_of(const Claims &claims) {
  return claims.user_id.empty() ? Requester::anonymous : Requester::signed_in;
}

} // namespace pg_live
