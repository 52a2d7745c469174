// A write, and the read of its state.
#include "api/run_command.hpp"

#include <utility>

namespace pg_live {

void write_command(Database &database, const CommandEntry &entry, Command command) {
  if (entry.state.empty()) return database.write(std::move(command));
  Command state;
  state.claims = command.claims;
  state.share = command.share;
  state.sql = entry.state;
  state.name = entry.name();
  state.asker = command.asker;
  state.give_up = command.give_up;
  state.done = std::move(command.done);
  command.done = [&database, state = std::move(state)](CommandResult result) mutable {
    if (result.error) return state.done(std::move(result));
    state.parameters = {std::string(result.rows.text(0, 0))};
    database.read(std::move(state), Reading::query);
  };
  database.write(std::move(command));
}

} // namespace pg_live
