// See uuid.hpp.
#include "base/uuid.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

namespace pg_live {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

} // namespace

Uuid Uuid::random() {
  Uuid uuid;
  if (RAND_bytes(uuid.bytes.data(), static_cast<int>(uuid.bytes.size())) != 1)
    throw std::runtime_error("no random numbers can be had");
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40); // version 4
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80); // the variant of the RFC
  return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  Uuid uuid;
  std::size_t at = 0;
  for (std::uint8_t &byte : uuid.bytes) {
    if (at < text.size() && text[at] == '-') ++at;
    for (int half = 0; half < 2; ++half) {
      const std::size_t digit = at < text.size() ? kDigits.find(text[at++]) : std::string_view::npos;
      if (digit == std::string_view::npos) return std::nullopt;
      byte = static_cast<std::uint8_t>(byte << 4 | digit);
    }
  }
  return uuid.text() == text ? std::optional(uuid) : std::nullopt;
}

std::string Uuid::text() const {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::size_t UuidHash::operator()(const Uuid &uuid) const {
  std::size_t hash; // the bytes are random already
  std::memcpy(&hash, uuid.bytes.data(), sizeof hash);
  return hash;
}

} // namespace pg_live
