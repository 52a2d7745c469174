// Keys and signatures, against tokens another implementation has signed.
#include "identity/jwk.hpp"

#include <gtest/gtest.h>

#include "base/base64url.hpp"
#include "token_vectors.hpp"

namespace pg_live {
namespace {

using test::SignedToken;

std::string set_of(std::string_view jwk) { return "{\"keys\":[" + std::string(jwk) + "]}"; }

// The JWK with more members at its front.
std::string with(std::string_view jwk, std::string_view members) {
  return "{" + std::string(members) + "," + std::string(jwk.substr(1));
}

std::vector<VerificationKey> keys_of(std::string_view set) {
  auto parsed = parse_jwk_set(set);
  if (const auto *fault = std::get_if<std::string>(&parsed)) ADD_FAILURE() << *fault;
  return parsed.index() == 0 ? std::move(std::get<0>(parsed)) : std::vector<VerificationKey>();
}

std::string fault_of(std::string_view set) {
  const auto parsed = parse_jwk_set(set);
  const auto *fault = std::get_if<std::string>(&parsed);
  return fault != nullptr ? *fault : "no fault";
}

struct Split {
  std::string signed_text;
  std::string signature;
};

Split split(std::string_view token) {
  const std::size_t dot = token.rfind('.');
  return {std::string(token.substr(0, dot)), decode_base64url(token.substr(dot + 1)).value()};
}

// PS tokens need a key that says so: an RSA key that names no algorithm is for RS.
std::string key_for(const SignedToken &signed_token) {
  return signed_token.algorithm.starts_with("PS")
             ? with(signed_token.key, "\"alg\":\"" + std::string(signed_token.algorithm) + "\"")
             : std::string(signed_token.key);
}

class Signature : public testing::TestWithParam<SignedToken> {};

TEST_P(Signature, IsVerifiedWithTheRightKey) {
  const auto keys = keys_of(set_of(key_for(GetParam())));
  const auto [text, signature] = split(GetParam().token);
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_TRUE(keys[0].allows(GetParam().algorithm));
  EXPECT_TRUE(keys[0].verify(GetParam().algorithm, text, signature));
}

TEST_P(Signature, IsRefusedWhenAnyPartOfItIsChanged) {
  const auto keys = keys_of(set_of(key_for(GetParam())));
  const auto [text, signature] = split(GetParam().token);
  for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
    std::string changed = signature;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, changed)) << at;
  }
  EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text + "x", signature));
  EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, signature + '\0'));
  EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, signature.substr(0, signature.size() - 1)));
  EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, ""));
  EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, std::string(signature.size(), '\0')));
}

TEST_P(Signature, IsRefusedUnderEveryOtherAlgorithm) {
  const auto keys = keys_of(set_of(key_for(GetParam())));
  const auto [text, signature] = split(GetParam().token);
  for (const auto *other : {"none", "None", "", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
                            "PS512", "ES256", "ES384", "ES512", "EdDSA", "ES256K", "rs256"}) {
    if (GetParam().algorithm != other) {
      EXPECT_FALSE(keys[0].verify(other, text, signature)) << other;
    }
  }
}

