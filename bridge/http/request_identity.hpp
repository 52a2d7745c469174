// Who asks, and from the page of which origin: the same for HTTP and for the upgrade to a WebSocket.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace pg_live {

// Whether a page of that origin may use this bridge: one of the list; else that of the host it asks.
bool origin_is_allowed(std::string_view origin, std::optional<std::string_view> host, const Settings &settings);

// The same of a request. Programs send no origin, and may.
bool origin_is_allowed(const RequestHead &head, const Settings &settings);

// The claims of the request's token: bearer subprotocol, Authorization, x-api-key, ?apikey=, ?token=, in that order.
// Without any token those of an anonymous connection, where the settings allow it. Or what to answer.
std::variant<ClaimsRef, HttpResponse> identify(const RequestHead &head, const Services &services);

} // namespace pg_live
