// Bytes of JSON text, for json_parse.cpp and json.cpp only.
//
// Invariant: nothing here reads past the view it is given.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace pg_live::json {

constexpr bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bytes that a string contains unescaped: ASCII without control characters, quote and backslash.
inline constexpr std::array<bool, 256> plain_bytes = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    plain[c] = c != '"' && c != '\\';
  return plain;
}();

constexpr bool is_plain(char c) { return plain_bytes[static_cast<unsigned char>(c)]; }

constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of four hexadecimal digits, or -1.
constexpr int hex_unit(std::string_view text) {
  if (text.size() < 4) return -1;
  int unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

constexpr bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

} // namespace pg_live::json
