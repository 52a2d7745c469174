// Which key a token is verified with, and when it is worth reading a key set again.
#include "identity/token.hpp"

#include <gtest/gtest.h>

#include "token_test.hpp"
#include "token_vectors.hpp"

namespace pg_live {
namespace {

using test::kBadSignature;
using test::kGood;
using test::kNow;
using test::refusal;
using test::sign;
using test::verify;
using test::with_secret;

TEST(TokenKeys, TheKeyIsChosenByItsId) {
  const std::string first = R"({"kty":"oct","kid":"first","k":")" + encode_base64url(std::string(32, '1')) + "\"}";
  const std::string second = R"({"kty":"oct","kid":"second","k":")" + encode_base64url(std::string(32, '2')) + "\"}";
  TokenSettings settings;
  settings.jwk_set = "{\"keys\":[" + first + "," + second + "]}";
  const auto signed_by = [](char key, std::string_view id) {
    return sign(kGood, R"({"alg":"HS256","kid":")" + std::string(id) + "\"}", std::string(32, key));
  };
  EXPECT_TRUE(verify(signed_by('1', "first"), settings).claims);
  EXPECT_TRUE(verify(signed_by('2', "second"), settings).claims);
  EXPECT_EQ(refusal(signed_by('1', "second"), settings), kBadSignature);
  EXPECT_FALSE(verify(signed_by('1', "second"), settings).error->missing_key_of);
  EXPECT_TRUE(verify(sign(kGood, test::kHs256, std::string(32, '2')), settings).claims) << "no id: any key may fit";
}

TEST(TokenKeys, AnUnknownIdSaysSoThatTheSetMayBeReadAgain) {
  TokenSettings settings;
  settings.jwk_set = "{\"keys\":[" + std::string(test::kP256Key) + "]}";
  const std::string token = sign(kGood, R"({"alg":"ES256","kid":"rotated"})");
  ASSERT_TRUE(verify(token, settings).error);
  EXPECT_EQ(verify(token, settings).error->missing_key_of, kSharedKeys);
  EXPECT_FALSE(verify(sign(kGood, R"({"alg":"ES256"})"), settings).error->missing_key_of);
}

// An id is compared, and never a path or a statement.
TEST(TokenKeys, AnIdThatWouldLeadElsewhereIsUnknown) {
  TokenSettings settings;
  settings.jwk_set = "{\"keys\":[{\"kid\":\"k\"," + std::string(test::kP256Key.substr(1)) + "]}";
  for (const auto *id :
       {"../../../../dev/null", "/dev/null", "k' or '1'='1", "http://attacker.example/jwks", "K", " k"}) {
    for (const std::string &key : {std::string(), std::string(1, '\0'), std::string("k")})
      EXPECT_EQ(refusal(sign(kGood, R"({"alg":"HS256","kid":")" + std::string(id) + "\"}", key), settings),
                kBadSignature)
          << id;
  }
  for (const auto *name : {"jwk", "jku", "x5u", "x5c"}) {
    const std::string header = R"({"alg":"HS256",")" + std::string(name) +
                               R"(":{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}})";
    EXPECT_EQ(refusal(sign(kGood, header, "secretsecretsecretsecretsecret"), settings), kBadSignature)
        << "a key of the token's own: " << name;
  }
}

