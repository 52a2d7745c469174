// Who may connect: the checks between a complete request head and a connection.
// Invariant: nothing reaches libwebsockets that was not admitted here; a refusal names the problem and costs no more
// than its answer.
#pragma once

#include "channel/services.hpp"
#include "connection/connection_registry.hpp"
#include "database/access.hpp"
#include "http/http_message.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace pg_live {

class Connection;

// Whether a page of that origin may use this bridge: one of the list; else that of the host it asks.
bool origin_is_allowed(std::string_view origin, std::optional<std::string_view> host, const Settings &settings);

// The same of a request. Programs send no origin, and may.
bool origin_is_allowed(const RequestHead &head, const Settings &settings);

// The claims of the request's token: bearer subprotocol, Authorization, x-api-key, ?apikey=, ?token=, in that order.
// Without any token those of an anonymous connection, where the settings allow it. Or what to answer.
std::variant<ClaimsRef, HttpResponse> identify(const RequestHead &head, const Services &services);

class Admission {
 public:
  explicit Admission(Services &services);

  static bool is_websocket_path(std::string_view path);

  // A connection for a WebSocket upgrade from that address, or what to answer instead.
  std::variant<std::shared_ptr<Connection>, HttpResponse> admit(const RequestHead &head, const std::string &address);

 private:
  Services &services_;
  std::uint64_t last_connection_ = 0;
};

} // namespace pg_live
