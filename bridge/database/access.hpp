// Who somebody is and what they may do on a topic. The database decides, as the user; nothing is decided or remembered
// here. Invariant: no token makes its holder act with the bridge's own rights.
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
  bool is_open_room = false; // the database has no rule for the name: with public channels, clients have a room of it
};

class Access {
 public:
  Access(Database &database, TokenVerifier &tokens) : database_(database), tokens_(tokens) {}

  // The claims of a token, as of now.
  TokenResult verify(std::string_view token) const;

  // Asks live.topic_access(). An error means that nobody knows; then nothing may be allowed.
  void ask(const ClaimsRef &claims, std::string_view topic,
           std::function<void(TopicAccess, const std::optional<DatabaseError> &)> done);

 private:
  Database &database_;
  TokenVerifier &tokens_;
};

std::chrono::sys_seconds wall_clock();

// Whether the claims have expired by now.
bool has_expired(const Claims &claims);

// Whether they are of nobody: no user, and the role of those who are not signed in.
bool is_anonymous(const Settings &settings, const Claims &claims);

} // namespace pg_live