// Each issuer signs with its own keys: who has those of one must not speak for another.
TEST(TokenKeys, AnIssuerWithKeysOfItsOwnIsVerifiedWithThoseAlone) {
  const auto set_of = [](char key) {
    return R"({"keys":[{"kty":"oct","kid":"k","k":")" + encode_base64url(std::string(32, key)) + "\"}]}";
  };
  TokenSettings settings = with_secret();
  settings.issuers = {{"shared"}, {"one", 1}, {"two", 2}};
  TokenVerifier verifier(settings);
  EXPECT_EQ(verifier.replace_jwk_set(1, set_of('1')), std::nullopt);
  EXPECT_EQ(verifier.replace_jwk_set(2, set_of('2')), std::nullopt);
  const auto token = [](std::string_view issuer, const std::string &key) {
    return sign(R"({"role":"a","exp":4102444800,"iss":")" + std::string(issuer) + "\"}", R"({"alg":"HS256","kid":"k"})",
                key);
  };
  const std::string shared_key(test::kSecret);
  const std::string first_key(32, '1');
  const std::string second_key(32, '2');
  EXPECT_TRUE(verifier.verify(token("shared", shared_key), kNow).claims);
  EXPECT_TRUE(verifier.verify(token("one", first_key), kNow).claims);
  EXPECT_TRUE(verifier.verify(token("two", second_key), kNow).claims);
  for (const auto &[issuer, key] : {std::pair("shared", first_key), std::pair("one", second_key),
                                    std::pair("one", shared_key), std::pair("two", first_key)})
    EXPECT_EQ(verifier.verify(token(issuer, key), kNow).error->message, "Failed to validate JWT signature") << issuer;
}

TEST(TokenKeys, ASetThatWasNeverReadIsMissingEachKey) {
  TokenSettings settings;
  settings.issuers = {{"one", 1}};
  TokenVerifier verifier(settings);
  const std::string token = sign(R"({"role":"a","exp":4102444800,"iss":"one"})");
  EXPECT_EQ(verifier.verify(token, kNow).error->missing_key_of, 1u);
}

TEST(TokenKeys, TheSecretIsTriedWhateverTheId) {
  TokenSettings settings = with_secret();
  settings.jwk_set = "{\"keys\":[{\"kid\":\"k\"," + std::string(test::kP256Key.substr(1)) + "]}";
  EXPECT_TRUE(verify(sign(kGood, R"({"alg":"HS256","kid":"unknown"})"), settings).claims);
  EXPECT_TRUE(verify(sign(kGood, R"({"alg":"HS256","kid":"k"})"), settings).claims);
}

TEST(TokenKeys, WithoutKeysNothingIsAccepted) { EXPECT_EQ(refusal(sign(kGood, test::kHs256, ""), {}), kBadSignature); }

TEST(TokenKeys, AReplacedSetHoldsAtOnce) {
  const auto set_of = [](char key) {
    return R"({"keys":[{"kty":"oct","k":")" + encode_base64url(std::string(32, key)) + "\"}]}";
  };
  TokenSettings settings;
  settings.jwk_set = set_of('1');
  TokenVerifier verifier(settings);
  const std::string old_token = sign(kGood, test::kHs256, std::string(32, '1'));
  EXPECT_TRUE(verifier.verify(old_token, kNow).claims);
  EXPECT_EQ(verifier.replace_jwk_set(kSharedKeys, "broken"), "the JWK set is not a JSON object with an array of keys");
  EXPECT_TRUE(verifier.verify(old_token, kNow).claims) << "a broken set changes nothing";
  EXPECT_EQ(verifier.replace_jwk_set(kSharedKeys, set_of('2')), std::nullopt);
  EXPECT_FALSE(verifier.verify(old_token, kNow).claims) << "remembered tokens are forgotten with their keys";
  EXPECT_TRUE(verifier.verify(sign(kGood, test::kHs256, std::string(32, '2')), kNow).claims);
}

TEST(TokenKeys, ASetThatHasNotChangedKeepsWhatIsRemembered) {
  TokenSettings settings;
  settings.jwk_set = R"({"keys":[{"kty":"oct","k":")" + encode_base64url(std::string(32, '1')) + "\"}]}";
  TokenVerifier verifier(settings);
  const std::string token = sign(kGood, test::kHs256, std::string(32, '1'));
  const auto first = verifier.verify(token, kNow).claims;
  EXPECT_EQ(verifier.replace_jwk_set(kSharedKeys, settings.jwk_set), std::nullopt);
  EXPECT_EQ(verifier.verify(token, kNow).claims.get(), first.get());
}

} // namespace
} // namespace pg_live
