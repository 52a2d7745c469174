// What a client is told of an error of the database: the same over HTTP and over WebSockets.
//
// Invariant: the words of an error are passed on when it is about what the client asked for. Of what went wrong inside
// a client learns the SQLSTATE alone, by which it is found in the logs.
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

/// `signed_in`: whether the request was a user's; a right that is missing then means another thing.
ClientError client_error(const DatabaseError &error, bool signed_in);

/// The same; what went wrong inside is noted in the log, with the name of what was asked for.
inline ClientError client_error(const Log &log, std::string_view asked, const DatabaseError &error, bool signed_in) {
  ClientError told = client_error(error, signed_in);
  if (told.is_internal) log.error("a command failed", {{"command", asked}, {"sqlstate", error.sqlstate}});
  return told;
}

/// {"<name>": message, "code": SQLSTATE, "hint": hint}, without what is empty.
std::string error_object(std::string_view name, const DatabaseError &error);

} // namespace pg_live
