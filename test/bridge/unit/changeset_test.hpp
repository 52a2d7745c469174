// What the tests of change sets share.
#pragma once

#include "merge/changeset.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "text/utf8.hpp"

namespace pg_live::test {

// The value of a result; throws the error's message otherwise, which fails the test.
template <typename Value>
Value value_of(std::variant<Value, ChangeSetError> result) {
  if (const auto *error = std::get_if<ChangeSetError>(&result)) throw std::runtime_error(std::string(message(*error)));
  return std::get<Value>(std::move(result));
}

inline ChangeSet change_set(std::string_view json) { return value_of(ChangeSet::parse(json)); }

template <typename Value>
std::optional<ChangeSetError> error_of(const std::variant<Value, ChangeSetError> &result) {
  const auto *error = std::get_if<ChangeSetError>(&result);
  return error == nullptr ? std::nullopt : std::optional(*error);
}

// Well-formed UTF-8 as UTF-16.
inline std::u16string to_utf16(std::string_view text) {
  std::u16string units;
  while (!text.empty()) {
    const std::size_t size = utf8_sequence_length(text);
    auto code_point = static_cast<std::uint32_t>(static_cast<unsigned char>(text[0]));
    if (size > 1) code_point &= 0x7FU >> size;
    for (std::size_t at = 1; at < size; ++at)
      code_point = code_point << 6 | (static_cast<unsigned char>(text[at]) & 0x3FU);
    if (size == 4) {
      units += static_cast<char16_t>(0xD800 + ((code_point - 0x10000) >> 10));
      code_point = 0xDC00 + (code_point & 0x3FFU);
    }
    units += static_cast<char16_t>(code_point);
    text.remove_prefix(size);
  }
  return units;
}

} // namespace pg_live::test
