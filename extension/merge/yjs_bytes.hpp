// The encoding that all of Yjs's binary formats share: numbers of seven bits a byte, and byte strings with their
// length.
//
// Invariant: nothing here reads past the view it is given, and no count that the bytes announce reserves memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live::yjs {

// The largest integer that JavaScript represents exactly. Clients, clocks and lengths do not exceed it.
inline constexpr std::uint64_t max_number = (std::uint64_t{1} << 53U) - 1;

// The deepest nesting of arrays and objects within a value.
inline constexpr std::size_t max_depth = 256;

enum class Fault : unsigned char {
  truncated,
  trailing_bytes,
  number_too_large,
  clock_too_large,
  invalid_text,
  invalid_json,
  nested_too_deeply,
  unknown_struct,
  unknown_type,
  unknown_value,
  invalid_subdocument,
  empty_struct,
  later_reference,
  repeated_client,
};

// The text of a fault, in lower case, for an error message.
std::string_view message(Fault fault);

// Why bytes were refused, and the byte where it was found.
struct Error {
  Fault fault;
  std::size_t offset = 0;
};

// Reads bytes from front to back. After the first fault there is nothing left to read: every further read gives zero or
// an empty view. A loop over an announced count must end when failed().
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t byte();
  std::uint64_t number();
  std::string_view take(std::uint64_t length);
  std::string_view byte_string() { return take(number()); }
  std::string_view text(); // a byte string that is UTF-8

  void fail(Fault fault) { fail(fault, at_); }
  void fail(Fault fault, std::size_t offset);
  bool failed() const { return error_.has_value(); }
  const std::optional<Error> &error() const { return error_; }

  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t offset() const { return at_; }
  // What was read since the reader was at that offset.
  std::string_view since(std::size_t offset) const { return bytes_.substr(offset, at_ - offset); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

void append_number(std::string &bytes, std::uint64_t number);
void append_byte_string(std::string &bytes, std::string_view byte_string);

} // namespace pg_live::yjs
