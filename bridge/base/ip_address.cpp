// Reading and writing addresses by the C library.
#include "base/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace pg_live {

namespace {

constexpr std::array<unsigned char, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 8 * kMappedPrefix.size();

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text); // inet_pton() wants a NUL
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data() + kMappedPrefix.size()) == 1) return address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin()); }

std::string IpAddress::client_key() const {
  return is_v4() ? std::string(bytes_.begin() + kMappedPrefix.size(), bytes_.end())
                 : std::string(bytes_.begin(), bytes_.begin() + 8);
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const unsigned char *const bytes = is_v4() ? bytes_.data() + kMappedPrefix.size() : bytes_.data();
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::string text_of_client_key(std::string_view key) {
  std::array<unsigned char, 16> bytes{};
  std::copy_n(key.begin(), std::min(key.size(), bytes.size()), bytes.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool is_v4 = key.size() == 4;
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return std::string(text.data()).append(is_v4 ? "" : "/64");
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = IpAddress::parse(text.substr(0, slash));
  if (!first) return std::nullopt;
  IpNetwork network;
  network.first_ = *first;
  if (slash == std::string_view::npos) return network;
  const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.bits_);
  if (error != std::errc() || end != digits.data() + digits.size() || network.bits_ > (is_v4 ? 32u : 128u))
    return std::nullopt;
  if (is_v4) network.bits_ += kMappedBits;
  for (unsigned bit = network.bits_; bit < 128; ++bit)
    if ((network.first_.bytes_[bit / 8] & (0x80u >> (bit % 8))) != 0) return std::nullopt;
  return network;
}

bool IpNetwork::contains(const IpAddress &address) const {
  const unsigned whole = bits_ / 8;
  if (std::memcmp(address.bytes_.data(), first_.bytes_.data(), whole) != 0) return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || ((address.bytes_[whole] ^ first_.bytes_[whole]) & (0xFF00u >> rest) & 0xFFu) == 0;
}

} // namespace pg_live
