// Looking for a token, and for an origin.
#include "http/request_identity.hpp"

#include "base/http_text.hpp"
#include "base/origin.hpp"
#include "base/sqlstate.hpp"

namespace pg_live {

std::string token_of(const RequestHead &head) {
  if (const auto authorization = head.header("authorization"))
    if (const auto token = bearer_token(*authorization)) return std::string(*token);
  for (const std::string_view name : {"x-api-key", "apikey"})
    if (const auto key = head.header(name)) return std::string(*key);
  for (const std::string_view name : {"apikey", "token"})
    if (const auto key = head.query_argument(name); key && !key->empty()) return *key;
  return "";
}

bool origin_is_allowed(std::string_view origin, std::optional<std::string_view> host, const Settings &settings) {
  for (const std::string &allowed : settings.allowed_origins)
    if (origin_matches(allowed, origin)) return true;
  const std::size_t scheme = origin.find("://");
  return host && scheme != std::string_view::npos && equals_ignoring_case(origin.substr(scheme + 3), *host);
}

bool origin_is_allowed(const RequestHead &head, const Settings &settings) {
  const auto origin = head.header("origin");
  return !origin || origin_is_allowed(*origin, head.header("host"), settings);
}

Identity identify(const std::string &token, const Services &services, Allowance &allowance,
                  const std::function<void()> &resume) {
  if (token.empty()) {
    if (services.settings.anonymous) return claims_of_role(services.settings.anonymous_role);
    return error_response(401, "API key is missing", sqlstate::kInvalidAuthorization);
  }
  const auto result = resume ? services.access.verify(token, allowance, resume) : services.access.verify(token);
  if (!result) return NotYet{};
  if (!result->claims) {
    const bool is_our_fault = result->error->sqlstate == sqlstate::kCannotConnectNow;
    return error_response(is_our_fault ? 503 : 401, result->error->message, result->error->sqlstate);
  }
  return result->claims;
}

} // namespace pg_live
