// See token.hpp. The rules are those of RFC 8725 (JWT best current practices); the messages are Supabase Realtime's
// where a client may look for them.
#include "identity/token.hpp"

#include "base/base64url.hpp"
#include "base/sqlstate.hpp"
#include "identity/jwk.hpp"
#include "identity/token_cache.hpp"
#include "identity/token_claims.hpp"
#include "text/json.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>

namespace pg_live {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

TokenError malformed() {
  return {"MalformedJWT", sqlstate::kInvalidAuthorization, "The token provided is not a valid JWT"};
}
TokenError bad_signature() {
  return {"JwtSignatureError", sqlstate::kInvalidAuthorization, "Failed to validate JWT signature"};
}

TokenResult refuse(TokenError error) { return {nullptr, std::move(error)}; }

// The three parts of a token as sent, and the decoded ones. The views are into the token.
struct Parts {
  std::string_view signed_text;
  std::string header;
  std::string payload;
  std::string signature;
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  auto header = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !payload || !signature || signature->empty()) return std::nullopt;
  return Parts{token.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

// A JSON object in which every name stands once: where it does not, two readers may see two claims.
std::optional<json::Value> parse_object(std::string_view text) {
  const auto value = json::parse(text);
  if (!value || value->kind != json::Kind::object || json::has_duplicate_members(*value)) return std::nullopt;
  return value;
}

struct Header {
  std::string algorithm;
  std::string key_id;
};

std::optional<Header> parse_header(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return std::nullopt;
  if (json::member(*object, "crit")) return std::nullopt; // RFC 7515 section 4.1.11: we understand no extension
  Header header;
  const auto algorithm = json::member(*object, "alg");
  if (!algorithm || !json::unescape(*algorithm, header.algorithm)) return std::nullopt;
  const auto key_id = json::member(*object, "kid");
  if (key_id && !json::unescape(*key_id, header.key_id)) return std::nullopt;
  return header;
}

TokenError expired(sys_seconds expires_at, sys_seconds now) {
  return invalid_token("Token has expired " + std::to_string((now - expires_at).count()) + " seconds ago");
}

} // namespace

struct TokenVerifier::State {
  struct KeySet {
    std::vector<VerificationKey> secrets; // of the settings: one or none
    std::vector<VerificationKey> jwk_set;
    std::string text; // of the JWK set
  };

  std::vector<KeySet> key_sets;
  using ApiKeys = std::vector<std::pair<TokenDigest, ClaimsRef>>;
  ApiKeys api_keys;
  ApiKeys file_keys;
  std::vector<std::string> audiences;
  std::vector<TokenIssuer> issuers;
  seconds leeway;
  TokenCache cache;

  std::optional<std::string> replace_jwk_set(std::size_t key_set, std::string_view text, SecretKeys secrets) {
    KeySet &replaced = key_sets.at(key_set);
    if (replaced.text == text) return std::nullopt;
    auto parsed = parse_jwk_set(text, secrets);
    if (auto *fault = std::get_if<std::string>(&parsed)) return std::move(*fault);
    replaced.jwk_set = std::move(std::get<std::vector<VerificationKey>>(parsed));
    replaced.text = text;
    cache.clear();
    return std::nullopt;
  }

  // Whose keys verify a token with these claims, or nothing if it is from no issuer of the settings.
  std::optional<std::size_t> key_set_of(json::Value claims) const {
    if (issuers.empty()) return kSharedKeys;
    const auto issuer = json::member(claims, "iss");
    if (!issuer || issuer->kind != json::Kind::string) return std::nullopt;
    for (const TokenIssuer &known : issuers)
      if (json::equals(issuer->raw, known.name)) return known.key_set;
    return std::nullopt;
  }

  void add_api_key(const ApiKey &api_key) {
    if (api_key.key.empty()) throw std::invalid_argument("an API key must not be empty");
    if (!is_role_name(api_key.role))
      throw std::invalid_argument("the role of an API key must be a text of 1 to 63 bytes");
    api_keys.emplace_back(digest_of(api_key.key), claims_of_role(api_key.role));
  }

  // Every key is compared, so that how long it takes says nothing.
  ClaimsRef find_api_key(const TokenDigest &digest) const {
    ClaimsRef found;
    for (const ApiKeys *keys : {&file_keys, &api_keys})
      for (const auto &[known, claims] : *keys)
        if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) found = claims;
    return found;
  }

  // A key that has not changed keeps its claims, which connections share.
  void replace_api_keys(const std::vector<HashedApiKey> &keys) {
    ApiKeys replaced;
    for (const HashedApiKey &key : keys) {
      const auto is_same = [&key](const auto &known) {
        return known.first == key.digest && known.second->api_key == key.name && known.second->role == key.role;
      };
      const auto found = std::find_if(file_keys.begin(), file_keys.end(), is_same);
      if (found != file_keys.end()) {
        replaced.push_back(*found);
      } else {
        Claims claims = *claims_of_role(key.role);
        claims.api_key = key.name;
        replaced.emplace_back(key.digest, std::make_shared<const Claims>(std::move(claims)));
      }
    }
    file_keys = std::move(replaced);
  }

