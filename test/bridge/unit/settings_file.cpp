// A line of the file is one value, whole, or the file is refused.
#include "process/settings_file.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace pg_live {
namespace {

std::string value_of(std::string_view text) {
  const auto settings = parse_settings_file(text);
  EXPECT_EQ(settings.size(), 1u);
  return settings.empty() ? "" : settings.front().value;
}

std::string refusal_of(std::string_view text) {
  try {
    parse_settings_file(text);
  } catch (const std::invalid_argument &error) {
    return error.what();
  }
  return "accepted";
}

TEST(SettingsFile, ValueIsTheRestOfTheLine) {
  EXPECT_EQ(value_of("jwt-secret = with a space in the secret it is"), "with a space in the secret it is");
  EXPECT_EQ(value_of("jwt-secret=a,b"), "a,b");
  EXPECT_EQ(value_of("jwt-secret = x#y # z"), "x#y # z");
  EXPECT_EQ(value_of("jwt-secret = a=b=="), "a=b==");
  EXPECT_EQ(value_of("jwt-secret = [a, b]"), "[a, b]");
  EXPECT_EQ(value_of("jwt-secret = it's 5\" wide"), "it's 5\" wide");
  EXPECT_EQ(value_of("db = host=/run port=5432 user=u dbname=postgres"), "host=/run port=5432 user=u dbname=postgres");
  EXPECT_EQ(value_of("\tjwt-secret\t=  \\n %20 $x \xc3\xa9 \r\n"), "\\n %20 $x \xc3\xa9");
  EXPECT_EQ(value_of("jwt-secret ="), "");
}

TEST(SettingsFile, QuotesThatEncloseTheValueAreNotPartOfIt) {
  EXPECT_EQ(value_of(R"(jwt-secret = "  # spaces, 'kept' ")"), "  # spaces, 'kept' ");
  EXPECT_EQ(value_of("jwt-secret = '\"'"), "\"");
  EXPECT_EQ(value_of("jwt-secret = \"\""), "");
}

TEST(SettingsFile, QuotesThatDoNotAreRefused) {
  const auto *const problem = "line 1: quotes must enclose the whole value, and not occur inside it";
  for (const auto *line : {R"(a = "b)", R"(a = "b" # c)", R"(a = "b" "c")", R"(a = ")", R"(a = 'it's')"})
    EXPECT_EQ(refusal_of(line), problem) << line;
}

TEST(SettingsFile, CommentsAndEmptyLinesSayNothing) {
  const auto settings = parse_settings_file("# a = 1\n\n  ; b = 2\n \t\r\nc = 3\nd = 4");
  ASSERT_EQ(settings.size(), 2u);
  EXPECT_EQ(settings[0].name, "c");
  EXPECT_EQ(settings[1].name, "d");
  EXPECT_TRUE(parse_settings_file("").empty());
}

TEST(SettingsFile, LineThatIsNoSettingIsRefusedWithItsNumberAndWithoutItsText) {
  EXPECT_EQ(refusal_of("a = 1\n\nthe secret"), "line 3: expected `name = value`");
  EXPECT_EQ(refusal_of("[section]"), "line 1: expected `name = value`");
  EXPECT_EQ(refusal_of("= x"), "line 1: expected `name = value`");
  EXPECT_EQ(refusal_of("export a = x"), "line 1: expected `name = value`");
  EXPECT_EQ(refusal_of(std::string_view("a = x\0y", 7)), "line 1: a NUL byte is in no value");
}

TEST(SettingsFile, NameThatOccursTwiceIsRefused) {
  EXPECT_EQ(refusal_of("allowed-origin = http://a\nport = 1\nallowed-origin = http://b"),
            "line 3: setting \"allowed-origin\" is given twice");
}

} // namespace
} // namespace pg_live
