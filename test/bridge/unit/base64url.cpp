// Base64url: the vectors of RFC 4648 and every way to write a value otherwise.
#include "base/base64url.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(Base64url, ReadsAndWritesTheVectorsOfTheStandard) {
  const std::pair<std::string, std::string_view> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xBF", "-_-_"},
      {"\0\0"s, "AAA"}};
  for (const auto &[bytes, text] : vectors) {
    EXPECT_EQ(encode_base64url(bytes), text);
    EXPECT_EQ(decode_base64url(text), bytes);
  }
}

TEST(Base64url, ReadsBackEveryByteAtEveryPlace) {
  for (int c = 0; c < 256; ++c)
    for (std::size_t before = 0; before < 4; ++before) {
      const std::string bytes = std::string(before, 'x') + static_cast<char>(c);
      EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes);
    }
}

class Base64urlRefuses : public testing::TestWithParam<std::string_view> {};

TEST_P(Base64urlRefuses, OtherTexts) { EXPECT_FALSE(decode_base64url(GetParam())); }

INSTANTIATE_TEST_SUITE_P(All, Base64urlRefuses,
                         testing::Values("A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "+/+/", "Zm9v\n", " Zm9v", "Zm 9v",
                                         "Zm9v.", "Zm9é", "\0AAA"sv, "AAA\0"sv, "\xFF\xFF\xFF\xFF"));

} // namespace
} // namespace pg_live
