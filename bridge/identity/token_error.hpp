// Why a token is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

struct TokenError {
  std::string_view code;     // as Supabase Realtime names it: "InvalidJWTToken", "MalformedJWT", "JwtSignatureError"
  std::string_view sqlstate; // of base/sqlstate.hpp
  std::string message;       // "Token has expired 5 seconds ago": in the words clients know
  std::optional<std::size_t> missing_key_of{}; // the key set that lacks the token's key: reading it again may help
};

} // namespace pg_live
