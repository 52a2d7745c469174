// Routing of plain HTTP.
#include "http.hpp"

#include "admission.hpp"
#include "commands.hpp"
#include "database.hpp"
#include "http_api.hpp"
#include "http_broadcast.hpp"
#include "http_text.hpp"

namespace pg_live {

namespace {

// A page of an allowed origin may read the answer; no cookie is ever used, so there are no credentials to allow.
void allow_origin(HttpResponse &response, const std::string &origin) {
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", "Link");
  response.headers.emplace_back("Vary", "Origin");
}

HttpResponse preflight(const std::string &methods) {
  HttpResponse response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", methods},
                      {"Access-Control-Allow-Headers",
                       "authorization, apikey, x-api-key, content-type, x-client-info, prefer, idempotency-key"},
                      {"Access-Control-Max-Age", "3600"}};
  return response;
}

bool lists_method(std::string_view methods, std::string_view method) {
  bool found = false;
  for_each_word(methods, [&](std::string_view each) { found = found || each == method; });
  return found;
}

HttpResponse method_not_allowed(const std::string &methods) {
  HttpResponse response = error_response(405, "this path takes " + methods);
  response.headers = {{"Allow", methods}};
  return response;
}

} // namespace

Http::Http(Services &services, std::function<bool()> events_flow)
    : services_(services), events_flow_(std::move(events_flow)), files_(services.settings.demo_directory) {}

void Http::handle(const HttpRequest &request, Respond respond) {
  const std::string_view path = request.head.path;
  if (is_broadcast_path(path)) return handle_api(request, "POST, OPTIONS", broadcast_by_http, std::move(respond));
  const std::string methods = methods_of_path(path);
  if (!methods.empty()) return handle_api(request, methods, command_by_http, std::move(respond));
  if (request.head.method != "GET" && request.head.method != "HEAD") return respond(method_not_allowed("GET, HEAD"));
  respond(get(request.head));
}

HttpResponse Http::get(const RequestHead &head) const {
  if (head.path == "/healthz") {
    HttpResponse response;
    response.body = R"({"status":"alive"})";
    return response;
  }
  if (head.path == "/readyz") return readiness();
  if (auto file = files_.get(head.path)) return std::move(*file);
  return error_response(404, "no such path");
}

HttpResponse Http::readiness() const {
  const bool events = events_flow_();
  const bool commands = services_.database.ready();
  HttpResponse response;
  response.status = events && commands ? 200 : 503;
  response.body = std::string(R"({"events":)") + (events ? "true" : "false") + R"(,"commands":)" +
                  (commands ? "true" : "false") + "}";
  return response;
}

void Http::handle_api(const HttpRequest &request, const std::string &methods, Api api, Respond respond) {
  if (!origin_is_allowed(request.head, services_.settings))
    return respond(error_response(403, "the origin is not allowed"));
  auto respond_to_origin = [respond = std::move(respond),
                            origin = std::string(request.head.header("origin").value_or(""))](HttpResponse response) {
    allow_origin(response, origin);
    response.headers.emplace_back("Cache-Control", "no-store");
    respond(std::move(response));
  };
  if (request.head.method == "OPTIONS") return respond_to_origin(preflight(methods));
  if (!lists_method(methods, request.head.method)) return respond_to_origin(method_not_allowed(methods));
  auto identity = identify(request.head, services_);
  if (auto *refusal = std::get_if<HttpResponse>(&identity)) return respond_to_origin(std::move(*refusal));
  api(services_, std::get<ClaimsRef>(identity), request, std::move(respond_to_origin));
}

} // namespace pg_live
