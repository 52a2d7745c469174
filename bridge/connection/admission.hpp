// The checks between a complete request head and a connection.
// Invariant: only admitted requests reach libwebsockets; a refusal names the problem and costs no more than its answer.
#pragma once

#include "connection/connection.hpp"
#include "connection/connection_registry.hpp"
#include "conversation/conversation_services.hpp"
#include "http/http_message.hpp"

#include <memory>
#include <string>
#include <variant>

namespace pg_live {

class Admission {
 public:
  Admission(ConversationServices &services, ConnectionRegistry &connections);

  static bool is_websocket_path(std::string_view path);

  // A connection for a WebSocket upgrade from that address, or the response that refuses it.
  std::variant<std::shared_ptr<Connection>, HttpResponse> admit(const RequestHead &head, const std::string &address);

 private:
  ConversationServices &services_;
  ConnectionRegistry &connections_;
  std::uint64_t last_connection_ = 0;
};

} // namespace pg_live
