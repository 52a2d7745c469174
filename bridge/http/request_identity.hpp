// The identity and the origin of a request: the same for HTTP and for the upgrade to a WebSocket.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

#include <functional>
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

// The token waits until it can be verified.
struct NotYet {};

using Identity = std::variant<ClaimsRef, HttpResponse, NotYet>;

// The claims of a token; without one, the anonymous claims if the settings allow them. Otherwise the response that
// refuses the request. A token that cannot be verified yet waits, in a place of the allowance, and `resume` is called
// later, once; without a `resume` it is refused.
Identity identify(const std::string &token, const Services &services, Allowance &allowance,
                  const std::function<void()> &resume);

} // namespace pg_live
