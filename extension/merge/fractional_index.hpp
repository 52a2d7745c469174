// Keys that order a list: between any two there is another, so an element is inserted or moved by a key of its own and
// no other element changes. They are compared byte by byte. The keys are those of the npm package fractional-indexing
// with its digits of base 62, so its clients and the database agree.
//
// A key has an integer part, whose first letter tells its length, and digits behind the point without a trailing 0.
// Keys at the begin or the end of a list count up or down: their length grows with the logarithm of the number of
// elements. A key between two others is at most one digit longer than the longer one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pg_live {

enum class KeyFault : unsigned char { not_a_key, not_ascending, too_long };

// The text of a fault, in lower case, for an error message.
std::string_view message(KeyFault fault);

inline constexpr std::size_t longest_key = 1000;

// A key between two others; nothing stands for the begin or the end of the list.
std::variant<std::string, KeyFault> key_between(std::optional<std::string_view> before,
                                                std::optional<std::string_view> after);

} // namespace pg_live
