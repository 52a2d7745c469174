// Which pages a rule lets in.
#include "base/origin.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(Origin, IsMatchedWhole) {
  EXPECT_TRUE(origin_matches("https://app.example", "https://app.example"));
  EXPECT_TRUE(origin_matches("https://App.Example:8443", "https://app.example:8443"));
  EXPECT_TRUE(origin_matches("*", "https://anything"));
  EXPECT_TRUE(origin_matches("null", "null"));
  for (const auto *origin : {"http://app.example", "https://app.example:444", "https://app.example.evil",
                             "https://evil-app.example", "https://x.app.example", "null", ""})
    EXPECT_FALSE(origin_matches("https://app.example", origin)) << origin;
}

TEST(Origin, OfAHostBelowMatchesAWildcard) {
  EXPECT_TRUE(origin_matches("https://*.app.example", "https://x.app.example"));
  EXPECT_TRUE(origin_matches("https://*.app.example", "https://X.Y.APP.example"));
  EXPECT_TRUE(origin_matches("https://*.app.example:8443", "https://x.app.example:8443"));
  for (const auto *origin :
       {"https://app.example", "https://.app.example", "https://evil-app.example", "http://x.app.example",
        "https://x.app.example:8443", "https://x.app.example.evil", "https://*.app.evil", "null", ""})
    EXPECT_FALSE(origin_matches("https://*.app.example", origin)) << origin;
}

TEST(Origin, IsNoRuleWhereBrowsersWouldNotSendIt) {
  for (const auto *rule :
       {"*", "null", "https://app.example", "https://*.app.example", "http://localhost:3000", "app://x"})
    EXPECT_TRUE(is_origin_rule(rule)) << rule;
  for (const auto *text : {"", "app.example", "https://", "://x", "https://app.example/", "https://app.example/x",
                           "https://a*.example", "https://*", "https://*.", "https://*.*.example", "https://*..example",
                           "https://u@app.example", "*.app.example"})
    EXPECT_FALSE(is_origin_rule(text)) << text;
}

} // namespace
} // namespace pg_live
