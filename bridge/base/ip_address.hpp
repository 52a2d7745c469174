// Addresses of the Internet Protocol, and networks of them.
//
// Invariant: an IPv4 address and the IPv6 address that stands for it (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) are the
// same value, so that nobody passes a rule by writing the other form.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class IpAddress {
 public:
  // Nothing for text that is no address; names, ports and zones are none.
  static std::optional<IpAddress> parse(std::string_view text);

  // The shortest form: a.b.c.d, or that of RFC 5952.
  std::string text() const;

  bool is_v4() const;

  // The same for all addresses that one client can have, as bytes: of IPv6 the network of 64 bits.
  std::string client_key() const;

  bool operator==(const IpAddress &) const = default;

 private:
  friend class IpNetwork;

  std::array<unsigned char, 16> bytes_{};
};

// What IpAddress::client_key() stands for: an address of IPv4, or a network of IPv6 with its 64 bits.
std::string text_of_client_key(std::string_view key);

class IpNetwork {
 public:
  // An address, or an address and the number of its leading bits that count: "10.0.0.0/8". Nothing for other text, and
  // where bits behind those are set.
  static std::optional<IpNetwork> parse(std::string_view text);

  bool contains(const IpAddress &address) const;

 private:
  IpAddress first_;
  unsigned bits_ = 128; // of the 128 of the IPv6 form
};

} // namespace pg_live