TEST_P(Signature, IsRefusedByKeysOfAllOtherTokens) {
  const auto [text, signature] = split(GetParam().token);
  for (const SignedToken &other : test::kSignedTokens) {
    if (other.key == GetParam().key) continue;
    const auto keys = keys_of(set_of(key_for(other)));
    EXPECT_FALSE(keys[0].verify(GetParam().algorithm, text, signature)) << other.algorithm;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFamily, Signature, testing::ValuesIn(test::kSignedTokens),
                         [](const auto &test_case) { return std::string(test_case.param.algorithm); });

TEST(VerificationKey, OfASecretVerifiesTheExampleOfRfc7515) {
  // Appendix A.1: the key is given as base64url.
  const auto secret =
      decode_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
          .value();
  const auto [text, signature] =
      split("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  const auto key = VerificationKey::from_secret(secret);
  EXPECT_TRUE(key.verify("HS256", text, signature));
  EXPECT_FALSE(key.verify("HS384", text, signature));
  EXPECT_FALSE(key.verify("RS256", text, signature));
  EXPECT_FALSE(key.verify("none", text, ""));
  EXPECT_FALSE(VerificationKey::from_secret(secret + "x").verify("HS256", text, signature));
}

TEST(VerificationKey, Ed25519VerifiesTheExampleOfRfc8037) {
  const auto keys =
      keys_of(set_of(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"));
  const auto [text, signature] =
      split("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
            ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_TRUE(keys.at(0).verify("EdDSA", text, signature));
}

TEST(JwkSet, AKeyWithAnAlgorithmAllowsNoOther) {
  const auto keys = keys_of(set_of(with(test::kRsaKey, R"("alg":"RS384")")));
  EXPECT_TRUE(keys.at(0).allows("RS384"));
  EXPECT_FALSE(keys.at(0).allows("RS256"));
  EXPECT_FALSE(keys.at(0).allows("PS384"));
}

TEST(JwkSet, AnRsaKeyWithoutAlgorithmIsForRsOnly) {
  const auto keys = keys_of(set_of(test::kRsaKey));
  EXPECT_TRUE(keys.at(0).allows("RS256"));
  EXPECT_FALSE(keys.at(0).allows("PS256"));
}

TEST(JwkSet, KeepsTheIdsOfItsKeys) {
  const auto keys = keys_of("{\"keys\":[" + with(test::kP256Key, R"("kid":"one")") + "," +
                            with(test::kEd25519Key, R"("kid":"tw\u006f")") + "," + std::string(test::kRsaKey) + "]}");
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(keys[0].id(), "one");
  EXPECT_EQ(keys[1].id(), "two");
  EXPECT_EQ(keys[2].id(), "");
}

TEST(JwkSet, PassesOverKeysThatAreForSomethingElse) {
  const std::string usable(test::kP256Key);
  for (const std::string &other :
       {with(test::kRsaKey, R"("use":"enc")"), with(test::kRsaKey, R"("key_ops":["encrypt"])"),
        with(test::kRsaKey, R"("alg":"RSA-OAEP")"), with(test::kRsaKey, R"("alg":"none")"),
        with(test::kRsaKey, R"("alg":7)"), std::string(R"({"kty":"new"})"),
        std::string(R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})"),
        std::string(R"({"kty":"OKP","crv":"X25519","x":"AA"})")}) {
    EXPECT_EQ(keys_of("{\"keys\":[" + other + "," + usable + "]}").size(), 1U) << other;
    EXPECT_EQ(fault_of(set_of(other)), "the JWK set has no key to verify signatures with") << other;
  }
  EXPECT_EQ(keys_of(set_of(with(test::kRsaKey, R"("use":"sig","key_ops":["sign","verify"])"))).size(), 1U);
}

TEST(JwkSet, RefusesWhatIsNotASet) {
  const auto message = "the JWK set is not a JSON object with an array of keys";
  for (const auto *text : {"", "x", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[}", "{\"keys\":null}", "{\"Keys\":[]}"})
    EXPECT_EQ(fault_of(text), message) << text;
  EXPECT_EQ(fault_of("{\"keys\":[]}"), "the JWK set has no key to verify signatures with");
  EXPECT_EQ(fault_of(std::string(kMaxJwkSetBytes + 1, ' ')), "the JWK set is too long");
  std::string many = "{\"keys\":[{\"kty\":\"x\"}";
  for (std::size_t i = 0; i < kMaxJwkSetKeys; ++i)
    many += ",{\"kty\":\"x\"}";
  EXPECT_EQ(fault_of(many + "]}"), "the JWK set has too many keys");
}

TEST(JwkSet, RefusesWeakKeys) {
  EXPECT_EQ(fault_of(set_of(test::kWeakRsaKey)), "key 1 of the JWK set: an RSA key needs 2048 bits or more");
  EXPECT_EQ(fault_of(set_of(R"({"kty":"oct","k":"c2hvcnQ"})")),
            "key 1 of the JWK set: a secret key needs 256 bits or more");
}

TEST(JwkSet, ASecretKeyIsForHsOnly) {
  const std::string secret = R"({"kty":"oct","k":")" + encode_base64url(std::string(32, 's')) + "\"}";
  const auto keys = keys_of(set_of(secret));
  EXPECT_TRUE(keys.at(0).allows("HS256"));
  EXPECT_FALSE(keys.at(0).allows("RS256"));
  EXPECT_EQ(fault_of(set_of(with(secret, R"("alg":"RS256")"))), "key 1 of the JWK set: type and algorithm do not fit");
}

TEST(JwkSet, HasNoSecretKeyWhereOthersReadIt) {
  const std::string secret = R"({"kty":"oct","k":")" + encode_base64url(std::string(32, 's')) + "\"}";
  const auto parsed = parse_jwk_set(set_of(secret), SecretKeys::refused);
  const auto *fault = std::get_if<std::string>(&parsed);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(*fault, "key 1 of the JWK set: a secret key must not be where others can read it");
}

TEST(JwkSet, RefusesMalformedKeys) {
  const auto fault = [](std::string_view jwk) { return fault_of(set_of(jwk)); };
  EXPECT_EQ(fault("1"), "key 1 of the JWK set: malformed key");
  EXPECT_EQ(fault(R"({"kty":"RSA","kty":"EC"})"), "key 1 of the JWK set: malformed key");
  EXPECT_EQ(fault("{}"), "key 1 of the JWK set: the key has no type");
  EXPECT_EQ(fault(R"({"kty":"RSA"})"), "key 1 of the JWK set: malformed RSA key");
  EXPECT_EQ(fault(R"({"kty":"RSA","n":"*","e":"AQAB"})"), "key 1 of the JWK set: malformed RSA key");
  EXPECT_EQ(fault(R"({"kty":"RSA","n":")" + encode_base64url(std::string(256, '\xFE')) + R"(","e":"AQAB"})"),
            "key 1 of the JWK set: malformed RSA key")
      << "an even modulus";
  EXPECT_EQ(fault(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), "key 1 of the JWK set: malformed EC key");
  const std::string ones = encode_base64url(std::string(32, '\x01'));
  EXPECT_EQ(fault(R"({"kty":"EC","crv":"P-256","x":")" + ones + R"(","y":")" + ones + "\"}"),
            "key 1 of the JWK set: malformed EC key")
      << "a point off the curve";
  EXPECT_EQ(fault(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})"), "key 1 of the JWK set: malformed Ed25519 key");
  EXPECT_EQ(fault(R"({"kty":"oct","k":"a b"})"), "key 1 of the JWK set: malformed secret key");
  EXPECT_EQ(fault(with(test::kRsaKey, R"("alg":"ES256")")), "key 1 of the JWK set: type and algorithm do not fit");
  EXPECT_EQ(fault(with(test::kRsaKey, R"("alg":"HS256")")), "key 1 of the JWK set: type and algorithm do not fit");
  EXPECT_EQ(fault(with(test::kP256Key, R"("alg":"ES384")")), "key 1 of the JWK set: type and algorithm do not fit");
  EXPECT_EQ(fault(with(test::kEd25519Key, R"("alg":"ES256")")), "key 1 of the JWK set: type and algorithm do not fit");
}

} // namespace
} // namespace pg_live
