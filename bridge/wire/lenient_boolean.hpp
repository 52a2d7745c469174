// Booleans as clients of different languages write them.
#pragma once

#include "text/json.hpp"

#include <optional>

namespace pg_live {

// A boolean that may be written as a string, Python's as "True". Null and a missing one are false; nothing for any
// other value.
std::optional<bool> lenient_boolean(const std::optional<json::Value> &value);

// The same for `persist`, which may also be an object with a time to live, and then means true: the retention of
// events decides how long a broadcast is kept.
std::optional<bool> persistence(const std::optional<json::Value> &value);

} // namespace pg_live
