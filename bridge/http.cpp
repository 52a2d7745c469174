// Routing of plain HTTP.
#include "http.hpp"

#include "admission.hpp"
#include "database.hpp"
#include "http_broadcast.hpp"

namespace pg_live {

namespace {

// A page of an allowed origin may read the answer; no cookie is ever used, so there are no credentials to allow.
void allow_origin(HttpResponse &response, const std::string &origin) {
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Vary", "Origin");
}

HttpResponse preflight() {
  HttpResponse response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                      {"Access-Control-Allow-Headers", "authorization, apikey, content-type, x-client-info, prefer"},
                      {"Access-Control-Max-Age", "3600"}};
  return response;
}

} // namespace

Http::Http(Services &services, std::function<bool()> events_flow)
    : services_(services), events_flow_(std::move(events_flow)), files_(services.settings.demo_directory) {}

void Http::handle(const HttpRequest &request, Respond respond) {
  if (is_broadcast_path(request.head.path)) return handle_api(request, std::move(respond));
  if (request.head.method != "GET" && request.head.method != "HEAD")
    return respond(error_response(405, "this path takes GET only"));
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

void Http::handle_api(const HttpRequest &request, Respond respond) {
  if (!origin_is_allowed(request.head, services_.settings))
    return respond(error_response(403, "the origin is not allowed"));
  auto respond_to_origin = [respond = std::move(respond),
                            origin = std::string(request.head.header("origin").value_or(""))](HttpResponse response) {
    allow_origin(response, origin);
    respond(std::move(response));
  };
  if (request.head.method == "OPTIONS") return respond_to_origin(preflight());
  if (request.head.method != "POST") return respond_to_origin(error_response(405, "this path takes POST only"));
  auto identity = identify(request.head, services_);
  if (auto *refusal = std::get_if<HttpResponse>(&identity)) return respond_to_origin(std::move(*refusal));
  broadcast_by_http(services_, std::get<ClaimsRef>(identity), request, std::move(respond_to_origin));
}

} // namespace pg_live
