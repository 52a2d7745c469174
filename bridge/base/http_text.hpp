// The grammar that HTTP header fields share: tokens, lists, white space, ASCII case (RFC 9110 section 5.6).
//
// Invariant: only ASCII counts: no locale, and no byte above 127 is ever a letter.
#pragma once

#include <algorithm>
#include <string_view>

namespace pg_live {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_case(x) == lower_case(y); });
}

inline constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

// 5.6.2: letters, digits and some marks, at least one.
constexpr bool is_token(std::string_view text) {
  const auto is_token_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kTokenMarks.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// 5.6.3: without spaces and tabs around it.
constexpr std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// 5.6.1: calls `visit` for each element of a comma-separated list that is not empty.
template <typename Visit>
constexpr void for_each_word(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::string_view element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(element.size() + 1, list.size()));
    if (const std::string_view word = trim(element); !word.empty()) visit(word);
  }
}

// Value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower_case(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

} // namespace pg_live
