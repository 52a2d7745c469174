// What a token must be and say, in the words clients know; and that keys, not tokens, choose the algorithm.
#include "identity/token.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

#include "token_test.hpp"
#include "token_vectors.hpp"

namespace pg_live {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;
using test::kBadSignature;
using test::kFieldsMissing;
using test::kGood;
using test::kMalformed;
using test::kNow;
using test::refusal;
using test::sign;
using test::verify;
using test::with_secret;

TEST(Token, GivesItsClaims) {
  const auto result = verify(sign(kGood));
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->text, kGood);
  EXPECT_EQ(result.claims->user_id, "user-1");
  EXPECT_EQ(result.claims->role, "authenticated");
  EXPECT_EQ(result.claims->expires_at, kNow + 60s);
}

TEST(Token, KeepsTheTextOfTheClaimsAsSigned) {
  const auto text = R"({"exp": 4102444800.75, "role":"anon","n":9007199254740993,"app":{"a":1.10,"a":2},"sub":null})";
  const auto result = verify(sign(text));
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->text, text);
  EXPECT_EQ(result.claims->user_id, "") << "no subject, no user";
  EXPECT_EQ(result.claims->expires_at, sys_seconds(4102444800s));
}

TEST(Token, MayBeSignedWithAnyHsAlgorithm) {
  EXPECT_TRUE(verify(sign(kGood, R"({"alg":"HS384"})", test::kSecret, EVP_sha384())).claims);
  EXPECT_TRUE(verify(sign(kGood, R"({"alg":"HS512"})", test::kSecret, EVP_sha512())).claims);
}

class TokenOfFamily : public testing::TestWithParam<test::SignedToken> {};

TEST_P(TokenOfFamily, IsAcceptedFromAJwkSet) {
  TokenSettings settings;
  settings.jwk_set = "{\"keys\":[{\"alg\":\"" + std::string(GetParam().algorithm) + "\"," +
                     std::string(GetParam().key.substr(1)) + "]}";
  const auto result = verify(GetParam().token, settings);
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->user_id, "7c9e6679-7425-40de-944b-e07fc1f90ae7");
}

TEST_P(TokenOfFamily, IsRefusedBySecrets) { EXPECT_EQ(refusal(GetParam().token), kBadSignature); }

INSTANTIATE_TEST_SUITE_P(EveryFamily, TokenOfFamily, testing::ValuesIn(test::kSignedTokens),
                         [](const auto &test_case) { return std::string(test_case.param.algorithm); });

TEST(Token, APublicKeyIsNeverASecret) {
  TokenSettings settings;
  settings.jwk_set = "{\"keys\":[" + std::string(test::kRsaKey) + "]}";
  EXPECT_EQ(refusal(sign(kGood, test::kHs256, test::kRsaKey), settings), kBadSignature);
  EXPECT_EQ(refusal(sign(kGood, test::kHs256, settings.jwk_set), settings), kBadSignature);
}

TEST(Token, WithoutSignatureIsRefused) {
  const std::string payload = encode_base64url(kGood);
  for (const auto *algorithm : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header = encode_base64url(R"({"alg":")" + std::string(algorithm) + "\"}");
    EXPECT_EQ(refusal(header + "." + payload + "."), kMalformed);
    EXPECT_EQ(refusal(header + "." + payload + ".AAAA"), kBadSignature);
  }
}

TEST(Token, MustHaveThreeWellFormedParts) {
  const std::string token = sign(kGood);
  const std::string unsigned_part = token.substr(0, token.rfind('.'));
  for (const std::string &text :
       {std::string(), std::string("x"), std::string("."), std::string(".."), std::string("..."), unsigned_part,
        unsigned_part + ".", token + ".", token + ".AAAA", "." + token, token + "=", token + " ", " " + token,
        token + "\n", "Bearer " + token, std::string("sb_publishable_x"), std::string("null"), std::string(5, '\0'),
        std::string("\xFF\xFE.a.b")})
    EXPECT_EQ(refusal(text), kMalformed) << text;
}

TEST(Token, IsNotLookedAtWhenItIsTooLong) {
  const std::string padding(kMaxTokenBytes, 'x');
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"x":")" + padding + "\"}")), kMalformed);
}

