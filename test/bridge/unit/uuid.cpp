// Random identifiers.
#include "base/uuid.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pg_live {
namespace {

TEST(Uuid, IsOfVersionFour) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"; // x: any digit, y: the variant
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = Uuid::random().text();
    ASSERT_EQ(text.size(), kForm.size());
    for (std::size_t place = 0; place < kForm.size(); ++place) {
      const std::string_view allowed = kForm[place] == 'x'   ? std::string_view("0123456789abcdef")
                                       : kForm[place] == 'y' ? std::string_view("89ab")
                                                             : kForm.substr(place, 1);
      EXPECT_NE(allowed.find(text[place]), std::string_view::npos) << text;
    }
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Uuid, IsReadInTheFormItIsWrittenInAndNoOther) {
  const Uuid uuid = Uuid::random();
  EXPECT_EQ(Uuid::parse(uuid.text()), uuid);
  for (const auto *text : {"", "x", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-0000000000000",
                           "00000000000040008000000000000000", "00000000-0000-4000-8000-00000000000G",
                           "00000000-0000-4000-8000-00000000000A", "-----", "0-0000000-0000-4000-8000-000000000000"})
    EXPECT_EQ(Uuid::parse(text), std::nullopt) << text;
}

} // namespace
} // namespace pg_live
