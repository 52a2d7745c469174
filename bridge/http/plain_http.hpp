// What becomes of requests that are not encrypted, where an encrypted port exists; and telling browsers to use that
// one.
#pragma once

#include "http/http_message.hpp"
#include "process/settings.hpp"

#include <optional>

namespace pg_live {

// The answer to a plain request that is not to be served: a redirect to the same host's encrypted port, or a refusal.
std::optional<HttpResponse> answer_to_plain(const RequestHead &head, const TlsSettings &tls);

// Adds Strict-Transport-Security. A browser applies it to all ports of the host, so it is left out while plain requests
// are served too.
void demand_encryption(HttpResponse &response, const TlsSettings &tls);

} // namespace pg_live
