// Checks the arguments that a client gives with a command.
//
// Invariant: no argument is ignored if the command would then do more than the client meant: `conection_id` must not
// end all connections. Text parameters accept JSON strings only.
#pragma once

#include "api/commands.hpp"
#include "database/database_error.hpp"
#include "text/json.hpp"

namespace pg_live {

enum class ArgumentSource : unsigned char {
  request, // over HTTP: unknown arguments are errors
  push,    // on a channel: unknown arguments are ignored, unless an argument that narrows the command is missing
};

// The error of the members of `arguments` as arguments of the command; nothing if they are valid.
std::optional<DatabaseError> argument_error(const CommandEntry &entry, json::Value arguments, ArgumentSource source);

} // namespace pg_live
