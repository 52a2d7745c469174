// Tokens: hostile text is never accepted, and claims that are well signed are read without fault whatever they say.
#include "identity/token.hpp"

#include "../unit/token_signer.hpp"
#include "../unit/token_vectors.hpp"
#include "fuzz.hpp"
#include "text/json.hpp"

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_token(const unsigned char *data, std::size_t size) {
  using namespace std::chrono_literals;
  constexpr std::chrono::sys_seconds kNow{1'763'856'000s};
  static TokenVerifier verifier([] {
    TokenSettings settings;
    settings.secret = test::kSecret;
    settings.jwk_set = "{\"keys\":[" + std::string(test::kP256Key) + "]}";
    settings.cached_tokens = 10;
    return settings;
  }());
  const std::string_view input = fuzz::view(data, size);
  require(verifier.verify(input, kNow).error.has_value());
  const std::size_t half = size > 0 ? data[0] % size : 0;
  verifier.verify(test::sign(input.substr(half), input.substr(0, half)), kNow);
  const TokenResult result = verifier.verify(test::sign(input), kNow);
  require((result.claims != nullptr) != result.error.has_value());
  if (!result.claims) return 0;
  const auto claims = json::parse(result.claims->text);
  require(claims && claims->kind == json::Kind::object && !json::has_duplicate_members(*claims));
  std::string role;
  require(json::unescape(*json::member(*claims, "role"), role) && role == result.claims->role);
  require(result.claims->expires_at > kNow);
  return 0;
}
