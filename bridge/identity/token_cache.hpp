// A cache of verified tokens, so that not every join of a client costs a signature check.
//
// Invariants: the capacity is bounded, and the least recently used token is evicted first; an expired token is never
// returned. Only the SHA-256 of a token is stored, so that tokens cannot leak from here.
#pragma once

#include "identity/claims.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace pg_live {

using TokenDigest = std::array<unsigned char, 32>;

TokenDigest digest_of(std::string_view token);

class TokenCache {
 public:
  explicit TokenCache(std::size_t capacity) : capacity_(capacity) {}

  // The claims of the token, which counts as used now, or null.
  ClaimsRef use(const TokenDigest &digest, std::chrono::sys_seconds now);

  void insert(const TokenDigest &digest, ClaimsRef claims);
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  using Entry = std::pair<TokenDigest, ClaimsRef>;

  using Entries = std::list<Entry>;

  // Uses the first bytes of the digest as hash: clients cannot choose them.
  struct FirstBytes {
    using is_transparent = void;
    std::size_t operator()(const TokenDigest &digest) const noexcept;
    std::size_t operator()(Entries::iterator entry) const noexcept { return (*this)(entry->first); }
  };
  struct SameDigest {
    using is_transparent = void;
    bool operator()(Entries::iterator one, Entries::iterator other) const { return one->first == other->first; }
    bool operator()(const TokenDigest &digest, Entries::iterator entry) const { return digest == entry->first; }
  };

  std::size_t capacity_;
  Entries entries_; // most recently used first
  std::unordered_set<Entries::iterator, FirstBytes, SameDigest> index_;
};

} // namespace pg_live
