// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash for tables whose keys strangers choose.
//
// Invariant: without the key nobody can make names that collide, so no choice of topics slows a table down.
#pragma once

#include <cstdint>
#include <string_view>

namespace pg_live {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  /// A key from the system's random source.
  static SipKey random();
};

std::uint64_t siphash(SipKey key, std::string_view bytes);

} // namespace pg_live
