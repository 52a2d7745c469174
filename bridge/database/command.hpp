// A command to the database, and what became of it.
#pragma once

#include "database/database_link.hpp"
#include "identity/claims.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pg_live {

struct CommandResult {
  Rows rows;                          // of a command that succeeded
  std::optional<DatabaseError> error; // of one that failed: nothing of it was stored, unless the SQLSTATE is 08007
};

// How long a command is expected to take.
enum class Pace {
  quick,  // some look-ups by key: while many users wait, it may be sent together with other ones
  unknown // long, perhaps: no command of another user is sent behind it
};

struct Command {
  ClaimsRef claims;     // whose rights it runs with; null: the bridge's own, see Database::run_own()
  std::string_view sql; // a literal
  std::vector<std::optional<std::string>> parameters; // nothing: NULL
  std::function<void(CommandResult)> done;
  Pace pace = Pace::unknown;
  std::uint64_t give_up = 0;                      // Loop::now() when it is too late; 0: the usual time from now
  std::optional<std::weak_ptr<const void>> asker; // once it is gone, what was not sent need not be done
};

// A command on its way.
struct PendingCommand {
  Command command;
  bool changes_nothing = false; // a read: safe to run again
  unsigned attempts = 0;        // how often it was sent
  unsigned preceding = 0;       // results before its own: of Parse and of the statements that prepare the transaction
  unsigned becoming_user = 0;   // which result is that of the statement that takes the role and the claims
  unsigned results = 0;
  std::vector<std::pair<unsigned, std::string>> parses; // sent along: which result is that of Parse, and of what name
  bool stale = false;                                   // a prepared statement was not there, or did not fit any more
  Rows rows;
  std::optional<DatabaseError> error;

  bool is_wanted() const { return !command.asker || !command.asker->expired(); }
};

using PendingRef = std::unique_ptr<PendingCommand>;

} // namespace pg_live
