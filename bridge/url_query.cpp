// See url_query.hpp.
#include "url_query.hpp"

#include <algorithm>
#include <unordered_set>

#include "http_text.hpp"
#include "json.hpp"
#include "utf8.hpp"

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

/// Takes the first argument off `rest`, which is not empty.
Argument take_argument(std::string_view &rest) {
  const std::string_view argument = rest.substr(0, rest.find('&'));
  rest.remove_prefix(std::min(argument.size() + 1, rest.size()));
  const std::size_t equal = argument.find('=');
  return {decoded_text(argument.substr(0, equal)),
          decoded_text(equal == std::string_view::npos ? "" : argument.substr(equal + 1))};
}

} // namespace

std::optional<std::string> query_argument(std::string_view query, std::string_view name) {
  while (!query.empty())
    if (Argument argument = take_argument(query); argument.name == name) return std::move(argument.value);
  return std::nullopt;
}

std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out) {
  std::string object = "{";
  std::unordered_set<std::string> seen;
  for (const std::string_view name : left_out)
    seen.emplace(name);
  while (!query.empty()) {
    const Argument argument = take_argument(query);
    if (!argument.name || !argument.value) return std::nullopt;
    if (argument.name->empty() || !seen.insert(*argument.name).second) continue;
    if (object.size() > 1) object += ',';
    json::append_quoted(object, *argument.name);
    object += ':';
    json::append_quoted(object, *argument.value);
  }
  object += '}';
  return object;
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
