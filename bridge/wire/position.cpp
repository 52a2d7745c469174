// See position.hpp.
#include "wire/position.hpp"

#include <charconv>

namespace pg_live {

namespace {

// A number without sign and leading zeros.
std::optional<std::int64_t> parse_number(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

} // namespace

std::optional<Position> parse_position(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto batch = parse_number(text.substr(0, dash));
  const auto id = parse_number(text.substr(dash + 1));
  if (!batch || !id) return std::nullopt;
  return Position{*batch, *id};
}

bool may_be_position(std::string_view text) {
  constexpr std::size_t kMaxBytes = 60'000;
  return !text.empty() && text.size() <= kMaxBytes && text.find_first_not_of("0123456789-@:,") == text.npos;
}

std::string format_position(Position position) {
  return std::to_string(position.batch) + '-' + std::to_string(position.id);
}

} // namespace pg_live
