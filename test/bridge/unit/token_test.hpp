// What the tests of tokens share: a verifier of one secret, and what it says about a token.
#pragma once

#include "identity/token.hpp"

#include <gtest/gtest.h>

#include "token_signer.hpp"

#include <string>
#include <string_view>

namespace pg_live::test {

inline constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'763'856'000)};
inline const std::string kGood = R"({"role":"authenticated","sub":"user-1","exp":1763856060})";

inline TokenSettings with_secret() {
  TokenSettings settings;
  settings.secret = kSecret;
  return settings;
}

inline TokenResult verify(std::string_view token, const TokenSettings &settings = with_secret(),
                          std::chrono::sys_seconds at = kNow) {
  TokenVerifier verifier(settings);
  TokenResult result = verifier.verify(token, at);
  EXPECT_NE(result.claims == nullptr, !result.error.has_value()) << "exactly one of the two";
  return result;
}

inline std::string refusal(std::string_view token, const TokenSettings &settings = with_secret()) {
  const TokenResult result = verify(token, settings);
  if (!result.error) return "accepted";
  EXPECT_EQ(result.error->sqlstate, "28000");
  return std::string(result.error->code) + ": " + result.error->message;
}

inline constexpr auto kMalformed = "MalformedJWT: The token provided is not a valid JWT";
inline constexpr auto kBadSignature = "JwtSignatureError: Failed to validate JWT signature";
inline constexpr auto kFieldsMissing = "InvalidJWTToken: Fields `role` and `exp` are required in JWT";

} // namespace pg_live::test
