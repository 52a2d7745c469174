// UTF-8 text measured in UTF-16 units, in which JavaScript counts: a character of four bytes has two units, any other
// has one.
//
// Invariant: nothing here reads past the view it is given, whatever its bytes are. Lengths and offsets mean something
// in well-formed UTF-8 only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace pg_live {

std::size_t utf16_length(std::string_view text);

// How many bytes the first `units` of the text take; nothing when the text has fewer, or when they end within a
// character, which is then one of two units.
std::optional<std::size_t> utf16_to_byte_offset(std::string_view text, std::size_t units);

// Reads a text from front to back by UTF-16 units.
class Utf16Reader {
 public:
  Utf16Reader() = default;
  explicit Utf16Reader(std::string_view text) : Utf16Reader(text, utf16_length(text)) {}
  // For a text whose length is known.
  Utf16Reader(std::string_view text, std::size_t length)
      : rest_(text), left_(length), is_ascii_(length == text.size()) {}

  // The units that were not read yet.
  std::size_t left() const { return left_; }

  // The next `units` of the text; nothing when fewer are left or when they end within a character.
  std::optional<std::string_view> take(std::size_t units);

 private:
  std::string_view rest_;
  std::size_t left_ = 0;
  bool is_ascii_ = true;
};

} // namespace pg_live
