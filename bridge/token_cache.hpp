// Tokens verified before, so that a client's joins do not each cost a signature check.
//
// Invariants: at most so many, the least recently used goes first; one that has expired is never given back. Tokens are
// kept as SHA-256 only: what is not stored cannot leak.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "token.hpp"

namespace pg_live {

using TokenDigest = std::array<unsigned char, 32>;

TokenDigest digest_of(std::string_view token);

class TokenCache {
 public:
  explicit TokenCache(std::size_t capacity) : capacity_(capacity) {}

  /// The claims of the token, or null.
  std::shared_ptr<const Claims> find(const TokenDigest &digest, std::chrono::sys_seconds now);

  void insert(const TokenDigest &digest, std::shared_ptr<const Claims> claims);
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  using Entry = std::pair<TokenDigest, std::shared_ptr<const Claims>>;

  /// A digest is a hash already, and one that nobody can choose: its first bytes will do.
  struct FirstBytes {
    std::size_t operator()(const TokenDigest &digest) const;
  };

  std::size_t capacity_;
  std::list<Entry> entries_; // most recently used first
  std::unordered_map<TokenDigest, std::list<Entry>::iterator, FirstBytes> index_;
};

} // namespace pg_live
