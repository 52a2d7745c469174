// See phoenix_handshake.hpp.
#include "wire/phoenix/phoenix_handshake.hpp"

#include "base/base64url.hpp"

#include <utility>

namespace pg_live::phoenix {

std::optional<Handshake> read_handshake(std::span<const std::string_view> subprotocols) {
  constexpr std::string_view kTokenPrefix = "base64url.bearer.phx.";
  Handshake handshake;
  for (const std::string_view offered : subprotocols) {
    if (offered == kSubprotocol) handshake.subprotocol = kSubprotocol;
    if (!offered.starts_with(kTokenPrefix)) continue;
    auto token = decode_base64url(offered.substr(kTokenPrefix.size()));
    if (!token || !handshake.token.empty()) return std::nullopt;
    handshake.token = std::move(*token);
  }
  return handshake;
}

} // namespace pg_live::phoenix