  // A key with the token's `kid` alone decides; without one, any key for its algorithm may. The configured secret has
  // no id and is for HS tokens of any, since issuers name a `kid` for it too.
  std::optional<TokenError> check_signature(std::size_t key_set, const Header &header, const Parts &parts) const {
    const auto &[secrets, jwk_set, text] = key_sets[key_set];
    const auto is_named = [&header](const VerificationKey &key) { return key.id() == header.key_id; };
    const bool knows_id = !header.key_id.empty() && std::any_of(jwk_set.begin(), jwk_set.end(), is_named);
    for (const auto *keys : {&secrets, &jwk_set})
      for (const VerificationKey &key : *keys)
        if ((!knows_id || is_named(key) || keys == &secrets) &&
            key.verify(header.algorithm, parts.signed_text, parts.signature))
          return std::nullopt;
    TokenError error = bad_signature();
    if (jwk_set.empty() || (!header.key_id.empty() && !knows_id)) error.missing_key_of = key_set;
    return error;
  }

  TokenResult verify_jwt(std::string_view token, sys_seconds now) const {
    const auto parts = split(token);
    const auto header = parts ? parse_header(parts->header) : std::nullopt;
    if (!header) return refuse(malformed());
    const auto object = parse_object(parts->payload);
    if (!object) return refuse(malformed());
    const auto key_set = key_set_of(*object);
    if (!key_set) return refuse(invalid_token("Token is from another issuer"));
    if (auto error = check_signature(*key_set, *header, *parts)) return refuse(std::move(*error));
    Claims claims;
    if (auto error = read_claims(*object, claims)) return refuse(std::move(*error));
    if (claims.expires_at <= now) return refuse(expired(claims.expires_at, now));
    if (auto error = check_start(*object, claims.issued_at, now + leeway)) return refuse(std::move(*error));
    if (!audiences.empty() && !has_audience(*object, audiences))
      return refuse(invalid_token("Token is for another audience"));
    // Of an issuer whose clock is ahead: it may be as old as that, so a revocation before now is for it too.
    if (claims.issued_at > now) claims.issued_at -= leeway;
    claims.text = object->raw;
    return {std::make_shared<const Claims>(std::move(claims)), std::nullopt};
  }
};

TokenVerifier::TokenVerifier(const TokenSettings &settings)
    : state_(std::make_unique<State>(State{.key_sets = {},
                                           .api_keys = {},
                                           .file_keys = {},
                                           .audiences = settings.audiences,
                                           .issuers = settings.issuers,
                                           .leeway = settings.leeway,
                                           .cache = TokenCache(settings.cached_tokens)})) {
  std::size_t last_set = kSharedKeys;
  for (const TokenIssuer &issuer : settings.issuers)
    last_set = std::max(last_set, issuer.key_set);
  state_->key_sets.resize(last_set + 1);
  if (!settings.secret.empty())
    state_->key_sets[kSharedKeys].secrets.push_back(VerificationKey::from_secret(settings.secret));
  for (const ApiKey &api_key : settings.api_keys)
    state_->add_api_key(api_key);
  if (settings.jwk_set.empty()) return;
  if (const auto fault = state_->replace_jwk_set(kSharedKeys, settings.jwk_set, SecretKeys::allowed))
    throw std::invalid_argument(*fault);
}

TokenVerifier::TokenVerifier(TokenVerifier &&) noexcept = default;
TokenVerifier &TokenVerifier::operator=(TokenVerifier &&) noexcept = default;
TokenVerifier::~TokenVerifier() = default;

TokenResult TokenVerifier::verify(std::string_view token, sys_seconds now) {
  if (token.empty() || token.size() > kMaxTokenBytes) return refuse(malformed());
  const TokenDigest digest = digest_of(token);
  if (auto claims = state_->find_api_key(digest)) return {std::move(claims), std::nullopt};
  if (auto claims = state_->cache.use(digest, now)) return {std::move(claims), std::nullopt};
  TokenResult result = state_->verify_jwt(token, now);
  if (result.claims) state_->cache.insert(digest, result.claims);
  return result;
}

std::optional<std::string> TokenVerifier::replace_jwk_set(std::size_t key_set, std::string_view text,
                                                          SecretKeys secrets) {
  return state_->replace_jwk_set(key_set, text, secrets);
}

void TokenVerifier::replace_api_keys(const std::vector<HashedApiKey> &keys) { state_->replace_api_keys(keys); }

bool TokenVerifier::is_removed_api_key(const Claims &claims) const {
  return !claims.api_key.empty() &&
         std::none_of(state_->file_keys.begin(), state_->file_keys.end(),
                      [&claims](const auto &known) { return known.second.get() == &claims; });
}

} // namespace pg_live
