// The query of a URL: one argument, all of them as a JSON object, or some of them as another query.
//
// Invariant: decoded arguments are text that jsonb can store: UTF-8 without NUL. Of several arguments with one name the
// first counts, unless the name is that of a list.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_live {

// Undoes percent-encoding; nothing when an escape is malformed.
std::optional<std::string> percent_decode(std::string_view text);

// The argument of that name; nothing if it is missing or not text.
std::optional<std::string> query_argument(std::string_view query, std::string_view name);

// Escapes text as the value of an argument: all characters but the unreserved ones (RFC 3986).
std::string percent_encode(std::string_view text);

// All arguments but those `left_out`, as a JSON object of strings; nothing if one is not text. The values of each name
// in `lists` are joined with commas.
std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out,
                                        std::span<const std::string_view> lists = {});

// A query of all arguments but those `left_out`, fully escaped. Arguments that are not text are dropped.
std::string query_without(std::string_view query, std::span<const std::string_view> left_out);

} // namespace pg_live
