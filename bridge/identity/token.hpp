// Identifies clients: verifies JWTs (RFC 7519) and maps opaque API keys to roles.
//
// Invariant: claims are returned only if signature, expiry and format are valid, and the database reads the same values
// that were checked here: duplicate members and \u0000, where parsers differ, are refused. Errors contain no secret and
// no part of the token.
#pragma once

#include "identity/claims.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

// The longest token looked at, in bytes.
inline constexpr std::size_t kMaxTokenBytes = 16 * 1024;

struct TokenError {
  std::string_view code;     // as Supabase Realtime names it: "InvalidJWTToken", "MalformedJWT", "JwtSignatureError"
  std::string_view sqlstate; // of base/sqlstate.hpp
  std::string message;       // "Token has expired 5 seconds ago": in the words clients know
  bool unknown_key = false;  // no key fits the token's `kid`: reading the JWK set again may help
};

// Claims or why there are none: exactly one of the two is set.
struct TokenResult {
  ClaimsRef claims;
  std::optional<TokenError> error;
};

// An opaque key (such as `sb_publishable_…`) and the role it stands for.
struct ApiKey {
  std::string key;
  std::string role;
};

struct TokenSettings {
  std::string secret;  // for HS256, HS384, HS512; empty: none. Settings take none below 32 bytes
  std::string jwk_set; // text of a JWK set; empty: none
  std::vector<ApiKey> api_keys;
  std::string audience;               // when set, `aud` must be or contain it
  std::string issuer;                 // when set, `iss` must be it
  std::size_t cached_tokens = 10'000; // verified tokens remembered; 0: none
};

class TokenVerifier {
 public:
  // Throws std::invalid_argument, with a message to show to the operator, when the settings cannot be used.
  explicit TokenVerifier(const TokenSettings &settings);
  TokenVerifier(TokenVerifier &&) noexcept;
  TokenVerifier &operator=(TokenVerifier &&) noexcept;
  ~TokenVerifier();

  // Verifies a JWT or looks up an API key. Clients send the same token on every join, so verified ones are remembered
  // (by SHA-256, until they expire) and share one Claims.
  TokenResult verify(std::string_view token, std::chrono::sys_seconds now);

  // Replaces the keys of the JWK set and forgets all remembered tokens. On a bad set, the message; nothing changes
  // then.
  std::optional<std::string> replace_jwk_set(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace pg_live
