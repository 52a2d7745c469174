// Tokens and topic checks.
#include "database/access.hpp"

#include "base/sqlstate.hpp"

#include <utility>

namespace pg_live {

namespace {

// can_receive and can_send are false for an open room, so is_open_room() runs only when both are.
constexpr std::string_view kTopicAccess = "select can_receive, can_send, not can_receive and not can_send and "
                                          "live_private.is_open_room($1) from live.topic_access($1)";

TokenError refusal(std::string_view message) {
  return {"InvalidJWTToken", sqlstate::kInvalidAuthorization, std::string(message)};
}

// It is not the fault of the token.
TokenError not_yet(std::string_view message) {
  return {"JwtSignerError", sqlstate::kCannotConnectNow, std::string(message)};
}

} // namespace

Requester broadcaster_of(const Settings &settings, const Claims &claims) {
  return claims.role == settings.anonymous_role ? requester_of(claims) : Requester::signed_in;
}

std::optional<std::string_view> Access::fault_of(const Claims &claims) const {
  if (claims.expires_at <= wall_clock()) return "Token has expired";
  if (is_revoked(claims)) return "Token has been revoked";
  return std::nullopt;
}

TokenResult Access::verify(std::string_view token) const { return checked(tokens_.verify(token, wall_clock())); }

std::optional<TokenResult> Access::verify(std::string_view token, Allowance &allowance,
                                          std::function<void()> resume) const {
  TokenResult result = tokens_.verify(token, wall_clock());
  if (must_await(result, allowance, std::move(resume))) return std::nullopt;
  return checked(std::move(result));
}

// What is beyond the token itself.
TokenResult Access::checked(TokenResult result) const {
  if (!result.claims) {
    const auto key_set = result.error->missing_key_of;
    if (key_set && keys_.is_awaited(*key_set))
      result.error = not_yet("The keys of the token's issuer are not available: try again");
    return result;
  }
  if (const auto fault = fault_of(*result.claims)) return {nullptr, refusal(*fault)};
  // SET ROLE none keeps the bridge's own role, and so does that role's name: either would give the bridge's rights.
  if (result.claims->role.empty() || result.claims->role == "none" || result.claims->role == database_.own_role())
    return {nullptr, refusal("the role of the token cannot be assumed")};
  if (can_be_revoked(*result.claims) && !revoked_.were_read())
    return {nullptr, not_yet("The revoked tokens are not known yet: try again")};
  return result;
}

bool Access::must_await(const TokenResult &result, Allowance &allowance, std::function<void()> resume) const {
  const bool awaits_revocations = result.claims && can_be_revoked(*result.claims) && !revoked_.were_read();
  if (!awaits_revocations && (result.claims || !result.error->missing_key_of)) return false;
  auto place = allowance.wait_for_keys();
  if (!place) return false;
  auto in_its_place = [place = std::move(place), resume = std::move(resume)]() mutable {
    place.reset();
    resume();
  };
  if (!awaits_revocations) return keys_.await(*result.error->missing_key_of, std::move(in_its_place));
  revoked_.await(std::move(in_its_place));
  return true;
}

void Access::ask(const ClaimsRef &claims, const std::string &share, std::string_view topic, Limiting limiting,
                 std::function<void(TopicAccess, const std::optional<DatabaseError> &)> done) {
  Command command;
  command.claims = claims;
  command.share = share;
  command.pace = Pace::quick;
  command.limiting = limiting;
  command.sql = kTopicAccess;
  command.name = "access";
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
