// See url_query.hpp.
#include "http/url_query.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/http_text.hpp"
#include "text/json_writer.hpp"
#include "text/utf8.hpp"

namespace pg_live {

namespace {

struct Argument {
  std::optional<std::string> name;
  std::optional<std::string> value; // nothing when it is no text
};

// In a query, a plus sign stands for a space.
std::optional<std::string> decode_argument(std::string_view encoded) {
  std::string with_spaces(encoded);
  std::replace(with_spaces.begin(), with_spaces.end(), '+', ' ');
  auto text = percent_decode(with_spaces);
  if (text && (!is_utf8(*text) || text->find('\0') != std::string::npos)) text.reset();
  return text;
}

// Cuts the first argument off `rest`, which is not empty.
Argument cut_argument(std::string_view &rest) {
  const std::string_view argument = rest.substr(0, rest.find('&'));
  rest.remove_prefix(std::min(argument.size() + 1, rest.size()));
  const std::size_t equal = argument.find('=');
  return {decode_argument(argument.substr(0, equal)),
          decode_argument(equal == std::string_view::npos ? "" : argument.substr(equal + 1))};
}

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Adds what `query` has of a list to the value that it has begun with.
void append_values(std::string &list, std::string_view query, std::string_view name) {
  while (!query.empty())
    if (const Argument argument = cut_argument(query); argument.name == name && argument.value)
      list.append(",").append(*argument.value);
}

} // namespace

std::optional<std::string> query_argument(std::string_view query, std::string_view name) {
  while (!query.empty())
    if (Argument argument = cut_argument(query); argument.name == name) return std::move(argument.value);
  return std::nullopt;
}

std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out,
                                        std::span<const std::string_view> lists) {
  std::string object = "{";
  std::unordered_set<std::string> seen;
  for (const std::string_view name : left_out)
    seen.emplace(name);
  while (!query.empty()) {
    Argument argument = cut_argument(query);
    if (!argument.name || !argument.value) return std::nullopt;
    if (argument.name->empty() || !seen.insert(*argument.name).second) continue;
    if (is_among(lists, *argument.name)) append_values(*argument.value, query, *argument.name);
    json::append_member(object, *argument.name, *argument.value);
  }
  object += '}';
  return object;
}

std::string query_without(std::string_view query, std::span<const std::string_view> left_out) {
  std::string kept;
  while (!query.empty()) {
    const Argument argument = cut_argument(query);
    if (!argument.name || !argument.value || argument.name->empty() || is_among(left_out, *argument.name)) continue;
    if (!kept.empty()) kept += '&';
    kept.append(percent_encode(*argument.name)).append("=").append(percent_encode(*argument.value));
  }
  return kept;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit || std::string_view("-._~").find(c) != std::string_view::npos)
      encoded += c;
    else
      (encoded += '%').append({kDigits[byte / 16], kDigits[byte % 16]});
  }
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

} // namespace pg_live
