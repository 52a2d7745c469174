// Positions and base64url: one text a value.
#include "wire/position.hpp"

#include "base/base64url.hpp"
#include "fuzz.hpp"

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_position(const unsigned char *data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  if (const auto position = parse_position(text)) require(format_position(*position) == text);
  if (const auto bytes = decode_base64url(text)) require(encode_base64url(*bytes) == text);
  require(decode_base64url(encode_base64url(text)) == text);
  return 0;
}
