// Keys and signatures with OpenSSL 3, see jwk.hpp. Algorithms are those of RFC 7518 section 3 and RFC 8037.
#include "identity/jwk.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/base64url.hpp"
#include "text/json.hpp"

namespace pg_live {

namespace {

// Frees what OpenSSL has allocated.
template <auto release>
struct Release {
  template <typename T>
  void operator()(T *object) const {
    release(object);
  }
};
template <typename T, auto release>
using Owned = std::unique_ptr<T, Release<release>>;

using PublicKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Owned<BIGNUM, BN_free>;
using ParameterBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using EcdsaSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

enum class Family : unsigned char { hmac, rsa, rsa_pss, ecdsa, eddsa };

struct Algorithm {
  std::string_view name;
  Family family;
  const EVP_MD *(*digest)(); // none for EdDSA
  std::string_view curve;    // the JWK's name
  const char *group;         // OpenSSL's name
  std::size_t coordinate_bytes;
};

constexpr std::array<Algorithm, 13> kAlgorithms{{
    {"HS256", Family::hmac, EVP_sha256, "", nullptr, 0},
    {"HS384", Family::hmac, EVP_sha384, "", nullptr, 0},
    {"HS512", Family::hmac, EVP_sha512, "", nullptr, 0},
    {"RS256", Family::rsa, EVP_sha256, "", nullptr, 0},
    {"RS384", Family::rsa, EVP_sha384, "", nullptr, 0},
    {"RS512", Family::rsa, EVP_sha512, "", nullptr, 0},
    {"PS256", Family::rsa_pss, EVP_sha256, "", nullptr, 0},
    {"PS384", Family::rsa_pss, EVP_sha384, "", nullptr, 0},
    {"PS512", Family::rsa_pss, EVP_sha512, "", nullptr, 0},
    {"ES256", Family::ecdsa, EVP_sha256, "P-256", "prime256v1", 32},
    {"ES384", Family::ecdsa, EVP_sha384, "P-384", "secp384r1", 48},
    {"ES512", Family::ecdsa, EVP_sha512, "P-521", "secp521r1", 66},
    {"EdDSA", Family::eddsa, nullptr, "Ed25519", nullptr, 32},
}};

const Algorithm *find_algorithm(std::string_view name) {
  const auto it =
      std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [name](const Algorithm &a) { return a.name == name; });
  return it == kAlgorithms.end() ? nullptr : &*it;
}

const unsigned char *bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char *>(text.data()); }

} // namespace

struct VerificationKey::Key {
  std::string id;
  Family family = Family::hmac;
  std::string_view algorithm; // the only one allowed; empty: all of the family
  std::string secret;         // of the family hmac
  PublicKey public_key;       // of the others
};

