// The query of a URL, decoded: one argument of it, or all as a JSON object.
//
// Invariant: what leaves here is text that jsonb can hold: UTF-8 without NUL. Of arguments with the same name the first
// counts, in both forms.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_live {

/// Undoes percent-encoding; nothing when an escape is malformed. `plus_is_space` for query arguments.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// The argument of that name; nothing when there is none, or when it is no text.
std::optional<std::string> query_argument(std::string_view query, std::string_view name);

/// All arguments but those `left_out`, as a JSON object of strings; nothing when one is no text.
std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out);

} // namespace pg_live
