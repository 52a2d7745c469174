// A command to the database, and its result.
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

// Whether limits hold for the command. What was admitted once is not refused when it is asked again.
enum class Limiting { applies, was_applied };

struct CommandResult {
  Rows rows;                          // of a command that succeeded
  std::optional<DatabaseError> error; // of a command that failed and was rolled back; after 08007 this is unknown
};

// How long a command is expected to take.
enum class Pace {
  quick,  // a few look-ups by key: under load it may share a connection with quick commands of other users
  unknown // perhaps long: no command of another user is sent behind it
};

struct Command {
  ClaimsRef claims;     // of the user with whose rights it runs; null: the bridge's own, see Database::run_own()
  std::string_view sql; // a literal
  std::string_view name = "other";                    // in metrics; a literal
  std::vector<std::optional<std::string>> parameters; // nothing: NULL
  std::function<void(CommandResult)> done;
  Pace pace = Pace::unknown;
  Limiting limiting = Limiting::applies;
  // Who takes turns with others where the claims name no user: an address; or, of the bridge's own, what keeps its
  // order, while those of others do not wait for it.
  std::string share{};
  std::uint64_t give_up = 0;                      // deadline, of Loop::now(); 0: patience() from now
  std::optional<std::weak_ptr<const void>> asker; // once it expires, the command is dropped unless it was sent
};

// A command on its way.
struct PendingCommand {
  Command command;
  std::uint64_t began = 0;      // of Loop::exact_now()
  bool changes_nothing = false; // a read: safe to run again
  unsigned attempts = 0;        // how often it was sent
  unsigned preceding = 0;       // results before its own: of Parse and of the statements that set up the transaction
  unsigned becoming_user = 0;   // index of the result of the statement that sets the role and the claims
  unsigned results = 0;
  std::vector<std::pair<unsigned, std::string>> parses; // of each Parse sent along: index of its result, and its name
  bool stale = false;                                   // a prepared statement was missing or no longer valid
  Rows rows;
  std::optional<DatabaseError> error;

  bool is_wanted() const { return !command.asker || !command.asker->expired(); }
};

using PendingRef = std::unique_ptr<PendingCommand>;

} // namespace pg_live
