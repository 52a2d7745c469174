// JWK sets: read or refused, and no key that is read allows a token without signature.
#include "identity/jwk.hpp"

#include "fuzz.hpp"

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_jwk(const unsigned char *data, std::size_t size) {
  const auto parsed = parse_jwk_set(fuzz::view(data, size));
  if (const auto *fault = std::get_if<std::string>(&parsed)) {
    require(!fault->empty());
    return 0;
  }
  for (const VerificationKey &key : std::get<std::vector<VerificationKey>>(parsed)) {
    require(!key.allows("none") && !key.allows(""));
    for (const auto *algorithm : {"HS256", "RS256", "PS256", "ES256", "ES512", "EdDSA"})
      require(!key.verify(algorithm, "text", std::string(64, 's')));
  }
  return 0;
}
