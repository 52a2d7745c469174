// The limits of metadata, and the check behind live_private.checked_metadata().
#pragma once

#include "postgres.hpp"

namespace pg_live {

inline constexpr int deepest_metadata = 8;
inline constexpr size_t longest_metadata_number = 350; // enough for any double, written out

// Why metadata is refused; nothing is wrong if message is null.
struct MetadataFlaw {
  int sqlstate = 0;
  const char *message = nullptr;
  const char *detail = nullptr;
  const char *hint = nullptr;
};

MetadataFlaw find_metadata_flaw(Jsonb *metadata);

} // namespace pg_live
