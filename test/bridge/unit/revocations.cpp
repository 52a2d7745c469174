// Which tokens a revocation is for, and for how long.
#include "identity/revocations.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;

constexpr sys_seconds kToday{1'763'856'000s};

Claims issued_to(const std::string &user_id, sys_seconds issued_at, const std::string &token_id = "") {
  return {"{}", user_id, "authenticated", kToday + 1h, token_id, issued_at};
}

TEST(Revocations, AreForTheTokensOfAUserThatWereIssuedBefore) {
  Revocations revocations;
  EXPECT_FALSE(revocations.includes(issued_to("anna", kToday - 1s)));
  ASSERT_TRUE(revocations.add(R"({"user_id":"anna","issued_before":1763856000,"expires_at":1763859600})", kToday));
  EXPECT_TRUE(revocations.includes(issued_to("anna", kToday - 1s)));
  EXPECT_TRUE(revocations.includes(issued_to("anna", sys_seconds::min()))) << "it does not say when it was issued";
  EXPECT_FALSE(revocations.includes(issued_to("anna", kToday)));
  EXPECT_FALSE(revocations.includes(issued_to("ben", kToday - 1s)));
  EXPECT_FALSE(revocations.includes(*claims_of_role("anna"))) << "an API key is no user";
}

TEST(Revocations, ATokenOfTheSameSecondMayHaveBeenIssuedBefore) {
  Revocations revocations;
  ASSERT_TRUE(revocations.add(R"({"user_id":"anna","issued_before":1763856000.25,"expires_at":1763859600})", kToday));
  EXPECT_TRUE(revocations.includes(issued_to("anna", kToday)));
  EXPECT_FALSE(revocations.includes(issued_to("anna", kToday + 1s)));
}

TEST(Revocations, AreForASingleToken) {
  Revocations revocations;
  ASSERT_TRUE(revocations.add(R"({"jti":"t1","expires_at":1763859600.5})", kToday));
  EXPECT_TRUE(revocations.includes(issued_to("anna", kToday, "t1")));
  EXPECT_TRUE(revocations.includes(issued_to("", kToday, "t1")));
  EXPECT_FALSE(revocations.includes(issued_to("anna", kToday, "t2")));
  EXPECT_FALSE(revocations.includes(issued_to("t1", kToday, "")));
}

TEST(Revocations, ThatComeAgainOrLateTakeNothingBack) {
  Revocations revocations;
  ASSERT_TRUE(revocations.add(R"({"user_id":"anna","issued_before":1763856000,"expires_at":1763859600})", kToday));
  ASSERT_TRUE(revocations.add(R"({"user_id":"anna","issued_before":1763850000,"expires_at":1763856001})", kToday));
  EXPECT_TRUE(revocations.includes(issued_to("anna", kToday - 1s)));
  EXPECT_EQ(revocations.size(), 1u);
}

TEST(Revocations, ThatHaveExpiredAreDropped) {
  Revocations revocations;
  ASSERT_TRUE(revocations.add(R"({"jti":"kept","expires_at":1763866000})", kToday));
  for (int i = 0; i < 5000; ++i) {
    const std::string id = std::to_string(i);
    ASSERT_TRUE(revocations.add(R"({"jti":")" + id + R"(","expires_at":1763856001})", kToday + 2s));
    ASSERT_TRUE(
        revocations.add(R"({"user_id":")" + id + R"(","issued_before":1,"expires_at":1763856001})", kToday + 2s));
  }
  EXPECT_LE(revocations.size(), 1025u);
  EXPECT_TRUE(revocations.includes(issued_to("anna", kToday, "kept")));
}

TEST(Revocations, MalformedOnesAreRefused) {
  Revocations revocations;
  for (const auto *payload :
       {"", "null", "[]", "{}", R"({"jti":"x"})", R"({"expires_at":1})", R"({"jti":"","expires_at":1})",
        R"({"jti":"x","user_id":"x","issued_before":1,"expires_at":1})", R"({"user_id":"x","expires_at":1})",
        R"({"user_id":7,"issued_before":1,"expires_at":1})", R"({"jti":"x","expires_at":"soon"})"})
    EXPECT_FALSE(revocations.add(payload, kToday)) << payload;
  EXPECT_EQ(revocations.size(), 0u);
  EXPECT_TRUE(revocations.add(R"({"user_id":"x","issued_before":9e300,"expires_at":9e300})", kToday))
      << "and none overflows";
  EXPECT_TRUE(revocations.includes(issued_to("x", kToday)));
}

} // namespace
} // namespace pg_live
