// The identity and the origin of a request: the same for HTTP and for the upgrade to a WebSocket.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pg_live {

// Whether pages of that origin may use this bridge: it is in --allowed-origin, or equals the host of the request.
bool origin_is_allowed(std::string_view origin, std::optional<std::string_view> host, const Settings &settings);

// The same for a request. One without an origin comes from a program and is allowed.
bool origin_is_allowed(const RequestHead &head, const Settings &settings);

// The token of a request: Authorization, x-api-key, apikey, ?apikey=, ?token=, in that order. Empty if there is none.
std::string token_of(const RequestHead &head);

// The claims of a token; without one, the anonymous claims if the settings allow them. Otherwise the response that
// refuses the request.
std::variant<ClaimsRef, HttpResponse> identify(const std::string &token, const Services &services);

} // namespace pg_live