namespace {

bool verify_hmac(const VerificationKey::Key &key, const Algorithm &algorithm, std::string_view text,
                 std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
  unsigned int size = 0;
  if (HMAC(algorithm.digest(), key.secret.data(), static_cast<int>(key.secret.size()), bytes_of(text), text.size(),
           expected.data(), &size) == nullptr)
    return false;
  return signature.size() == size && CRYPTO_memcmp(expected.data(), signature.data(), size) == 0;
}

// JOSE writes r and s one after the other (RFC 7518 section 3.4), OpenSSL reads DER; empty when it cannot be.
std::string to_der(std::string_view signature, std::size_t coordinate_bytes) {
  if (signature.size() != 2 * coordinate_bytes) return {};
  const int size = static_cast<int>(coordinate_bytes);
  Number r(BN_bin2bn(bytes_of(signature), size, nullptr));
  Number s(BN_bin2bn(bytes_of(signature) + coordinate_bytes, size, nullptr));
  EcdsaSignature pair(ECDSA_SIG_new());
  if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  std::ignore = r.release(); // both belong to the pair now
  std::ignore = s.release();
  std::string der(static_cast<std::size_t>(std::max(i2d_ECDSA_SIG(pair.get(), nullptr), 0)), '\0');
  auto *out = reinterpret_cast<unsigned char *>(der.data());
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

bool verify_public(const VerificationKey::Key &key, const Algorithm &algorithm, std::string_view text,
                   std::string_view signature) {
  std::string der;
  if (algorithm.family == Family::ecdsa) {
    der = to_der(signature, algorithm.coordinate_bytes);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX *settings = nullptr; // belongs to the context
  const EVP_MD *digest = algorithm.digest != nullptr ? algorithm.digest() : nullptr;
  if (!context || EVP_DigestVerifyInit(context.get(), &settings, digest, nullptr, key.public_key.get()) != 1)
    return false;
  if (algorithm.family == Family::rsa_pss &&
      (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) != 1)) // RFC 7518 section 3.5
    return false;
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

PublicKey from_parameters(const char *type, OSSL_PARAM_BLD *builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY *key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  PublicKey owned(key);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr; // a point off the curve, an even modulus
  return owned;
}

// ---- import of one JWK

// A message for the operator: why a key cannot be used.
using Fault = std::string;
// A key for something else, or of a kind we do not know: passed over.
struct NotForUs {};
using Imported = std::variant<std::unique_ptr<VerificationKey::Key>, NotForUs, Fault>;

std::optional<std::string> text_in(json::Value jwk, std::string_view name) {
  std::string text;
  const auto value = json::member(jwk, name);
  if (!value || !json::unescape(*value, text)) return std::nullopt;
  return text;
}

std::optional<std::string> bytes_in(json::Value jwk, std::string_view name) {
  const auto text = text_in(jwk, name);
  return text ? decode_base64url(*text) : std::nullopt;
}

Imported import_rsa(json::Value jwk, std::unique_ptr<VerificationKey::Key> key) {
  constexpr int kMinRsaBits = 2048; // RFC 7518 section 3.3
  const auto modulus = bytes_in(jwk, "n");
  const auto exponent = bytes_in(jwk, "e");
  if (!modulus || !exponent || exponent->size() > 8) return Fault("malformed RSA key");
  const Number n(BN_bin2bn(bytes_of(*modulus), static_cast<int>(modulus->size()), nullptr));
  const Number e(BN_bin2bn(bytes_of(*exponent), static_cast<int>(exponent->size()), nullptr));
  if (!n || !e || BN_num_bits(n.get()) < kMinRsaBits) return Fault("an RSA key needs 2048 bits or more");
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return Fault("malformed RSA key");
  key->public_key = from_parameters("RSA", builder.get());
  if (!key->public_key) return Fault("malformed RSA key");
  return key;
}

Imported import_ec(json::Value jwk, const Algorithm &algorithm, std::unique_ptr<VerificationKey::Key> key) {
  const auto x = bytes_in(jwk, "x");
  const auto y = bytes_in(jwk, "y");
  if (!x || !y || x->size() != algorithm.coordinate_bytes || y->size() != algorithm.coordinate_bytes)
    return Fault("malformed EC key");
  const std::string point = '\x04' + *x + *y; // SEC 1 section 2.3.3: uncompressed
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, algorithm.group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return Fault("malformed EC key");
  key->public_key = from_parameters("EC", builder.get());
  if (!key->public_key) return Fault("malformed EC key");
  return key;
}

Imported import_ed25519(json::Value jwk, std::unique_ptr<VerificationKey::Key> key) {
  const auto x = bytes_in(jwk, "x");
  if (!x) return Fault("malformed Ed25519 key");
  key->public_key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size()));
  if (!key->public_key) return Fault("malformed Ed25519 key");
  return key;
}

Imported import_secret(json::Value jwk, std::unique_ptr<VerificationKey::Key> key) {
  constexpr std::size_t kMinSecretBytes = 32; // RFC 7518 section 3.2
  auto secret = bytes_in(jwk, "k");
  if (!secret) return Fault("malformed secret key");
  if (secret->size() < kMinSecretBytes) return Fault("a secret key needs 256 bits or more");
  key->secret = std::move(*secret);
  return key;
}

// Whether the key says it is for something else than verifying signatures (RFC 7517 sections 4.2 and 4.3).
bool is_for_something_else(json::Value jwk) {
  if (const auto use = text_in(jwk, "use"); use && *use != "sig") return true;
  const auto operations = json::member(jwk, "key_ops");
  if (!operations) return false;
  for (const json::Value &operation : json::elements(*operations))
    if (operation.kind == json::Kind::string && json::equals(operation.raw, "verify")) return false;
  return true;
}

// The algorithm a curve implies.
const Algorithm *algorithm_of_curve(Family family, std::string_view curve) {
  const auto fits = [=](const Algorithm &a) { return a.family == family && a.curve == curve; };
  const auto it = std::find_if(kAlgorithms.begin(), kAlgorithms.end(), fits);
  return it == kAlgorithms.end() ? nullptr : &*it;
}

Imported import_key(json::Value jwk, SecretKeys secrets) {
  if (jwk.kind != json::Kind::object || json::has_duplicate_members(jwk)) return Fault("malformed key");
  const auto type = text_in(jwk, "kty");
  if (!type) return Fault("the key has no type");
  if (is_for_something_else(jwk)) return NotForUs();
  const Algorithm *named = find_algorithm(text_in(jwk, "alg").value_or(""));
  if (named == nullptr && json::member(jwk, "alg")) return NotForUs(); // such as RSA-OAEP

  auto key = std::make_unique<VerificationKey::Key>();
  key->id = text_in(jwk, "kid").value_or("");
  if (named != nullptr) key->algorithm = named->name;
  if (*type == "RSA") {
    key->family = named != nullptr ? named->family : Family::rsa;
    if (key->family != Family::rsa && key->family != Family::rsa_pss) return Fault("type and algorithm do not fit");
    return import_rsa(jwk, std::move(key));
  }
  if (*type == "oct") {
    if (secrets == SecretKeys::refused) return Fault("a secret key must not be where others can read it");
    if (named != nullptr && named->family != Family::hmac) return Fault("type and algorithm do not fit");
    return import_secret(jwk, std::move(key));
  }
  if (*type != "EC" && *type != "OKP") return NotForUs();
  key->family = *type == "EC" ? Family::ecdsa : Family::eddsa;
  const Algorithm *implied = algorithm_of_curve(key->family, text_in(jwk, "crv").value_or(""));
  if (implied == nullptr) return NotForUs();
  if (named != nullptr && named != implied) return Fault("type and algorithm do not fit");
  key->algorithm = implied->name;
  return *type == "EC" ? import_ec(jwk, *implied, std::move(key)) : import_ed25519(jwk, std::move(key));
}

} // namespace

