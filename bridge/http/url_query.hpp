// The query of a URL: one argument of it, all as a JSON object, or most of it as another query.
//
// Invariant: what leaves here decoded is text that jsonb can hold: UTF-8 without NUL. Of arguments with the same name
// the first counts, in both forms, unless they are a list.
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

/// Text as a value of an argument: whatever is not unreserved (RFC 3986) is escaped.
std::string percent_encode(std::string_view text);

/// All arguments but those `left_out`, as a JSON object of strings; nothing when one is no text. The values of each of
/// `lists` are one string, with commas between them.
std::optional<std::string> query_object(std::string_view query, std::span<const std::string_view> left_out,
                                        std::span<const std::string_view> lists = {});

/// A query of the same arguments but those `left_out`, escaped throughout: it may stand anywhere. Of one that is no
/// text nothing is kept.
std::string query_without(std::string_view query, std::span<const std::string_view> left_out);

} // namespace pg_live
