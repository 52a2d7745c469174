// Views of PostgreSQL's text values.
#pragma once

#include "postgres.hpp"

#include <string_view>

namespace pg_live {

// The bytes of a text that is not toasted; valid as long as the text.
inline std::string_view view(const text *value) {
  return {VARDATA_ANY(value), static_cast<size_t>(VARSIZE_ANY_EXHDR(value))};
}

} // namespace pg_live
