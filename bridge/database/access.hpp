// Verifies tokens and checks access to topics. The database decides each check with the user's rights; no decision is
// made or cached here. Invariant: no token gives its holder the bridge's own rights.
#pragma once

#include "database/database.hpp"
#include "identity/token.hpp"

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
  Access(Database &database, TokenVerifier &tokens) : database_(database), tokens_(tokens) {}

  // The claims of a token, as of now.
  TokenResult verify(std::string_view token) const;

  // Calls live.topic_access(). After an error the access is unknown, and the caller must deny it.
  void ask(const ClaimsRef &claims, std::string_view topic,
           std::function<void(TopicAccess, const std::optional<DatabaseError> &)> done);

 private:
  Database &database_;
  TokenVerifier &tokens_;
};

std::chrono::sys_seconds wall_clock();

// Whether the claims have expired by now.
bool has_expired(const Claims &claims);

// The requester of a broadcast, anonymous without a user if its role is the anonymous one.
Requester broadcaster_of(const Settings &settings, const Claims &claims);

} // namespace pg_live
