// Keys that verify tokens: a shared secret or the public keys of a JWK set (RFC 7517), checked with OpenSSL.
//
// Invariant: the algorithm belongs to the key, never to the token. A key verifies one family (HS, RS, PS, ES, EdDSA)
// and refuses every other name, so a public key is never used as an HMAC secret.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

class VerificationKey {
 public:
  // A key for HS256, HS384 and HS512. The secret is taken as bytes, not as base64.
  static VerificationKey from_secret(std::string secret);

  VerificationKey(VerificationKey &&) noexcept;
  VerificationKey &operator=(VerificationKey &&) noexcept;
  ~VerificationKey();

  // The `kid` of the JWK, empty when it has none.
  const std::string &id() const;

  // Whether this key is for tokens whose header says `algorithm` ("RS256"). Never true for "none".
  bool allows(std::string_view algorithm) const;

  // Whether `signature` (raw bytes) is this key's signature of `signed_text` under `algorithm`, in constant time for
  // HMAC. False when allows(algorithm) is.
  bool verify(std::string_view algorithm, std::string_view signed_text, std::string_view signature) const;

  struct Key; // defined beside the import: only there can a key be made
  explicit VerificationKey(std::unique_ptr<const Key> key);

 private:
  std::unique_ptr<const Key> key_;
};

inline constexpr std::size_t kMaxJwkSetBytes = 256 * 1024;
inline constexpr std::size_t kMaxJwkSetKeys = 64;

// Whether a set may have keys that both sign and verify: not where others can read it, since those could sign then.
enum class SecretKeys : unsigned char { allowed, refused };

// The keys of a JWK set, or a message in lower case. Keys for encryption and of unknown types are passed over, as RFC
// 7517 asks; a set without one usable key, or with a malformed or too weak one (RSA below 2048 bits), is refused.
std::variant<std::vector<VerificationKey>, std::string> parse_jwk_set(std::string_view text,
                                                                      SecretKeys secrets = SecretKeys::allowed);

} // namespace pg_live
