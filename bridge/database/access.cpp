// Tokens and topic checks.
#include "database/access.hpp"

#include "base/sqlstate.hpp"

namespace pg_live {

namespace {

// can_receive and can_send are false for an open room, so is_open_room() runs only when both are.
constexpr std::string_view kTopicAccess = "select can_receive, can_send, not can_receive and not can_send and "
                                          "live_private.is_open_room($1) from live.topic_access($1)";

TokenError expired() { return {"InvalidJWTToken", sqlstate::kInvalidAuthorization, "Token has expired"}; }

} // namespace

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

bool has_expired(const Claims &claims) { return claims.expires_at <= wall_clock(); }

Requester broadcaster_of(const Settings &settings, const Claims &claims) {
  return claims.role == settings.anonymous_role ? requester_of(claims) : Requester::signed_in;
}

TokenResult Access::verify(std::string_view token) const {
  TokenResult result = tokens_.verify(token, wall_clock());
  if (!result.claims) return result;
  if (has_expired(*result.claims)) return {nullptr, expired()};
  // SET ROLE none keeps the bridge's own role, and so does that role's name: either would give the bridge's rights.
  if (result.claims->role.empty() || result.claims->role == "none" || result.claims->role == database_.own_role())
    return {nullptr,
            TokenError{"InvalidJWTToken", sqlstate::kInvalidAuthorization, "the role of the token cannot be assumed"}};
  return result;
}

void Access::ask(const ClaimsRef &claims, std::string_view topic,
                 std::function<void(TopicAccess, const std::optional<DatabaseError> &)> done) {
  Command command;
  command.claims = claims;
  command.pace = Pace::quick;
  command.sql = kTopicAccess;
  command.parameters = {std::string(topic)};
  command.done = [done = std::move(done)](const CommandResult &result) {
    TopicAccess access;
    if (!result.error && result.rows.count() == 1)
      access = {result.rows.is_true(0, 0), result.rows.is_true(0, 1), result.rows.is_true(0, 2)};
    done(access, result.error);
  };
  database_.read(std::move(command));
}

} // namespace pg_live
