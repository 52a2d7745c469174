// See plain_http.hpp.
#include "http/plain_http.hpp"

#include <algorithm>
#include <string>

namespace pg_live {

namespace {

constexpr std::string_view kHostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:";

// The name in a Host header, without its port; empty if it is none.
std::string_view name_of_host(std::string_view host) {
  if (host.find_first_not_of(kHostCharacters) != std::string_view::npos) return {};
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return host.substr(0, colon);
}

} // namespace

std::optional<HttpResponse> answer_to_plain(const RequestHead &head, const TlsSettings &tls) {
  if (tls.plain_http == PlainHttp::serve) return std::nullopt;
  // Browsers follow no redirect of a WebSocket.
  if (tls.plain_http == PlainHttp::refuse || head.upgrade)
    return error_response(403, "only encrypted connections are served: https, wss");
  const std::string_view name = name_of_host(head.header("host").value_or(""));
  if (name.empty()) return error_response(400, "the header Host is malformed");
  HttpResponse response;
  response.status = 308;
  std::string location = "https://" + std::string(name);
  if (tls.port != 443) location.append(":").append(std::to_string(tls.port));
  response.headers = {{"Location", location.append(head.target)}};
  return response;
}

void demand_encryption(HttpResponse &response, const TlsSettings &tls) {
  if (tls.plain_http == PlainHttp::serve || tls.hsts_seconds == 0) return;
  response.headers.emplace_back("Strict-Transport-Security", "max-age=" + std::to_string(tls.hsts_seconds));
}

} // namespace pg_live
