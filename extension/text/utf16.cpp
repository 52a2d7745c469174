// Lengths and offsets in UTF-16 units, see utf16.hpp. Each character is counted at its first byte; blocks of bytes are
// counted at once.
#include "text/utf16.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace pg_live {

namespace {

constexpr std::size_t block_size = 64;
constexpr std::uint64_t each_byte = 0x0101010101010101;

// For each of the eight bytes of a word, how many units begin at it: 0 within a character, 2 at the first of four
// bytes.
constexpr std::uint64_t units_by_byte(std::uint64_t word) {
  const std::uint64_t bit7 = word >> 7;
  const std::uint64_t bit6 = word >> 6;
  const std::uint64_t continues = bit7 & ~bit6 & each_byte;
  const std::uint64_t begins_four = bit7 & bit6 & (word >> 5) & (word >> 4) & each_byte;
  return each_byte - continues + begins_four;
}

constexpr std::size_t units_of_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if ((byte & 0xC0U) == 0x80U) return 0;
  return byte >= 0xF0U ? 2 : 1;
}

std::size_t units_of_block(const char *block) {
  std::array<std::uint64_t, block_size / sizeof(std::uint64_t)> words;
  std::memcpy(words.data(), block, block_size);
  std::uint64_t all = 0;
  for (const std::uint64_t word : words)
    all |= word;
  if ((all & (each_byte << 7)) == 0) return block_size;
  std::uint64_t sums = 0;
  for (const std::uint64_t word : words)
    sums += units_by_byte(word);
  return sums * each_byte >> 56; // the sum of the eight sums: at most 128
}

} // namespace

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (; text.size() >= block_size; text.remove_prefix(block_size))
    units += units_of_block(text.data());
  for (const char c : text)
    units += units_of_byte(c);
  return units;
}

std::optional<std::size_t> utf16_to_byte_offset(std::string_view text, std::size_t units) {
  std::size_t at = 0;
  while (text.size() - at >= block_size) {
    const std::size_t units_here = units_of_block(text.data() + at);
    if (units_here > units) break;
    units -= units_here;
    at += block_size;
  }
  for (; at < text.size(); ++at) {
    const std::size_t units_here = units_of_byte(text[at]);
    if (units_here > units) break;
    units -= units_here;
  }
  if (units > 0) return std::nullopt;
  return at;
}

std::optional<std::string_view> Utf16Reader::take(std::size_t units) {
  if (units > left_) return std::nullopt;
  std::size_t size = rest_.size();
  if (is_ascii_)
    size = units;
  else if (units < left_) {
    const std::optional<std::size_t> offset = utf16_to_byte_offset(rest_, units);
    if (!offset) return std::nullopt;
    size = *offset;
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  left_ -= units;
  return taken;
}

} // namespace pg_live
