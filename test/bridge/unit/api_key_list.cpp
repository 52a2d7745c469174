// The file of API keys: what a line says, and that anything else is refused with its number.
#include "identity/api_key_list.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

const std::string kFirstDigest = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";  // of "key"
const std::string kSecondDigest = "9834876DCFB05CB167A5C24953EBA58C4AC89B1ADF57F28F2F9D09AF107EE8F0"; // of "aaa"

std::string problem_of(std::string_view text) {
  const auto keys = parse_api_keys(text);
  const auto *problem = std::get_if<std::string>(&keys);
  return problem == nullptr ? "none" : *problem;
}

TEST(ApiKeyList, HasANameARoleAndADigestALine) {
  const auto keys = parse_api_keys("# keys of the app\n\nweb  anon\t" + kFirstDigest + "\r\n  jobs service_role " +
                                   kSecondDigest + "  ");
  ASSERT_TRUE(std::holds_alternative<std::vector<HashedApiKey>>(keys)) << std::get<std::string>(keys);
  const auto &list = std::get<std::vector<HashedApiKey>>(keys);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "web");
  EXPECT_EQ(list[0].role, "anon");
  EXPECT_EQ(list[0].digest, digest_of("key"));
  EXPECT_EQ(list[1].role, "service_role");
  EXPECT_EQ(list[1].digest, digest_of("aaa"));
  EXPECT_EQ(problem_of(""), "none");
}

TEST(ApiKeyList, RefusesWhatIsNoKey) {
  const std::string expected = "expected a name, a role and the SHA-256 of the key in 64 hexadecimal digits";
  for (const std::string &line :
       {std::string("web"), std::string("web anon"), "anon " + kFirstDigest, "web anon " + kFirstDigest + " more",
        "web anon " + kFirstDigest.substr(1), "web anon x" + kFirstDigest.substr(1), std::string("web anon key")})
    EXPECT_EQ(problem_of("\n" + line + "\n"), "line 2: " + expected) << line;
  EXPECT_EQ(problem_of("web " + std::string(64, 'r') + " " + kFirstDigest),
            "line 1: the role must have 1 to 63 bytes without control characters");
  const std::string first_line = "web anon " + kFirstDigest + "\n";
  EXPECT_EQ(problem_of(first_line + "web anon " + kSecondDigest), "line 2: the name or the key is given twice");
  EXPECT_EQ(problem_of(first_line + "other service_role " + kFirstDigest),
            "line 2: the name or the key is given twice");
}

TEST(ApiKeyList, AReplacedListHoldsAtOnceAndKeepsTheClaimsOfKeysThatStay) {
  TokenVerifier verifier(TokenSettings{});
  const auto verified_at = wall_clock();
  verifier.replace_api_keys({{"web", "anon", digest_of("one")}, {"jobs", "service_role", digest_of("two")}});
  const auto web = verifier.verify("one", verified_at).claims;
  const auto jobs = verifier.verify("two", verified_at).claims;
  ASSERT_TRUE(web && jobs);
  EXPECT_EQ(web->text, R"({"role":"anon"})");
  verifier.replace_api_keys({{"web", "anon", digest_of("one")}, {"jobs", "anon", digest_of("two")}});
  EXPECT_EQ(verifier.verify("one", verified_at).claims, web);
  EXPECT_FALSE(verifier.is_removed_api_key(*web));
  EXPECT_TRUE(verifier.is_removed_api_key(*jobs)) << "its role is another one";
  EXPECT_EQ(verifier.verify("two", verified_at).claims->role, "anon");
  verifier.replace_api_keys({});
  EXPECT_TRUE(verifier.is_removed_api_key(*web));
  EXPECT_FALSE(verifier.verify("one", verified_at).claims);
  EXPECT_FALSE(verifier.is_removed_api_key(*claims_of_role("anon"))) << "of the settings";
}

} // namespace
} // namespace pg_live
