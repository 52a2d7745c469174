// Path, origin, serializer, token, limits: in this order, cheap checks first.
#include "connection/admission.hpp"

#include "base/http_text.hpp"
#include "connection/connection.hpp"
#include "identity/device_type.hpp"
#include "text/json.hpp"

#include <algorithm>
#include <array>

namespace pg_live {

namespace {

constexpr std::array<std::string_view, 3> kWebSocketPaths = {"/realtime/v1/websocket", "/socket/websocket",
                                                             "/websocket"};

std::string token_of(const RequestHead &head) {
  if (!head.bearer.empty()) return head.bearer;
  if (const auto authorization = head.header("authorization"))
    if (const auto token = bearer_token(*authorization)) return std::string(*token);
  for (const std::string_view name : {"x-api-key", "apikey"})
    if (const auto key = head.header(name)) return std::string(*key);
  for (const std::string_view name : {"apikey", "token"})
    if (const auto key = head.query_argument(name); key && !key->empty()) return *key;
  return "";
}

ClaimsRef anonymous_claims(const std::string &role) {
  auto claims = std::make_shared<Claims>();
  claims->role = role;
  claims->text = "{\"role\":";
  json::append_quoted(claims->text, role);
  claims->text.append("}");
  claims->expires_at = std::chrono::sys_seconds::max();
  return claims;
}

} // namespace

bool origin_is_allowed(std::string_view origin, std::optional<std::string_view> host, const Settings &settings) {
  for (const std::string &allowed : settings.allowed_origins)
    if (allowed == "*" || equals_ignoring_case(allowed, origin)) return true;
  const std::size_t scheme = origin.find("://");
  return host && scheme != std::string_view::npos && equals_ignoring_case(origin.substr(scheme + 3), *host);
}

bool origin_is_allowed(const RequestHead &head, const Settings &settings) {
  const auto origin = head.header("origin");
  return !origin || origin_is_allowed(*origin, head.header("host"), settings);
}

std::variant<ClaimsRef, HttpResponse> identify(const RequestHead &head, const Services &services) {
  const std::string token = token_of(head);
  if (token.empty()) {
    if (services.settings.anonymous) return anonymous_claims(services.settings.anonymous_role);
    return error_response(401, "API key is missing", "28000");
  }
  TokenResult result = services.access.verify(token);
  if (!result.claims) return error_response(401, result.error->message, result.error->sqlstate);
  return std::move(result.claims);
}

Admission::Admission(Services &services) : services_(services) {}

bool Admission::is_websocket_path(std::string_view path) {
  return std::find(kWebSocketPaths.begin(), kWebSocketPaths.end(), path) != kWebSocketPaths.end();
}

std::variant<std::shared_ptr<Connection>, HttpResponse> Admission::admit(const RequestHead &head,
                                                                         const std::string &address) {
  if (!is_websocket_path(head.path)) return error_response(404, "no such path");
  if (!head.upgrade) return error_response(426, "this path needs an upgrade to WebSocket");
  if (!origin_is_allowed(head, services_.settings)) return error_response(403, "the origin is not allowed");
  const auto version = phoenix::version_of(head.query_argument("vsn").value_or(""));
  if (!version) return error_response(400, "vsn must be 1.0.0 or 2.0.0");
  auto identity = identify(head, services_);
  if (auto *refusal = std::get_if<HttpResponse>(&identity)) return std::move(*refusal);
  ClaimsRef claims = std::get<ClaimsRef>(std::move(identity));
  std::string refusal;
  ConnectionRegistry::Seat seat = services_.connections.take_seat(address, claims->user_id, refusal);
  if (!refusal.empty()) return error_response(429, refusal);
  const Connection::Origin origin{head.header("origin").has_value(),
                                  device_type_of(head.header("user-agent").value_or(""))};
  return std::make_shared<Connection>(services_, std::move(seat), std::move(claims), *version, ++last_connection_,
                                      origin);
}

} // namespace pg_live
