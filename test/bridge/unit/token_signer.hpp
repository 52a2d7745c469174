// Signs tokens with a secret, for tests of what a well-signed token may and may not say.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64url.hpp"

namespace pg_live::test {

inline constexpr std::string_view kSecret = "super-secret-jwt-token-with-at-least-32-characters-long";
inline constexpr std::string_view kHs256 = R"({"alg":"HS256","typ":"JWT"})";

inline std::string sign(std::string_view payload, std::string_view header = kHs256, std::string_view key = kSecret,
                        const EVP_MD *digest = EVP_sha256()) {
  const std::string text = encode_base64url(header) + "." + encode_base64url(payload);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  HMAC(digest, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char *>(text.data()),
       text.size(), mac.data(), &size);
  return text + "." + encode_base64url({reinterpret_cast<const char *>(mac.data()), size});
}

} // namespace pg_live::test
