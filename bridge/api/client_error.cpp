// The HTTP status of each SQLSTATE.
#include "api/client_error.hpp"

#include "text/json_writer.hpp"

#include <algorithm>
#include <array>

namespace pg_live {

namespace {

struct StatusOfState {
  std::string_view state; // or the class of it: the first two characters
  int status;
};

constexpr std::array kStatuses = {
    StatusOfState{"0A000", 501}, // not supported
    StatusOfState{"08", 503},    // no connection to the database
    StatusOfState{"22", 422},    // arguments that make no sense
    StatusOfState{"23503", 422}, // what they are about does not exist
    StatusOfState{"23505", 409}, // it is there already, and is another
    StatusOfState{"25006", 503}, // it takes no writes
    StatusOfState{"28", 401},    // no identity
    StatusOfState{"40", 503},    // serialization failure, deadlock: asking again helps
    StatusOfState{"42501", 403}, // no right
    StatusOfState{"53400", 429}, // too much of the user's waits
    StatusOfState{"53", 503},    // memory, disk or connections are used up, or too much waits
    StatusOfState{"54", 413},    // more than the limits allow
    StatusOfState{"55000", 409}, // not in the state it is in
    StatusOfState{"55P03", 503}, // another transaction holds what it needs
    StatusOfState{"57014", 504}, // took too long
    StatusOfState{"57P", 503},   // the server stops or starts
    StatusOfState{"P0002", 404}, // there is none
};

} // namespace

ClientError client_error(const DatabaseError &error, Requester requester) {
  if (error.sqlstate == "42501" && requester == Requester::anonymous)
    return {401, {error.sqlstate, "not signed in", error.hint}};
  const auto *known = std::find_if(kStatuses.begin(), kStatuses.end(),
                                   [&](const StatusOfState &each) { return error.sqlstate.starts_with(each.state); });
  if (known != kStatuses.end()) return {known->status, error};
  return {500, {error.sqlstate, "the command failed", ""}, true};
}

std::string error_object(std::string_view name, const DatabaseError &error) {
  std::string object = "{";
  const auto append = [&object](std::string_view member, std::string_view text) {
    if (!text.empty()) json::append_member(object, member, text);
  };
  append(name, error.message);
  append("code", error.sqlstate);
  append("hint", error.hint);
  return object.append("}");
}

} // namespace pg_live
