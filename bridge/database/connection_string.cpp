// Asks libpq, with its own rule of what is a connection string; all else is the name of a database.
#include "database/connection_string.hpp"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

namespace pg_live {

void check_connection_string(const std::string &setting, const std::string &value) {
  const bool is_uri = value.starts_with("postgresql://") || value.starts_with("postgres://");
  if (!is_uri && value.find('=') == std::string::npos) return;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(value.c_str(), nullptr),
                                                                             PQconninfoFree);
  if (options == nullptr) throw std::invalid_argument(setting + ": libpq cannot read this connection string");
}

} // namespace pg_live
