// Random identifiers (RFC 9562, version 4), kept as their 16 bytes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  static Uuid random();
  // Nothing unless it is in the form of text().
  static std::optional<Uuid> parse(std::string_view text);
  std::string text() const; // in lower case, with hyphens
  auto operator<=>(const Uuid &) const = default;
};

struct UuidHash {
  std::size_t operator()(const Uuid &uuid) const;
};

} // namespace pg_live
