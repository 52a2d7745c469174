// The content of an item: how long it is, and what is left of it after its first units.
#pragma once

#include "merge/yjs_bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pg_live::yjs {

// The kinds of content, by their numbers in the format.
enum class ContentKind : unsigned char {
  deleted = 1,
  json = 2,
  binary = 3,
  string = 4,
  embed = 5,
  format = 6,
  type = 7,
  any = 8,
  subdocument = 9,
};

// Reads and validates one content, and returns its length in units of the clock: UTF-16 code units of a string,
// elements of a list, one for what cannot be divided.
std::uint64_t read_content(ByteReader &reader, ContentKind kind);

// Appends what is left of a content without its first `skipped` units, fewer than it has. Where that divides a
// surrogate pair, U+FFFD stands for the second half, as in Yjs.
void append_content(std::string &bytes, ContentKind kind, std::string_view content, std::uint64_t skipped);

} // namespace pg_live::yjs
