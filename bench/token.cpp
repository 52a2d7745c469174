// JSON Web Tokens, made with OpenSSL.
#include "token.hpp"

#include "base/base64url.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <ctime>
#include <stdexcept>

namespace pg_live::bench {

namespace {

constexpr std::time_t kOneDay = 86400;

std::string hmac_sha256(std::string_view text, std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char *>(text.data()),
           text.size(), digest.data(), &length) == nullptr)
    throw std::runtime_error("cannot sign a token");
  return {reinterpret_cast<const char *>(digest.data()), length};
}

} // namespace

std::string sign_token(std::string_view user, std::string_view secret) {
  const std::string claims = "{\"sub\":\"" + std::string(user) +
                             "\",\"role\":\"authenticated\",\"exp\":" + std::to_string(std::time(nullptr) + kOneDay) +
                             "}";
  std::string token = encode_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + encode_base64url(claims);
  token += "." + encode_base64url(hmac_sha256(token, secret));
  return token;
}

} // namespace pg_live::bench