TEST(Token, HeaderMustBeAnObjectWithAnAlgorithm) {
  for (const auto *header :
       {"", "{}", "[]", "null", "x", R"({"alg":null})", R"({"alg":5})", R"({"alg":["HS256"]})", R"({"Alg":"HS256"})",
        R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"none","\u0061lg":"HS256"})", R"({"alg":"HS256"}x)",
        R"({"alg":"HS256","crit":["exp"]})", R"({"alg":"HS256","crit":[]})",
        R"({"alg":"HS256","crit":["b64"],"b64":false})", R"({"alg":"HS256","kid":7})", R"({"alg":"HS256\u0000"})"})
    EXPECT_EQ(refusal(sign(kGood, header)), kMalformed) << header;
  EXPECT_EQ(refusal(sign(kGood, R"({"alg":"hs256"})")), kBadSignature) << "names are exact";
}

TEST(Token, PayloadMustBeAnObjectWithoutDuplicates) {
  for (const auto *payload :
       {"", "[]", "null", "x", "\"{}\"", R"({"role":"anon","exp":4102444800}x)",
        R"({"role":"anon","role":"service_role","exp":4102444800})",
        R"({"role":"anon","\u0072ole":"service_role","exp":4102444800})", R"({"role":"anon","exp":1,"exp":4102444800})",
        R"({"role":"anon","exp":4102444800,"x":"\u0000"})", R"({"role":"anon\u0000","exp":4102444800})",
        "{\"role\":\"anon\",\"exp\":4102444800,\"x\":\"\xFF\"}", "\xEF\xBB\xBF{\"role\":\"anon\",\"exp\":4102444800}"})
    EXPECT_EQ(refusal(sign(payload)), kMalformed) << payload;
}

TEST(Token, AWrongSignatureIsRefusedBeforeClaimsAreRead) {
  std::string token = sign(R"({"role":"anon","exp":1})");
  token.back() = token.back() == 'A' ? 'E' : 'A';
  EXPECT_EQ(refusal(token), kBadSignature);
  EXPECT_EQ(refusal(sign(kGood, test::kHs256, "another secret of at least thirty-two bytes")), kBadSignature);
  const std::string other = sign(R"({"role":"service_role","exp":4102444800})");
  const std::string mixed = other.substr(0, other.rfind('.')) + sign(kGood).substr(sign(kGood).rfind('.'));
  EXPECT_EQ(refusal(mixed), kBadSignature);
}

TEST(Token, NeedsRoleAndExp) {
  for (const auto *payload :
       {"{}", R"({"role":"anon"})", R"({"exp":4102444800})", R"({"Role":"anon","exp":4102444800})",
        R"({"role":null,"exp":4102444800})", R"({"role":"anon","exp":null})"})
    EXPECT_EQ(refusal(sign(payload)), kFieldsMissing) << payload;
}

TEST(Token, RoleMustBeAName) {
  const auto with_role = [](std::string_view role) {
    return sign("{\"exp\":4102444800,\"role\":" + std::string(role) + "}");
  };
  for (const std::string &role :
       {std::string("7"), std::string("[\"anon\"]"), std::string("\"\""), "\"" + std::string(64, 'r') + "\"",
        std::string(R"("an\non")"), std::string(R"("\u007f")")})
    EXPECT_EQ(refusal(with_role(role)),
              "InvalidJWTToken: Field `role` must be a text of 1 to 63 bytes without control characters")
        << role;
  EXPECT_TRUE(verify(with_role("\"" + std::string(63, 'r') + "\"")).claims);
}

TEST(Token, SubjectMustBeAName) {
  const auto with_subject = [](std::string_view sub) {
    return sign("{\"exp\":4102444800,\"role\":\"a\",\"sub\":" + std::string(sub) + "}");
  };
  std::string characters;
  for (int i = 0; i < 255; ++i)
    characters += "é";
  for (const std::string &sub : {std::string("7"), std::string("{}"), std::string("\"\""), "\"" + characters + "é\"",
                                 std::string(R"("a\tb")"), std::string(R"("\u0085")"), std::string("true")})
    EXPECT_EQ(refusal(with_subject(sub)),
              "InvalidJWTToken: Field `sub` must be a text of 1 to 255 characters without control characters")
        << sub;
  EXPECT_EQ(verify(with_subject("\"" + characters + "\"")).claims->user_id, characters);
  EXPECT_EQ(verify(with_subject(R"("auth0|a\u00e9")")).claims->user_id, "auth0|aé");
}

