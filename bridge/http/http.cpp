// Routing of plain HTTP.
#include "http/http.hpp"

#include "api/commands.hpp"
#include "api/openapi.hpp"
#include "base/http_text.hpp"
#include "base/sqlstate.hpp"
#include "database/database.hpp"
#include "http/broadcast_request.hpp"
#include "http/http_api.hpp"
#include "http/http_broadcast.hpp"

namespace pg_live {

namespace {

constexpr std::string_view kHealthPath = "/healthz";
constexpr std::string_view kReadinessPath = "/readyz";

HttpResponse preflight(const std::string &methods) {
  HttpResponse response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", methods},
                      {"Access-Control-Allow-Headers",
                       "authorization, apikey, x-api-key, content-type, x-client-info, prefer, idempotency-key"},
                      {"Access-Control-Max-Age", "3600"}};
  return response;
}

HttpResponse uncached(HttpResponse response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

bool lists_method(std::string_view methods, std::string_view method) {
  bool found = false;
  for_each_word(methods, [&](std::string_view each) { found = found || each == method; });
  return found;
}

} // namespace

Http::Http(Services &services, std::function<bool()> events_flow)
    : services_(services), events_flow_(std::move(events_flow)), files_(services.settings.demo_directory),
      openapi_(openapi_document()) {}

void Http::handle(const HttpRequest &request, Respond respond) {
  if (const Route route = route_of(request.head.path); !route.methods.empty())
    return handle_api(route, request, std::move(respond));
  if (request.head.method != "GET" && request.head.method != "HEAD") return respond(method_not_allowed("GET, HEAD"));
  respond(get(request.head));
}

HttpResponse Http::get(const RequestHead &head) const {
  if (head.path == kHealthPath) {
    HttpResponse response;
    response.body = R"({"status":"alive"})";
    return response;
  }
  if (head.path == kReadinessPath) return readiness();
  if (head.path == kOpenApiPath) {
    HttpResponse response;
    response.body = openapi_;
    return response;
  }
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

bool Http::is_probe(std::string_view path) { return path == kHealthPath || path == kReadinessPath; }

Http::Route Http::route_of(std::string_view path) {
  if (is_broadcast_path(path)) return {"POST, OPTIONS", broadcast_by_http};
  return {methods_of_path(path), command_by_http};
}

Identity Http::answer_head(const RequestHead &head, Allowance &allowance, const std::function<void()> &resume) const {
  if (head.path.ends_with("/longpoll"))
    return error_response(501, "long polling is not served; connect by WebSocket to /socket/websocket");
  const Route route = route_of(head.path);
  if (route.methods.empty()) return ClaimsRef();
  if (!origin_is_allowed(head, services_.settings)) return uncached(error_response(403, "the origin is not allowed"));
  if (head.method == "OPTIONS") return uncached(preflight(route.methods));
  if (!lists_method(route.methods, head.method)) return uncached(method_not_allowed(route.methods));
  Identity identity = identify(token_of(head), services_, allowance, resume);
  if (auto *refusal = std::get_if<HttpResponse>(&identity)) return uncached(std::move(*refusal));
  if (const auto *claims = std::get_if<ClaimsRef>(&identity))
    if (const auto excess = allowance.begin_request((*claims)->user_id, services_.time_now()))
      return uncached(error_response(*excess));
  return identity;
}

void Http::handle_api(const Route &route, const HttpRequest &request, Respond respond) const {
  // The token may have expired or been revoked while the body arrived.
  if (const auto fault = services_.access.fault_of(*request.claims))
    return respond(uncached(error_response(401, *fault, sqlstate::kInvalidAuthorization)));
  route.api(services_, request.claims, request,
            [respond = std::move(respond)](HttpResponse response) { respond(uncached(std::move(response))); });
}

} // namespace pg_live
