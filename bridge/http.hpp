// The plain HTTP routes: health, broadcasts by POST, commands, the demo's files.
// Invariant: every request is answered exactly once, and with JSON unless it is a file.
#pragma once

#include "access.hpp"
#include "http_message.hpp"
#include "services.hpp"
#include "static_files.hpp"

#include <functional>
#include <memory>

namespace pg_live {

class Http {
 public:
  using Respond = std::function<void(HttpResponse)>;

  // `events_flow` tells whether the listener follows the database.
  Http(Services &services, std::function<bool()> events_flow);

  // Answers now or later; the request is not used after the call.
  void handle(const HttpRequest &request, Respond respond);

 private:
  HttpResponse readiness() const;
  HttpResponse get(const RequestHead &head) const;
  using Api = void (*)(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond);
  void handle_api(const HttpRequest &request, const std::string &methods, Api api, Respond respond);

  Services &services_;
  std::function<bool()> events_flow_;
  StaticFiles files_;
};

} // namespace pg_live
