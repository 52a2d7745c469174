// Giving the commands of the table to the database.
#pragma once

#include "api/commands.hpp"
#include "database/database.hpp"

namespace pg_live {

// Runs a command of that entry as a write. If the entry reads the state that the write led to, `done` gets that state.
void write_command(Database &database, const CommandEntry &entry, Command command);

} // namespace pg_live
