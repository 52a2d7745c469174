// Origins of pages, as browsers send them (RFC 6454), and rules for them: "https://app.example", with a port if it is
// not that of the scheme; "https://*.app.example", every host below app.example and not itself; "null"; "*", every
// page.
#pragma once

#include <string_view>

namespace pg_live {

bool is_origin_rule(std::string_view text);

// `rule` must be one.
bool origin_matches(std::string_view rule, std::string_view origin);

} // namespace pg_live