TEST(Token, ExpiresAtTheSecondItSays) {
  EXPECT_TRUE(verify(sign(kGood), with_secret(), kNow + 59s).claims);
  const auto result = verify(sign(kGood), with_secret(), kNow + 60s);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->message, "Token has expired 0 seconds ago");
  EXPECT_EQ(verify(sign(kGood), with_secret(), kNow + 65s).error->message, "Token has expired 5 seconds ago");
  EXPECT_EQ(result.error->code, "InvalidJWTToken");
}

TEST(Token, TimesMustBeNumbers) {
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":"4102444800"})")), "InvalidJWTToken: Field `exp` must be a number");
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":1e999})")), "InvalidJWTToken: Field `exp` must be a number");
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"nbf":"x"})")),
            "InvalidJWTToken: Field `nbf` must be a number");
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"iat":true})")),
            "InvalidJWTToken: Field `iat` must be a number");
}

TEST(Token, TimesFarAwayAreCutToTheYearsThereAre) {
  EXPECT_EQ(verify(sign(R"({"role":"a","exp":1e300})")).claims->expires_at, sys_seconds(253402300799s));
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":-1e300})")).substr(0, 34), "InvalidJWTToken: Token has expired");
  EXPECT_TRUE(verify(sign(R"({"role":"a","exp":4.1024448e9})")).claims);
}

TEST(Token, IsNotValidMuchBeforeItSays) {
  const std::string token = sign(R"({"role":"a","exp":4102444800,"nbf":1763856031})");
  EXPECT_EQ(refusal(token), "InvalidJWTToken: Token is not valid yet") << "31 seconds early";
  EXPECT_TRUE(verify(token, with_secret(), kNow + 1s).claims) << "clocks differ by up to 30 seconds";
}

TEST(Token, IssuedInTheFutureIsRefused) {
  const auto result = verify(sign(R"({"role":"a","exp":4102444800,"iat":1763856030.9})"));
  ASSERT_TRUE(result.claims) << "clocks differ by up to 30 seconds";
  EXPECT_EQ(result.claims->issued_at, kNow) << "as old as a clock may be ahead, for what is revoked meanwhile";
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"iat":1763856031})")),
            "InvalidJWTToken: Token was issued in the future");
}

TEST(Token, LeewayIsForBothItsBeginnings) {
  TokenSettings settings = with_secret();
  settings.leeway = 0s;
  for (const auto *claim : {"nbf", "iat"}) {
    const auto token = [claim](std::int64_t time) {
      return sign(R"({"role":"a","exp":4102444800,")" + std::string(claim) + "\":" + std::to_string(time) + "}");
    };
    EXPECT_TRUE(verify(token(1763856000), settings).claims) << claim;
    EXPECT_FALSE(verify(token(1763856001), settings).claims) << claim;
  }
  settings.leeway = 600s;
  EXPECT_TRUE(verify(sign(R"({"role":"a","exp":4102444800,"nbf":1763856600,"iat":1763856600})"), settings).claims);
  EXPECT_FALSE(verify(sign(kGood), settings, kNow + 60s).claims) << "the end is exact";
}

TEST(Token, GivesItsIdAsText) {
  const auto with_id = [](std::string_view id) {
    return sign(R"({"role":"a","exp":4102444800,"jti":)" + std::string(id) + "}");
  };
  EXPECT_EQ(verify(with_id(R"("a\u0062c")")).claims->token_id, "abc");
  EXPECT_EQ(verify(with_id("12")).claims->token_id, "12");
  EXPECT_EQ(verify(with_id("null")).claims->token_id, "");
  EXPECT_EQ(verify(sign(kGood)).claims->token_id, "");
  EXPECT_EQ(verify(sign(kGood)).claims->issued_at, sys_seconds::min());
  for (const std::string &id : {std::string("\"\""), std::string("{}"), std::string("true"), std::string(R"("\n")"),
                                "\"" + std::string(256, 'x') + "\""})
    EXPECT_EQ(refusal(with_id(id)),
              "InvalidJWTToken: Field `jti` must be a text of 1 to 255 characters without control characters")
        << id;
}

