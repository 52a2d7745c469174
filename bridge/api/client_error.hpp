// The errors of the database that a client may see: the same over HTTP and over WebSockets.
//
// Invariant: the message is passed on if the error concerns the client's own request. Of an internal error the client
// learns the SQLSTATE only, by which the error is found in the logs.
#pragma once

#include "database/database_error.hpp"
#include "identity/claims.hpp"
#include "process/log.hpp"

#include <string>
#include <string_view>

namespace pg_live {

struct ClientError {
  int status = 500;    // of HTTP
  DatabaseError shown; // to the client
  bool is_internal = false;
};

// To an anonymous requester, a missing right means 401 instead of 403.
ClientError client_error(const DatabaseError &error, Requester requester);

// The same, and logs internal errors with the name of the command.
inline ClientError client_error(const Log &log, std::string_view command, const DatabaseError &error,
                                Requester requester) {
  ClientError result = client_error(error, requester);
  if (result.is_internal) log.error("a command failed", {{"command", command}, {"sqlstate", error.sqlstate}});
  return result;
}

// {"<name>": message, "code": SQLSTATE, "hint": hint}, without members that are empty.
std::string error_object(std::string_view name, const DatabaseError &error);

} // namespace pg_live
