// An error of the database, in its own words.
#pragma once

#include <string>

namespace pg_live {

struct DatabaseError {
  std::string sqlstate;
  std::string message;
  std::string hint;
};

} // namespace pg_live