TEST(Token, AudienceIsCheckedWhenOneIsExpected) {
  TokenSettings settings = with_secret();
  settings.audiences = {"realtime", "events"};
  const auto with_audience = [](std::string_view aud) {
    return sign(R"({"role":"a","exp":4102444800,"aud":)" + std::string(aud) + "}");
  };
  EXPECT_TRUE(verify(with_audience("\"realtime\""), settings).claims);
  EXPECT_TRUE(verify(with_audience(R"(["x","realtime"])"), settings).claims);
  EXPECT_TRUE(verify(with_audience("\"events\""), settings).claims);
  for (const auto *aud : {"\"other\"", "[]", "[[\"realtime\"]]", "null", "{\"realtime\":1}", "\"realtime2\""})
    EXPECT_EQ(refusal(with_audience(aud), settings), "InvalidJWTToken: Token is for another audience") << aud;
  EXPECT_EQ(refusal(sign(kGood), settings), "InvalidJWTToken: Token is for another audience");
  EXPECT_TRUE(verify(with_audience("\"other\"")).claims) << "none is expected";
}

TEST(Token, IssuerIsCheckedWhenOneIsExpected) {
  TokenSettings settings = with_secret();
  settings.issuers = {{"https://auth"}, {"supabase"}};
  EXPECT_TRUE(verify(sign(R"({"role":"a","exp":4102444800,"iss":"https:\/\/auth"})"), settings).claims);
  EXPECT_TRUE(verify(sign(R"({"role":"a","exp":4102444800,"iss":"supabase"})"), settings).claims);
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"iss":"https://auth/"})"), settings),
            "InvalidJWTToken: Token is from another issuer");
  EXPECT_EQ(refusal(sign(R"({"role":"a","exp":4102444800,"iss":["https://auth"]})"), settings),
            "InvalidJWTToken: Token is from another issuer");
  EXPECT_EQ(refusal(sign(kGood), settings), "InvalidJWTToken: Token is from another issuer");
}

TEST(TokenSettings, ThatCannotBeUsedAreRefused) {
  TokenSettings settings;
  settings.jwk_set = "{}";
  EXPECT_THROW(TokenVerifier{settings}, std::invalid_argument);
  settings = {};
  settings.api_keys = {{"", "anon"}};
  EXPECT_THROW(TokenVerifier{settings}, std::invalid_argument);
  settings.api_keys = {{"key", ""}};
  EXPECT_THROW(TokenVerifier{settings}, std::invalid_argument);
}

TEST(ApiKeys, StandForTheirRoles) {
  TokenSettings settings;
  settings.api_keys = {{"sb_publishable_1", "anon"}, {"sb_secret_1", "service\"role"}};
  const auto anon = verify("sb_publishable_1", settings);
  ASSERT_TRUE(anon.claims);
  EXPECT_EQ(anon.claims->role, "anon");
  EXPECT_EQ(anon.claims->user_id, "");
  EXPECT_EQ(anon.claims->text, R"({"role":"anon"})");
  EXPECT_EQ(anon.claims->expires_at, sys_seconds::max());
  EXPECT_EQ(verify("sb_secret_1", settings).claims->text, R"({"role":"service\"role"})");
  for (const auto *key : {"sb_publishable_", "sb_publishable_11", "SB_publishable_1", ""})
    EXPECT_EQ(refusal(key, settings), kMalformed) << key;
}

TEST(TokenMemory, OneTokenVerifiedTwiceSharesItsClaims) {
  TokenVerifier verifier(with_secret());
  const std::string token = sign(kGood);
  const auto first = verifier.verify(token, kNow).claims;
  EXPECT_EQ(verifier.verify(token, kNow).claims.get(), first.get());
}

TEST(TokenMemory, ARememberedTokenExpiresToo) {
  TokenVerifier verifier(with_secret());
  const std::string token = sign(kGood);
  EXPECT_TRUE(verifier.verify(token, kNow).claims);
  EXPECT_EQ(verifier.verify(token, kNow + 61s).error->message, "Token has expired 1 seconds ago");
}

TEST(TokenMemory, CanBeTurnedOff) {
  TokenSettings settings = with_secret();
  settings.cached_tokens = 0;
  TokenVerifier verifier(settings);
  const std::string token = sign(kGood);
  const auto first = verifier.verify(token, kNow).claims;
  EXPECT_NE(verifier.verify(token, kNow).claims.get(), first.get());
}

} // namespace
} // namespace pg_live
