// See token_cache.hpp.
#include "identity/token_cache.hpp"

#include <cstring>
#include <iterator>

#include <openssl/sha.h>

namespace pg_live {

TokenDigest digest_of(std::string_view token) {
  TokenDigest digest;
  SHA256(reinterpret_cast<const unsigned char *>(token.data()), token.size(), digest.data());
  return digest;
}

std::size_t TokenCache::FirstBytes::operator()(const TokenDigest &digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

ClaimsRef TokenCache::use(const TokenDigest &digest, std::chrono::sys_seconds now) {
  const auto found = index_.find(digest);
  if (found == index_.end()) return nullptr;
  const auto entry = *found;
  if (entry->second->expires_at <= now) {
    index_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->second;
}

void TokenCache::insert(const TokenDigest &digest, ClaimsRef claims) {
  if (capacity_ == 0 || index_.contains(digest)) return;
  if (entries_.size() == capacity_) {
    index_.erase(std::prev(entries_.end()));
    entries_.pop_back();
  }
  entries_.emplace_front(digest, std::move(claims));
  index_.insert(entries_.begin());
}

void TokenCache::clear() {
  index_.clear();
  entries_.clear();
}

} // namespace pg_live
