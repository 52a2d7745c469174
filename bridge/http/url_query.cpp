// See url_query.hpp.
#include "http/url_query.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/http_text.hpp"
#include "text/json.hpp"
#include "text/utf8.hpp"

namespace pg_live {

namespace {

struct Argument {
  std::optional<std::string> name;
  std::optional<std::string> value; // nothing when it is no text
};

std::optional<std::string> decoded_text(std::string_view encoded) {
  auto text = percent_decode(encoded, true);
  if (text && (!is_utf8(*text) || text->find('\0') != std::string::npos)) text.reset();
  return text;
}

// Takes the first argument off `rest`, which is not empty.
Argument take_argument(std::string_view &rest) {
  const std::string_view argument = rest.substr(0, rest.find('&'));
  rest.remove_prefix(std::min(argument.size() + 1, rest.size()));
  const std::size_t equal = argument.find('=');
  return {decoded_text(argument.substr(0, equal)),
          decoded_text(equal == std::string_view::npos ? "" : argument.substr(equal + 1))};
}

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Adds what `query` has of a list to the value that it has begun with.
void append_values(std::string &list, std::string_view query, std::string_view name) {
  while (!query.empty())
    if (const Argument argument = take_argument(query); argument.name == name && argument.value)
      list.append(",").append(*argument.value);
}

} // namespace

std::optional<std::string> query_argument(std::string_view query, std::string_view name) {
  while (!query.empty())
    if (Argument argument = take_argument(query); argument.name == name) return std::move(argument.value);
  return std::nullopt;
}

std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out,
                                        std::span<const std::string_view> lists) {
  std::string object = "{";
  std::unordered_set<std::string> seen;
  for (const std::string_view name : left_out)
    seen.emplace(name);
  while (!query.empty()) {
    Argument argument = take_argument(query);
    if (!argument.name || !argument.value) return std::nullopt;
    if (argument.name->empty() || !seen.insert(*argument.name).second) continue;
    if (is_among(lists, *argument.name)) append_values(*argument.value, query, *argument.name);
    if (object.size() > 1) object += ',';
    json::append_quoted(object, *argument.name);
    object += ':';
    json::append_quoted(object, *argument.value);
  }
  object += '}';
  return object;
}

std::string query_without(std::string_view query, std::span<const std::string_view> left_out) {
  std::string kept;
  while (!query.empty()) {
    const Argument argument = take_argument(query);
    if (!argument.name || !argument.value || argument.name->empty() || is_among(left_out, *argument.name)) continue;
    if (!kept.empty()) kept += '&';
    kept.append(percent_encode(*argument.name)).append("=").append(percent_encode(*argument.value));
  }
  return kept;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit || std::string_view("-._~").find(c) != std::string_view::npos)
      encoded += c;
    else
      (encoded += '%').append({digits[byte / 16], digits[byte % 16]});
  }
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
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
      decoded += plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

} // namespace pg_live
