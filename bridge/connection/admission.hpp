// The checks between a complete request head and a connection.
// Invariant: only admitted requests reach libwebsockets; a refusal names the problem and costs no more than its answer.
#pragma once

#include "connection/connection.hpp"
#include "connection/connection_registry.hpp"
#include "conversation/conversation_services.hpp"
#include "http/http_message.hpp"
#include "http/request_identity.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace pg_live {

class Admission {
 public:
  Admission(ConversationServices &services, ConnectionRegistry &connections);

  struct Admitted {
    std::shared_ptr<Connection> connection;
    std::string_view subprotocol; // that the protocol of the connection selects; a literal, or empty
  };

  static bool is_websocket_path(std::string_view path);

  // The subprotocols that any protocol selects.
  static std::span<const char *const> subprotocols();

  // A connection for a WebSocket upgrade, which takes over the allowance of its socket, or the response that refuses
  // it. For `resume`, see identify().
  std::variant<Admitted, HttpResponse, NotYet> admit(const RequestHead &head, Allowance &allowance,
                                                     const std::function<void()> &resume);

 private:
  ConversationServices &services_;
  ConnectionRegistry &connections_;
  std::uint64_t last_connection_ = 0;
};

} // namespace pg_live
