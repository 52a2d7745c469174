// Whether an event can be sent: the printed size of its payload, its depth, and whether its text has a form in UTF-8,
// which bridges and clients read.
#pragma once

#include "postgres.hpp"

#include <string_view>

namespace pg_live {

// The largest payload that any setting allows, in kilobytes.
inline constexpr int largest_payload_setting = 256 * 1024;

enum class PayloadFlaw { none, printed_size, depth, text };

// The first reason why a payload cannot be sent. `limit` bounds its size as text in bytes, which may be thousands of
// times its stored size: 1e100000 takes 16 bytes.
PayloadFlaw find_flaw(Jsonb *payload, Size limit);

// Whether a text of this database has a form in UTF-8; true if the database is encoded in UTF8.
bool has_utf8_form(std::string_view text);

// Whether a stored payload can be sent.
bool is_sendable_payload(Datum payload);

// The maximum nesting of a payload.
inline constexpr int deepest_payload = 256;

} // namespace pg_live
