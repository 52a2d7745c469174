// GET /metrics, and what Admin answers.
#include "metrics_server.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxRequests = 16;

} // namespace

MetricsServer::MetricsServer(Services &services, std::function<std::string()> page, Admin *admin)
    : services_(services), page_(std::move(page)), admin_(admin),
      acceptor_(services.loop, services.log, services.settings.sockets, services.settings.metrics.bind_address,
                services.settings.metrics.port,
                [this](Descriptor socket, const IpAddress &address) { accept(std::move(socket), address); }) {}

void MetricsServer::accept(Descriptor socket, const IpAddress &address) {
  if (requests_.size() >= kMaxRequests) return; // closes the socket
  auto incoming = std::make_shared<Incoming>(services_, *this, no_proxy_, std::move(socket), address,
                                             Allowance(services_.limiter, address.client_key()));
  Incoming &accepted = *incoming;
  requests_.emplace(&accepted, std::move(incoming));
}

void MetricsServer::handle_head(Incoming &incoming) {
  const RequestHead &head = incoming.head();
  if (admin_ != nullptr && Admin::is_path(head.path)) return incoming.respond(admin_->answer(head));
  if (head.path != "/metrics") return incoming.respond(error_response(404, "no such path"));
  if (head.method != "GET" && head.method != "HEAD") return incoming.respond(method_not_allowed("GET, HEAD"));
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.headers = {{"Cache-Control", "no-store"}};
  response.body = page_();
  incoming.respond(std::move(response));
}

} // namespace pg_live
