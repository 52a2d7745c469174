// What metadata may be: the limits, and the check of live_private.checked_metadata().
#pragma once

#include "postgres.hpp"

namespace pg_live {

inline constexpr int deepest_metadata = 8;
inline constexpr size_t longest_metadata_number = 350; // what a double needs at most, written out

// Why metadata is refused; without a message, it is not.
struct MetadataFlaw {
  int sqlstate = 0;
  const char *message = nullptr;
  const char *detail = nullptr;
  const char *hint = nullptr;
};

MetadataFlaw find_metadata_flaw(Jsonb *metadata);

} // namespace pg_live
