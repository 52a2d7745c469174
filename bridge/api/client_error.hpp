// The errors of the database that a client may see: the same over HTTP and over WebSockets.
//
// Invariant: the message is passed on if the error concerns the client's own request. Of an internal error the client
// learns the SQLSTATE only, by which the error is found in the logs.
#pragma once

#include "database/database_error.hpp"
#include "process/log.hpp"

#include <string>
#include <string_view>

namespace pg_live {

struct ClientError {
  int status = 500;   // of HTTP
  DatabaseError told; // what the client may read
  bool is_internal = false;
};

// `signed_in`: whether the request has a user. Without one, a missing right means 401 instead of 403.
ClientError client_error(const DatabaseError &error, bool signed_in);

// The same, and logs internal errors with the name of the command.
inline ClientError client_error(const Log &log, std::string_view asked, const DatabaseError &error, bool signed_in) {
  ClientError told = client_error(error, signed_in);
  if (told.is_internal) log.error("a command failed", {{"command", asked}, {"sqlstate", error.sqlstate}});
  return told;
}

// {"<name>": message, "code": SQLSTATE, "hint": hint}, without members that are empty.
std::string error_object(std::string_view name, const DatabaseError &error);

} // namespace pg_live
