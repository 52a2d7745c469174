// UTF-16 lengths and offsets of UTF-8, beside a count made character by character.
#include "text/utf16.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "text/utf8.hpp"

namespace pg_live {
namespace {

// The offset in bytes of each unit; nothing for the second half of a pair. One more for the end.
std::vector<std::optional<std::size_t>> offsets_by_character(std::string_view text) {
  std::vector<std::optional<std::size_t>> offsets;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_sequence_length(text.substr(at));
    offsets.emplace_back(at);
    if (size == 4) offsets.emplace_back(std::nullopt);
    at += size;
  }
  offsets.emplace_back(text.size());
  return offsets;
}

void expect_as_by_character(std::string_view text) {
  const auto offsets = offsets_by_character(text);
  ASSERT_EQ(utf16_length(text), offsets.size() - 1) << text;
  for (std::size_t units = 0; units < offsets.size(); ++units)
    ASSERT_EQ(utf16_to_byte_offset(text, units), offsets[units]) << units << " units of " << text;
  ASSERT_EQ(utf16_to_byte_offset(text, offsets.size()), std::nullopt) << text;
}

TEST(Utf16, CountsTwoUnitsForFourBytesAndOneForLess) {
  for (const std::string_view text :
       {"", "a", "\n", "é", "日", "👍", "e\xCC\x81", "a👍b", "👍👍", "日本👨‍👩‍👧語"})
    expect_as_by_character(text);
}

// Blocks are counted at once, so each character is put at each place of a block and across its end.
TEST(Utf16, CountsCharactersAtEachPlaceOfABlock) {
  for (const std::string_view character : {"é", "日", "👍"})
    for (std::size_t before = 0; before < 130; ++before)
      expect_as_by_character(std::string(before, 'a').append(character).append(std::string(70, 'b')));
}

TEST(Utf16, CountsRandomTexts) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string_view> characters = {
      "a", "b", "\n", "é", "日", "👍", "\x7F", "\xC2\x80", "\xF4\x8F\xBF\xBF"};
  for (int round = 0; round < 100; ++round) {
    std::string text;
    const std::size_t kinds = 1 + random() % characters.size();
    for (std::size_t left = random() % 300; left > 0; --left)
      text += characters[random() % kinds];
    expect_as_by_character(text);
  }
}

TEST(Utf16, ReadsATextInPieces) {
  Utf16Reader reader("aé👍日");
  EXPECT_EQ(reader.left(), 5U);
  EXPECT_EQ(reader.take(2), "aé");
  EXPECT_EQ(reader.take(1), std::nullopt); // half of a pair: nothing is read
  EXPECT_EQ(reader.take(0), "");
  EXPECT_EQ(reader.take(2), "👍");
  EXPECT_EQ(reader.left(), 1U);
  EXPECT_EQ(reader.take(2), std::nullopt);
  EXPECT_EQ(reader.take(1), "日");
  EXPECT_EQ(reader.take(0), "");
  EXPECT_EQ(reader.take(1), std::nullopt);
}

TEST(Utf16, ReadsNoFurtherThanAMalformedText) {
  for (const std::string_view text : {"\xF0", "\x80\x80", "a\xF0\x9F", "\xE6\x97", "\xFF\xFF"})
    for (std::size_t units = 0; units < 6; ++units) {
      const std::optional<std::size_t> offset = utf16_to_byte_offset(text, units);
      EXPECT_TRUE(!offset || *offset <= text.size());
    }
}

} // namespace
} // namespace pg_live
