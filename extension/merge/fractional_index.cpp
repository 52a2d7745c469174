#include "merge/fractional_index.hpp"

#include <algorithm>

namespace pg_live {

namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::size_t value_of(char digit) { return digits.find(digit); }

// How long the integer part is that begins with this letter: a0 to a and one digit, b00 to b and two, and Z0, Y00
// below.
std::size_t integer_length(char head) { return static_cast<std::size_t>(head >= 'a' ? head - 'a' : 'Z' - head) + 2; }

std::string_view integer_part(std::string_view key) { return key.substr(0, integer_length(key.front())); }

std::string_view fraction_of(std::string_view key) { return key.substr(integer_length(key.front())); }

// No key is before the smallest integer, which is therefore none itself.
std::string smallest_integer() { return "A" + std::string(26, '0'); }

bool is_key(std::string_view key) {
  return !key.empty() && key.find_first_not_of(digits) == std::string_view::npos && key.front() >= 'A' &&
         integer_length(key.front()) <= key.size() && (fraction_of(key).empty() || key.back() != '0') &&
         key != smallest_integer();
}

std::optional<std::string> incremented(std::string integer) {
  for (std::size_t at = integer.size() - 1; at > 0; --at) {
    if (integer[at] != digits.back()) {
      integer[at] = digits[value_of(integer[at]) + 1];
      return integer;
    }
    integer[at] = '0';
  }
  const char head = integer.front();
  if (head == 'Z') return "a0";
  if (head == 'z') return std::nullopt;
  const auto next = static_cast<char>(head + 1);
  return std::string(1, next) + std::string(integer_length(next) - 1, '0');
}

std::optional<std::string> decremented(std::string integer) {
  for (std::size_t at = integer.size() - 1; at > 0; --at) {
    if (integer[at] != '0') {
      integer[at] = digits[value_of(integer[at]) - 1];
      return integer;
    }
    integer[at] = digits.back();
  }
  const char head = integer.front();
  if (head == 'a') return std::string("Z") + digits.back();
  if (head == 'A') return std::nullopt;
  const auto next = static_cast<char>(head - 1);
  return std::string(1, next) + std::string(integer_length(next) - 1, digits.back());
}

// A fraction between two others; an upper one of nothing is 1.
std::string midpoint(std::string_view lower, std::optional<std::string_view> upper) {
  std::string result;
  for (;;) {
    const std::size_t low = lower.empty() ? 0 : value_of(lower.front());
    const std::size_t high = upper ? value_of(upper->front()) : digits.size();
    if (high - low > 1) return result + digits[(low + high + 1) / 2];
    if (high - low == 1) {
      if (upper && upper->size() > 1) return result + upper->front();
      upper.reset();
    } else {
      upper->remove_prefix(1);
    }
    result += digits[low];
    lower.remove_prefix(std::min<std::size_t>(lower.size(), 1));
  }
}

std::string key_before(std::string_view after) {
  std::string integer(integer_part(after));
  if (integer == smallest_integer()) return integer + midpoint("", fraction_of(after));
  if (integer.size() < after.size()) return integer;
  std::string before = *decremented(integer); // only the smallest has none before it
  if (before == smallest_integer()) before += midpoint("", std::nullopt);
  return before;
}

std::string key_after(std::string_view before) {
  const std::string integer(integer_part(before));
  const auto next = incremented(integer);
  return next ? *next : integer + midpoint(fraction_of(before), std::nullopt);
}

} // namespace

std::string_view message(KeyFault fault) {
  switch (fault) {
  case KeyFault::not_a_key:
    return "not a key of a list";
  case KeyFault::not_ascending:
    return "the key before must be less than the key after";
  case KeyFault::too_long:
    return "a key of a list must have at most 1000 characters";
  }
  return "unknown fault";
}

std::variant<std::string, KeyFault> key_between(std::optional<std::string_view> before,
                                                std::optional<std::string_view> after) {
  for (const auto &key : {before, after}) {
    if (!key) continue;
    if (key->size() > longest_key) return KeyFault::too_long;
    if (!is_key(*key)) return KeyFault::not_a_key;
  }
  if (!before) return after ? key_before(*after) : "a0";
  if (!after) return key_after(*before);
  if (*before >= *after) return KeyFault::not_ascending;
  const std::string integer(integer_part(*before));
  if (integer == integer_part(*after)) return integer + midpoint(fraction_of(*before), fraction_of(*after));
  const auto next = incremented(integer);
  if (next && *next < *after) return *next;
  return integer + midpoint(fraction_of(*before), std::nullopt);
}

} // namespace pg_live
