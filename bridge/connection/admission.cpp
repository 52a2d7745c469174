// Checks path, origin, protocol, token and limits, in this order: cheap checks first.
#include "connection/admission.hpp"

#include "identity/device_type.hpp"
#include "wire/phoenix/phoenix_codec.hpp"
#include "wire/phoenix/phoenix_handshake.hpp"

#include <algorithm>
#include <array>

namespace pg_live {

namespace {

constexpr std::array<std::string_view, 3> kWebSocketPaths = {"/realtime/v1/websocket", "/socket/websocket",
                                                             "/websocket"};

constexpr std::array kSubprotocols = {phoenix::kSubprotocol};

} // namespace

Admission::Admission(ConversationServices &services, ConnectionRegistry &connections)
    : services_(services), connections_(connections) {}

bool Admission::is_websocket_path(std::string_view path) {
  return std::find(kWebSocketPaths.begin(), kWebSocketPaths.end(), path) != kWebSocketPaths.end();
}

std::span<const char *const> Admission::subprotocols() { return kSubprotocols; }

std::variant<Admission::Admitted, HttpResponse, NotYet> Admission::admit(const RequestHead &head, Allowance &allowance,
                                                                         const std::function<void()> &resume) {
  if (!is_websocket_path(head.path)) return error_response(404, "no such path");
  if (!head.upgrade) return error_response(426, "this path needs an upgrade to WebSocket");
  if (!origin_is_allowed(head, services_.settings)) return error_response(403, "the origin is not allowed");
  const auto version = phoenix::version_of(head.query_argument("vsn").value_or(""));
  if (!version) return error_response(400, "vsn must be 1.0.0 or 2.0.0");
  const auto handshake = phoenix::read_handshake(head.subprotocols);
  if (!handshake) return error_response(400, "malformed bearer subprotocol");
  const std::string token = handshake->token.empty() ? token_of(head) : handshake->token;
  Identity identity = identify(token, services_, allowance, resume);
  if (auto *refusal = std::get_if<HttpResponse>(&identity)) return std::move(*refusal);
  if (std::holds_alternative<NotYet>(identity)) return NotYet{};
  ClaimsRef claims = std::get<ClaimsRef>(std::move(identity));
  if (const auto excess = allowance.connect(claims->user_id)) return error_response(*excess);
  const Connection::Origin origin{head.header("origin").has_value(),
                                  device_type_of(head.header("user-agent").value_or(""))};
  auto connection = std::make_shared<Connection>(services_, connections_, std::move(allowance), std::move(claims),
                                                 phoenix::codec_of(*version), ++last_connection_, origin);
  return Admitted{std::move(connection), handshake->subprotocol};
}

} // namespace pg_live
