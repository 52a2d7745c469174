// What a client of Phoenix offers as subprotocols in the WebSocket handshake: the protocol, and perhaps a token.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_live::phoenix {

inline constexpr const char *kSubprotocol = "phoenix";

struct Handshake {
  std::string_view subprotocol; // to be selected: a literal, or empty
  std::string token;            // of Phoenix's `authToken`, offered as "base64url.bearer.phx.<…>"; empty: none
};

// Nothing if a token is malformed, or if there are two.
std::optional<Handshake> read_handshake(std::span<const std::string_view> subprotocols);

} // namespace pg_live::phoenix
