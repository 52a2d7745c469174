// Compares two texts, see text_difference.hpp.
#include "merge/text_difference.hpp"

#include "text/utf16.hpp"

#include <algorithm>

namespace pg_live {

namespace {

bool is_within_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

std::size_t common_prefix(std::string_view one, std::string_view other) {
  const auto differs = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  auto size = static_cast<std::size_t>(differs.first - one.begin());
  while (is_within_character(one, size) || is_within_character(other, size))
    --size;
  return size;
}

std::size_t common_suffix(std::string_view one, std::string_view other) {
  const auto differs = std::mismatch(one.rbegin(), one.rend(), other.rbegin(), other.rend());
  auto size = static_cast<std::size_t>(differs.first - one.rbegin());
  while (is_within_character(one, one.size() - size))
    --size;
  return size;
}

} // namespace

ChangeSet::Result text_difference(std::string_view before, std::string_view after) {
  const std::size_t prefix = common_prefix(before, after);
  const std::size_t suffix = common_suffix(before.substr(prefix), after.substr(prefix));
  const std::string_view deleted = before.substr(prefix, before.size() - prefix - suffix);
  const std::string_view inserted = after.substr(prefix, after.size() - prefix - suffix);
  ChangeSet changes;
  if (!changes.keep(utf16_length(before.substr(0, prefix))) || !changes.replace(utf16_length(deleted), inserted) ||
      !changes.keep(utf16_length(before.substr(before.size() - suffix))))
    return ChangeSetError::too_long;
  return changes;
}

} // namespace pg_live
