// The plain HTTP routes: health, broadcasts by POST, commands, the demo's files.
// Invariant: every request is answered exactly once, and with JSON unless it is a file.
#pragma once

#include "channel/services.hpp"
#include "database/access.hpp"
#include "http/http_message.hpp"
#include "http/request_identity.hpp"
#include "http/static_files.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Http {
 public:
  // `events_flow` tells whether the listener follows the database.
  Http(Services &services, std::function<bool()> events_flow);

  // Whether the path is a health probe, which is answered even if there is no room for more connections.
  static bool is_probe(std::string_view path);

  // The response to a request that needs no body: a preflight, or a refusal, so that unknown clients cannot send
  // bodies. With claims, null where the path needs none, the caller reads the body and calls handle(). For `resume`,
  // see identify().
  Identity answer_head(const RequestHead &head, Allowance &allowance, const std::function<void()> &resume) const;

  // Answers at once or later; does not use the request after the call.
  void handle(const HttpRequest &request, Respond respond);

 private:
  HttpResponse readiness() const;
  HttpResponse get(const RequestHead &head) const;
  using Api = void (*)(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond);
  struct Route {
    std::string methods; // empty: no path of the API
    Api api;
  };
  static Route route_of(std::string_view path);
  void handle_api(const Route &route, const HttpRequest &request, Respond respond) const;

  Services &services_;
  std::function<bool()> events_flow_;
  StaticFiles files_;
  const std::string openapi_;
};

} // namespace pg_live
