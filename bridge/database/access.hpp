// Verifies tokens and checks access to topics. The database decides each check with the user's rights; no decision is
// made or cached here. Invariant: no token gives its holder the bridge's own rights.
#pragma once

#include "database/database.hpp"
#include "database/revoked_tokens.hpp"
#include "identity/token.hpp"
#include "issuer/issuer_keys.hpp"
#include "limits/limiter.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

struct TopicAccess {
  bool can_receive = false;
  bool can_send = false;
  bool is_open_room = false; // no rule of the database covers the name: --public-channels makes it a room of clients
};

class Access {
 public:
  Access(Database &database, TokenVerifier &tokens, IssuerKeys &keys, RevokedTokens &revoked)
      : database_(database), tokens_(tokens), keys_(keys), revoked_(revoked) {}

  // The claims of a token, as of now.
  TokenResult verify(std::string_view token) const;

  // The same, or nothing if the token must wait until keys have been fetched, or revocations read: `resume` is called
  // later, once, and the token can be verified, well or not. If too many wait already, of the address or in all, it
  // does not wait, and is refused.
  std::optional<TokenResult> verify(std::string_view token, Allowance &allowance, std::function<void()> resume) const;

  // Why claims that a token had must not be used any more, in the words clients know; nothing if they may.
  std::optional<std::string_view> fault_of(const Claims &claims) const;
  bool is_revoked(const Claims &claims) const {
    return revoked_.includes(claims) || tokens_.is_removed_api_key(claims);
  }

  // Calls live.topic_access(). After an error the access is unknown, and the caller must deny it. `share` and
  // `limiting`: of the command.
  void ask(const ClaimsRef &claims, const std::string &share, std::string_view topic, Limiting limiting,
           std::function<void(TopicAccess, const std::optional<DatabaseError> &)> done);

 private:
  TokenResult checked(TokenResult result) const;
  bool must_await(const TokenResult &result, Allowance &allowance, std::function<void()> resume) const;

  Database &database_;
  TokenVerifier &tokens_;
  IssuerKeys &keys_;
  RevokedTokens &revoked_;
};

// The requester of a broadcast, anonymous without a user if its role is the anonymous one.
Requester broadcaster_of(const Settings &settings, const Claims &claims);

} // namespace pg_live
