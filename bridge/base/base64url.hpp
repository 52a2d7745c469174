// Base64 for URLs without padding (RFC 4648 section 5), as JWTs, JWKs and the bearer subprotocol of Phoenix use it.
//
// Invariant: strict. One text for one value: padding, white space, the other alphabet and stray bits at the end are
// refused, so that no two tokens with the same meaning differ in bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

// The decoded bytes, or nothing when `text` is not exactly what an encoder would have written.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

} // namespace pg_live
