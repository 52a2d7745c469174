// Identifies clients: verifies JWTs (RFC 7519) and maps opaque API keys to roles.
//
// Invariants: a token of an issuer with keys of its own is verified with those keys alone, and never with those of
// another issuer; claims are returned only if signature, expiry and format are valid, and the database reads the same
// values that were checked here: duplicate members and \u0000, where parsers differ, are refused. Errors contain no
// secret and no part of the token.
#pragma once

#include "identity/claims.hpp"
#include "identity/jwk.hpp"
#include "identity/token_cache.hpp"
#include "identity/token_error.hpp"

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

// The same, of a file.
struct HashedApiKey {
  std::string name; // for the operator
  std::string role;
  TokenDigest digest{};
};

// The key set of the secret, and of issuers without keys of their own.
inline constexpr std::size_t kSharedKeys = 0;

struct TokenIssuer {
  std::string name; // as in claim `iss`
  std::size_t key_set = kSharedKeys;
};

struct TokenSettings {
  std::string secret;  // for HS256, HS384, HS512; empty: none. Settings take none below 32 bytes
  std::string jwk_set; // text of the shared JWK set; empty: none
  std::vector<ApiKey> api_keys;
  std::vector<std::string> audiences; // when there are any, `aud` must be or contain one
  std::vector<TokenIssuer> issuers;   // when there are any, `iss` must be one
  std::chrono::seconds leeway{30};    // by which clocks of issuers may be ahead: for `nbf` and `iat`
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

  // Replaces the JWK set of a key set of the settings. If it has changed, all remembered tokens are forgotten. On a bad
  // set, the message; nothing changes then.
  std::optional<std::string> replace_jwk_set(std::size_t key_set, std::string_view text,
                                             SecretKeys secrets = SecretKeys::allowed);

  // Replaces the API keys of the file.
  void replace_api_keys(const std::vector<HashedApiKey> &keys);

  // Whether these claims are those of an API key that is no longer in the file.
  bool is_removed_api_key(const Claims &claims) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace pg_live
