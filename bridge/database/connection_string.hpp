// Checks connection strings before the first use.
#pragma once

#include <string>

namespace pg_live {

// Throws std::invalid_argument if libpq cannot read the connection string. The message names the setting and repeats
// nothing of the value, as libpq's own does, since any part of it may be the password.
void check_connection_string(const std::string &setting, const std::string &value);

} // namespace pg_live
