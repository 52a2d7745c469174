// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
// Invariant: accepts exactly what PostgreSQL accepts in a database encoded in UTF8, except NUL, which is valid UTF-8
// but not in a PostgreSQL text: callers that store text refuse it themselves.
#pragma once

#include <cstddef>
#include <string_view>

namespace pg_live {

// Length in bytes (1..4) of the well-formed sequence that `text` begins with; 0 when it begins with none or is empty.
constexpr std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto continues = [byte](std::size_t at) { return (byte(at) & 0xC0U) == 0x80U; };
  if (text.empty()) return 0;
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0; // a continuation byte, or the lead of an overlong form
  if (first < 0xE0) return continues(1) ? 2 : 0;
  if (first < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && second < 0xA0) return 0;  // overlong
    if (first == 0xED && second >= 0xA0) return 0; // surrogate
    return 3;
  }
  if (first > 0xF4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (first == 0xF0 && second < 0x90) return 0;  // overlong
  if (first == 0xF4 && second >= 0x90) return 0; // above U+10FFFF
  return 4;
}

// Whether all of `text` is well-formed UTF-8; true for the empty text.
constexpr bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

} // namespace pg_live
