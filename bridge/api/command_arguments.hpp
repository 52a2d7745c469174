// Whether what a client gives with a command are arguments of it.
//
// Invariant: no argument is dropped where the command would then do more than was asked for: `conection_id` must not
// end all connections. What is a text of the API is never made of JSON of another kind.
#pragma once

#include "api/commands.hpp"
#include "database/database_error.hpp"
#include "text/json.hpp"

namespace pg_live {

enum class ArgumentSource : unsigned char {
  request, // of HTTP: must not have arguments that the command does not take
  push,    // on a channel: may have them, as apps send more than this, unless what narrows the command is missing
};

/// What is wrong with the members of an object as arguments of the command; nothing when they can be given to it.
std::optional<DatabaseError> argument_error(const CommandEntry &entry, json::Value arguments, ArgumentSource source);

} // namespace pg_live
