#include "merge/yjs_content.hpp"

#include "text/json.hpp"
#include "text/utf16.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace pg_live::yjs {

namespace {

// The values of ContentAny, by their first byte.
enum class ValueKind : std::uint8_t {
  byte_array = 116,
  array = 117,
  object = 118,
  text = 119,
  boolean_true = 120,
  boolean_false = 121,
  big_integer = 122,
  double_float = 123,
  single_float = 124,
  integer = 125,
  null = 126,
  undefined = 127,
};

constexpr std::size_t longest_integer = 8;

void skip_integer(ByteReader &reader) {
  const std::size_t begin = reader.offset();
  while (reader.byte() >= 0x80)
    if (reader.offset() - begin >= longest_integer) reader.fail(Fault::number_too_large, begin);
}

// Skips a value that has no values within it.
void skip_scalar(ByteReader &reader, ValueKind kind) {
  switch (kind) {
  case ValueKind::byte_array:
    reader.byte_string();
    return;
  case ValueKind::text:
    reader.text();
    return;
  case ValueKind::big_integer:
  case ValueKind::double_float:
    reader.take(8);
    return;
  case ValueKind::single_float:
    reader.take(4);
    return;
  case ValueKind::integer:
    skip_integer(reader);
    return;
  case ValueKind::boolean_true:
  case ValueKind::boolean_false:
  case ValueKind::null:
  case ValueKind::undefined:
    return;
  case ValueKind::array:
  case ValueKind::object:
    break;
  }
  reader.fail(Fault::unknown_value);
}

struct OpenValue {
  bool is_object;
  std::uint64_t members_left;
};

// Skips one value. A loop over the open arrays and objects instead of recursion, so that hostile nesting costs no
// stack.
void skip_value(ByteReader &reader) {
  std::array<OpenValue, max_depth> open;
  std::size_t depth = 0;
  do {
    while (depth > 0 && open[depth - 1].members_left == 0)
      if (--depth == 0) return;
    if (depth > 0) {
      --open[depth - 1].members_left;
      if (open[depth - 1].is_object) reader.text();
    }
    const auto kind = static_cast<ValueKind>(reader.byte());
    if (reader.failed()) return;
    if (kind != ValueKind::array && kind != ValueKind::object)
      skip_scalar(reader, kind);
    else if (depth == open.size())
      reader.fail(Fault::nested_too_deeply);
    else
      open[depth++] = {kind == ValueKind::object, reader.number()};
  } while (depth > 0 && !reader.failed());
}

void read_json(ByteReader &reader) {
  const std::size_t begin = reader.offset();
  const std::string_view value = reader.byte_string();
  json::Error error;
  if (reader.failed() || json::parse(value, {.max_depth = max_depth, .escapes = json::Escapes::any}, &error)) return;
  reader.fail(error.message == json::depth_message ? Fault::nested_too_deeply : Fault::invalid_json, begin);
}

// An element of ContentJSON, whose writer has a word for what JSON lacks.
void read_json_element(ByteReader &reader) {
  ByteReader ahead = reader;
  if (ahead.byte_string() == "undefined")
    reader = ahead;
  else
    read_json(reader);
}

void skip_element(ByteReader &reader, ContentKind kind) {
  if (kind == ContentKind::any)
    skip_value(reader);
  else
    read_json_element(reader);
}

std::uint64_t read_elements(ByteReader &reader, ContentKind kind) {
  const std::uint64_t length = reader.number();
  for (std::uint64_t left = length; left > 0 && !reader.failed(); --left)
    skip_element(reader, kind);
  return length;
}

void read_type(ByteReader &reader) {
  constexpr std::uint64_t element = 3;
  constexpr std::uint64_t hook = 5;
  constexpr std::uint64_t last = 6;
  const std::size_t begin = reader.offset();
  const std::uint64_t type = reader.number();
  if (type > last) reader.fail(Fault::unknown_type, begin);
  if (type == element || type == hook) reader.text(); // its name
}

void read_subdocument(ByteReader &reader) {
  reader.text(); // its id
  const std::size_t begin = reader.offset();
  skip_value(reader);
  const std::string_view options = reader.since(begin);
  if (!reader.failed() && static_cast<ValueKind>(options.front()) != ValueKind::object)
    reader.fail(Fault::invalid_subdocument, begin);
}

void append_string(std::string &bytes, std::string_view string, std::uint64_t skipped) {
  const std::optional<std::size_t> begin = utf16_to_byte_offset(string, skipped);
  const std::string_view second_half = begin ? "" : "\uFFFD";
  const std::string_view rest = string.substr(begin ? *begin : utf16_to_byte_offset(string, skipped + 1).value());
  append_number(bytes, second_half.size() + rest.size());
  bytes.append(second_half).append(rest);
}

} // namespace

std::uint64_t read_content(ByteReader &reader, ContentKind kind) {
  switch (kind) {
  case ContentKind::deleted:
    return reader.number();
  case ContentKind::string:
    return utf16_length(reader.text());
  case ContentKind::json:
  case ContentKind::any:
    return read_elements(reader, kind);
  case ContentKind::binary:
    reader.byte_string();
    return 1;
  case ContentKind::format:
    reader.text(); // its name
    read_json(reader);
    return 1;
  case ContentKind::embed:
    read_json(reader);
    return 1;
  case ContentKind::type:
    read_type(reader);
    return 1;
  case ContentKind::subdocument:
    read_subdocument(reader);
    return 1;
  }
  reader.fail(Fault::unknown_struct);
  return 0;
}

void append_content(std::string &bytes, ContentKind kind, std::string_view content, std::uint64_t skipped) {
  if (skipped == 0) {
    bytes += content;
    return;
  }
  ByteReader reader(content);
  if (kind == ContentKind::string) return append_string(bytes, reader.byte_string(), skipped);
  append_number(bytes, reader.number() - skipped);
  if (kind == ContentKind::deleted) return;
  for (; skipped > 0 && !reader.failed(); --skipped)
    skip_element(reader, kind);
  bytes += content.substr(reader.offset());
}

} // namespace pg_live::yjs
