// The file of opaque API keys: a name, a role and the SHA-256 of the key on each line, so that nobody who reads the
// file learns a key.
#pragma once

#include "identity/token.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

inline constexpr std::size_t kMaxApiKeys = 1000;

// The keys, or a message in lower case that names the line. Empty lines and lines that begin with # are comments; names
// and digests occur once.
std::variant<std::vector<HashedApiKey>, std::string> parse_api_keys(std::string_view text);

} // namespace pg_live
