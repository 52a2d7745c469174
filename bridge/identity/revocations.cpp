// See revocations.hpp.
#include "identity/revocations.hpp"

#include "text/json.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace pg_live {

namespace {

using Microseconds = std::chrono::microseconds;

// Seconds since 1970, perhaps with a fraction; of years that microseconds can count.
std::optional<std::chrono::sys_time<Microseconds>> time_in(json::Value object, std::string_view name) {
  const auto value = json::member(object, name);
  if (!value || value->kind != json::Kind::number) return std::nullopt;
  double seconds = 0;
  const char *const end = value->raw.data() + value->raw.size();
  if (std::from_chars(value->raw.data(), end, seconds).ec != std::errc()) return std::nullopt;
  constexpr double kMostSeconds = 9e12;
  const double counted = std::clamp(seconds, -kMostSeconds, kMostSeconds) * 1e6;
  return std::chrono::sys_time<Microseconds>(Microseconds(static_cast<std::int64_t>(counted)));
}

std::optional<std::string> name_in(json::Value object, std::string_view name) {
  std::string text;
  const auto value = json::member(object, name);
  if (!value || !json::unescape(*value, text) || text.empty()) return std::nullopt;
  return text;
}

} // namespace

bool Revocations::add(std::string_view payload, std::chrono::sys_seconds now) {
  const auto object = json::parse(payload);
  if (!object) return false;
  const auto expires_at = time_in(*object, "expires_at");
  const auto user_id = name_in(*object, "user_id");
  const auto token_id = name_in(*object, "jti");
  if (!expires_at || user_id.has_value() == token_id.has_value()) return false;
  if (user_id) {
    const auto issued_before = time_in(*object, "issued_before");
    if (!issued_before) return false;
    UserRevocation &revocation = users_.try_emplace(*user_id).first->second;
    revocation.issued_before = std::max(revocation.issued_before, *issued_before);
    revocation.expires_at = std::max(revocation.expires_at, *expires_at);
  } else {
    Time &expiry = tokens_.try_emplace(*token_id).first->second;
    expiry = std::max(expiry, *expires_at);
  }
  if (size() >= drop_at_) drop_expired(now);
  return true;
}

bool Revocations::includes(const Claims &claims) const {
  if (!claims.token_id.empty() && tokens_.contains(claims.token_id)) return true;
  if (claims.user_id.empty()) return false;
  const auto user = users_.find(claims.user_id);
  if (user == users_.end()) return false;
  // Compared in seconds: the earliest time would overflow in microseconds.
  return claims.issued_at < std::chrono::ceil<std::chrono::seconds>(user->second.issued_before);
}

void Revocations::drop_expired(Time now) {
  std::erase_if(users_, [now](const auto &entry) { return entry.second.expires_at <= now; });
  std::erase_if(tokens_, [now](const auto &entry) { return entry.second <= now; });
  drop_at_ = std::max<std::size_t>(2 * size(), 1024);
}

} // namespace pg_live