VerificationKey::VerificationKey(std::unique_ptr<const Key> key) : key_(std::move(key)) {}
VerificationKey::VerificationKey(VerificationKey &&) noexcept = default;
VerificationKey &VerificationKey::operator=(VerificationKey &&) noexcept = default;
VerificationKey::~VerificationKey() = default;

VerificationKey VerificationKey::from_secret(std::string secret) {
  auto key = std::make_unique<Key>();
  key->secret = std::move(secret);
  return VerificationKey(std::move(key));
}

const std::string &VerificationKey::id() const { return key_->id; }

bool VerificationKey::allows(std::string_view algorithm) const {
  const Algorithm *known = find_algorithm(algorithm);
  return known != nullptr && known->family == key_->family && (key_->algorithm.empty() || key_->algorithm == algorithm);
}

bool VerificationKey::verify(std::string_view algorithm, std::string_view signed_text,
                             std::string_view signature) const {
  if (!allows(algorithm) || signature.empty()) return false;
  const Algorithm &known = *find_algorithm(algorithm);
  return known.family == Family::hmac ? verify_hmac(*key_, known, signed_text, signature)
                                      : verify_public(*key_, known, signed_text, signature);
}

std::variant<std::vector<VerificationKey>, std::string> parse_jwk_set(std::string_view text, SecretKeys secrets) {
  if (text.size() > kMaxJwkSetBytes) return "the JWK set is too long";
  const auto set = json::parse(text);
  const auto list = set ? json::member(*set, "keys") : std::nullopt;
  if (!list || list->kind != json::Kind::array) return "the JWK set is not a JSON object with an array of keys";
  std::vector<VerificationKey> keys;
  std::size_t number = 0;
  for (const json::Value &jwk : json::elements(*list)) {
    if (++number > kMaxJwkSetKeys) return "the JWK set has too many keys";
    Imported imported = import_key(jwk, secrets);
    if (const auto *fault = std::get_if<Fault>(&imported))
      return "key " + std::to_string(number) + " of the JWK set: " + *fault;
    if (auto *key = std::get_if<std::unique_ptr<VerificationKey::Key>>(&imported)) keys.emplace_back(std::move(*key));
  }
  if (keys.empty()) return "the JWK set has no key to verify signatures with";
  return keys;
}

} // namespace pg_live
