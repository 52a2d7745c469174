// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for tables whose keys clients choose.
//
// Invariant: without the key, clients cannot construct names that collide and slow a table down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pg_live {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  // A key from the system's random source.
  static SipKey random();
};

std::uint64_t siphash(SipKey key, std::string_view bytes);

// The same for containers of the standard library.
struct SipHash {
  SipKey key;
  std::size_t operator()(std::string_view bytes) const { return siphash(key, bytes); }
};

} // namespace pg_live
