// The claims of a token that the bridge itself reads: their types and bounds.
#pragma once

#include "identity/claims.hpp"
#include "identity/token_error.hpp"
#include "text/json.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

TokenError invalid_token(std::string message);

// Whether the database could have a role of that name: 1 to 63 bytes (NAMEDATALEN - 1) without control characters.
bool is_role_name(std::string_view text);

// Whether `aud`, one audience or an array of them (RFC 7519 section 4.1.3), has one of `audiences`.
bool has_audience(json::Value claims, const std::vector<std::string> &audiences);

// Fills `out` from the claims, except its text, or says what is wrong with them.
std::optional<TokenError> read_claims(json::Value claims, Claims &out);

// Why the token is not valid yet, if so. `latest`: now, and by how much clocks may differ.
std::optional<TokenError> check_start(json::Value claims, std::chrono::sys_seconds issued_at,
                                      std::chrono::sys_seconds latest);

} // namespace pg_live
