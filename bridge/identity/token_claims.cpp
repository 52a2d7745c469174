// See token_claims.hpp.
#include "identity/token_claims.hpp"

#include "base/sqlstate.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace pg_live {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// A NumericDate (RFC 7519 section 2), which may have a fraction: cut to whole seconds and to the years 0 to 9999.
std::optional<sys_seconds> parse_time(json::Value value) {
  if (value.kind != json::Kind::number) return std::nullopt;
  double number = 0;
  const auto result = std::from_chars(value.raw.data(), value.raw.data() + value.raw.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  constexpr double kFirst = -62167219200.0;
  constexpr double kLast = 253402300799.0;
  return sys_seconds(seconds(static_cast<std::int64_t>(std::clamp(number, kFirst, kLast))));
}

// A text of 1 to `max_characters` characters without control characters.
bool is_name(std::string_view text, std::size_t max_characters) {
  std::size_t characters = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool is_c1_control = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || first < 0x20 || first == 0x7F || is_c1_control) return false;
    text.remove_prefix(length);
    ++characters;
  }
  return characters >= 1 && characters <= max_characters;
}

// Claim `jti` as text; a number, which some issuers use, as it is written.
bool read_token_id(json::Value claims, std::string &out) {
  const auto id = json::member(claims, "jti");
  if (!id || id->kind == json::Kind::null) return true;
  if (id->kind == json::Kind::number) {
    out = id->raw;
  } else if (!json::unescape(*id, out)) {
    return false;
  }
  return is_name(out, 255);
}

} // namespace

TokenError invalid_token(std::string message) {
  return {"InvalidJWTToken", sqlstate::kInvalidAuthorization, std::move(message)};
}

bool is_role_name(std::string_view text) { return text.size() <= 63 && is_name(text, 63); }

bool has_audience(json::Value claims, const std::vector<std::string> &audiences) {
  const auto value = json::member(claims, "aud");
  if (!value) return false;
  const auto is_it = [&audiences](json::Value each) {
    const auto equals = [each](const std::string &audience) { return json::equals(each.raw, audience); };
    return each.kind == json::Kind::string && std::any_of(audiences.begin(), audiences.end(), equals);
  };
  if (is_it(*value)) return true;
  for (const json::Value &each : json::elements(*value))
    if (is_it(each)) return true;
  return false;
}

std::optional<TokenError> read_claims(json::Value claims, Claims &out) {
  const auto role = json::member(claims, "role");
  const auto expiry = json::member(claims, "exp");
  if (!role || !expiry || role->kind == json::Kind::null || expiry->kind == json::Kind::null)
    return invalid_token("Fields `role` and `exp` are required in JWT");
  if (!json::unescape(*role, out.role) || !is_role_name(out.role))
    return invalid_token("Field `role` must be a text of 1 to 63 bytes without control characters");
  const auto expires_at = parse_time(*expiry);
  if (!expires_at) return invalid_token("Field `exp` must be a number");
  out.expires_at = *expires_at;
  const auto subject = json::member(claims, "sub");
  if (subject && subject->kind != json::Kind::null &&
      (!json::unescape(*subject, out.user_id) || !is_name(out.user_id, 255)))
    return invalid_token("Field `sub` must be a text of 1 to 255 characters without control characters");
  if (!read_token_id(claims, out.token_id))
    return invalid_token("Field `jti` must be a text of 1 to 255 characters without control characters");
  const auto issued_at = json::member(claims, "iat");
  const auto issued = issued_at ? parse_time(*issued_at) : sys_seconds::min();
  if (!issued) return invalid_token("Field `iat` must be a number");
  out.issued_at = *issued;
  return std::nullopt;
}

std::optional<TokenError> check_start(json::Value claims, sys_seconds issued_at, sys_seconds latest) {
  const auto not_before = json::member(claims, "nbf");
  const auto start = not_before ? parse_time(*not_before) : latest;
  if (!start) return invalid_token("Field `nbf` must be a number");
  if (*start > latest) return invalid_token("Token is not valid yet");
  if (issued_at > latest) return invalid_token("Token was issued in the future");
  return std::nullopt;
}

} // namespace pg_live
