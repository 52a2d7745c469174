#include "merge/yjs_bytes.hpp"

#include "text/utf8.hpp"

namespace pg_live::yjs {

std::string_view message(Fault fault) {
  switch (fault) {
  case Fault::truncated:
    return "the bytes end too early";
  case Fault::trailing_bytes:
    return "there are bytes after the end";
  case Fault::number_too_large:
    return "a number is larger than 2^53 - 1";
  case Fault::clock_too_large:
    return "a clock is larger than 2^53 - 1";
  case Fault::invalid_text:
    return "a string is not valid UTF-8";
  case Fault::invalid_json:
    return "a JSON value is invalid";
  case Fault::nested_too_deeply:
    return "a value is nested too deeply";
  case Fault::unknown_struct:
    return "a struct is of an unknown kind";
  case Fault::unknown_type:
    return "a shared type is of an unknown kind";
  case Fault::unknown_value:
    return "a value is of an unknown kind";
  case Fault::invalid_subdocument:
    return "the options of a subdocument are not an object";
  case Fault::empty_struct:
    return "a struct has no length";
  case Fault::later_reference:
    return "a struct refers to a later struct of the same client";
  case Fault::repeated_client:
    return "a client occurs twice";
  }
  return "unknown fault";
}

void ByteReader::fail(Fault fault, std::size_t offset) {
  if (failed()) return;
  error_ = Error{fault, offset};
  at_ = bytes_.size();
}

std::uint8_t ByteReader::byte() {
  if (at_end()) {
    fail(Fault::truncated);
    return 0;
  }
  return static_cast<std::uint8_t>(bytes_[at_++]);
}

std::uint64_t ByteReader::number() {
  constexpr unsigned bits_of_longest = 56; // eight bytes hold 2^53 - 1
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < bits_of_longest; shift += 7) {
    const std::uint64_t next = byte();
    if (failed()) return 0;
    value |= (next & 0x7FU) << shift;
    if (next < 0x80) {
      if (value <= max_number) return value;
      break;
    }
  }
  fail(Fault::number_too_large, begin);
  return 0;
}

std::string_view ByteReader::take(std::uint64_t length) {
  if (length > bytes_.size() - at_) {
    fail(Fault::truncated, bytes_.size());
    return {};
  }
  const std::string_view taken = bytes_.substr(at_, length);
  at_ += length;
  return taken;
}

std::string_view ByteReader::text() {
  const std::size_t begin = at_;
  const std::string_view taken = byte_string();
  if (is_utf8(taken)) return taken;
  fail(Fault::invalid_text, begin);
  return {};
}

void append_number(std::string &bytes, std::uint64_t number) {
  while (number >= 0x80) {
    bytes += static_cast<char>(0x80U | (number & 0x7FU));
    number >>= 7U;
  }
  bytes += static_cast<char>(number);
}

void append_byte_string(std::string &bytes, std::string_view byte_string) {
  append_number(bytes, byte_string.size());
  bytes += byte_string;
}

} // namespace pg_live::yjs
