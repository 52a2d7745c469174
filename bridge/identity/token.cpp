// See token.hpp. The rules are those of RFC 8725 (JWT best current practices); the messages are Supabase Realtime's
// where a client may look for them.
#include "identity/token.hpp"

#include "base/sqlstate.hpp"
#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>

#include "base/base64url.hpp"
#include "identity/jwk.hpp"
#include "identity/token_cache.hpp"
#include "text/json.hpp"
#include "text/utf8.hpp"

namespace pg_live {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Clocks of issuers run ahead of ours by less than these: for `iat`, and for `nbf`, where PostgREST allows as much.
constexpr seconds kIssueTolerance{300};
constexpr seconds kNotBeforeTolerance{30};

TokenError malformed() {
  return {"MalformedJWT", sqlstate::kInvalidAuthorization, "The token provided is not a valid JWT"};
}
TokenError bad_signature() {
  return {"JwtSignatureError", sqlstate::kInvalidAuthorization, "Failed to validate JWT signature"};
}
TokenError invalid(std::string message) {
  return {"InvalidJWTToken", sqlstate::kInvalidAuthorization, std::move(message)};
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

// A NumericDate (RFC 7519 section 2), which may have a fraction: cut to whole seconds and to the years 0 to 9999.
std::optional<sys_seconds> parse_time(json::Value value) {
  if (value.kind != json::Kind::number) return std::nullopt;
  double number = 0;
  const auto result = std::from_chars(value.raw.data(), value.raw.data() + value.raw.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  constexpr double kFirst = -62167219200.0;
  constexpr double kLast = 253402300799.0;
  return sys_seconds(seconds(static_cast<std::int64_t>(std::clamp(number, kFirst, kLast))));
}

// A text of 1 to `max_characters` characters without control characters.
bool is_name(std::string_view text, std::size_t max_characters) {
  std::size_t characters = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool is_c1_control = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || first < 0x20 || first == 0x7F || is_c1_control) return false;
    text.remove_prefix(length);
    ++characters;
  }
  return characters >= 1 && characters <= max_characters;
}

bool is_role(std::string_view text) { return text.size() <= 63 && is_name(text, 63); } // NAMEDATALEN - 1 bytes

// RFC 7519 section 4.1.3: one audience, or an array of them.
bool has_audience(json::Value claims, std::string_view audience) {
  const auto value = json::member(claims, "aud");
  if (!value) return false;
  const auto is_it = [audience](json::Value each) {
    return each.kind == json::Kind::string && json::equals(each.raw, audience);
  };
  if (is_it(*value)) return true;
  for (const json::Value &each : json::elements(*value))
    if (is_it(each)) return true;
  return false;
}

bool is_issuer(json::Value claims, std::string_view issuer) {
  const auto value = json::member(claims, "iss");
  return value && value->kind == json::Kind::string && json::equals(value->raw, issuer);
}

// Fills `out` from the claims, or says what is wrong with them.
std::optional<TokenError> read_claims(json::Value claims, Claims &out) {
  const auto role = json::member(claims, "role");
  const auto expiry = json::member(claims, "exp");
  if (!role || !expiry || role->kind == json::Kind::null || expiry->kind == json::Kind::null)
    return invalid("Fields `role` and `exp` are required in JWT");
  if (!json::unescape(*role, out.role) || !is_role(out.role))
    return invalid("Field `role` must be a text of 1 to 63 bytes without control characters");
  const auto expires_at = parse_time(*expiry);
  if (!expires_at) return invalid("Field `exp` must be a number");
  out.expires_at = *expires_at;
  const auto subject = json::member(claims, "sub");
  if (subject && subject->kind != json::Kind::null &&
      (!json::unescape(*subject, out.user_id) || !is_name(out.user_id, 255)))
    return invalid("Field `sub` must be a text of 1 to 255 characters without control characters");
  return std::nullopt;
}

// The claims that bound when a token may be used, `exp` aside.
std::optional<TokenError> check_times(json::Value claims, sys_seconds now) {
  const auto not_before = json::member(claims, "nbf");
  const auto issued_at = json::member(claims, "iat");
  const auto start = not_before ? parse_time(*not_before) : now;
  const auto issued = issued_at ? parse_time(*issued_at) : now;
  if (!start) return invalid("Field `nbf` must be a number");
  if (!issued) return invalid("Field `iat` must be a number");
  if (*start > now + kNotBeforeTolerance) return invalid("Token is not valid yet");
  if (*issued > now + kIssueTolerance) return invalid("Token was issued in the future");
  return std::nullopt;
}

TokenError expired(sys_seconds expires_at, sys_seconds now) {
  return invalid("Token has expired " + std::to_string((now - expires_at).count()) + " seconds ago");
}

} // namespace

struct TokenVerifier::State {
  std::vector<VerificationKey> secrets; // of the settings: one or none
  std::vector<VerificationKey> jwk_set;
  std::vector<std::pair<TokenDigest, ClaimsRef>> api_keys;
  std::string audience;
  std::string issuer;
  TokenCache cache;

  std::optional<std::string> replace_jwk_set(std::string_view text) {
    auto parsed = parse_jwk_set(text);
    if (auto *fault = std::get_if<std::string>(&parsed)) return std::move(*fault);
    jwk_set = std::move(std::get<std::vector<VerificationKey>>(parsed));
    cache.clear();
    return std::nullopt;
  }

  void add_api_key(const ApiKey &api_key) {
    if (api_key.key.empty()) throw std::invalid_argument("an API key must not be empty");
    if (!is_role(api_key.role)) throw std::invalid_argument("the role of an API key must be a text of 1 to 63 bytes");
    api_keys.emplace_back(digest_of(api_key.key), claims_of_role(api_key.role));
  }

  // Every key is compared, so that how long it takes says nothing.
  ClaimsRef find_api_key(const TokenDigest &digest) const {
    ClaimsRef found;
    for (const auto &[known, claims] : api_keys)
      if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) found = claims;
    return found;
  }

  // A key with the token's `kid` alone decides; without one, any key for its algorithm may. The configured secret has
  // no id and is for HS tokens of any, since issuers name a `kid` for it too.
  std::optional<TokenError> check_signature(const Header &header, const Parts &parts) const {
    const auto is_named = [&header](const VerificationKey &key) { return key.id() == header.key_id; };
    const bool knows_id = !header.key_id.empty() && std::any_of(jwk_set.begin(), jwk_set.end(), is_named);
    for (const auto *keys : {&secrets, &jwk_set})
      for (const VerificationKey &key : *keys)
        if ((!knows_id || is_named(key) || keys == &secrets) &&
            key.verify(header.algorithm, parts.signed_text, parts.signature))
          return std::nullopt;
    TokenError error = bad_signature();
    error.unknown_key = !header.key_id.empty() && !knows_id;
    return error;
  }

  TokenResult verify_jwt(std::string_view token, sys_seconds now) const {
    const auto parts = split(token);
    const auto header = parts ? parse_header(parts->header) : std::nullopt;
    if (!header) return refuse(malformed());
    if (auto error = check_signature(*header, *parts)) return refuse(std::move(*error));
    const auto object = parse_object(parts->payload);
    if (!object) return refuse(malformed());
    Claims claims;
    if (auto error = read_claims(*object, claims)) return refuse(std::move(*error));
    if (claims.expires_at <= now) return refuse(expired(claims.expires_at, now));
    if (auto error = check_times(*object, now)) return refuse(std::move(*error));
    if (!audience.empty() && !has_audience(*object, audience)) return refuse(invalid("Token is for another audience"));
    if (!issuer.empty() && !is_issuer(*object, issuer)) return refuse(invalid("Token is from another issuer"));
    claims.text = object->raw;
    return {std::make_shared<const Claims>(std::move(claims)), std::nullopt};
  }
};

TokenVerifier::TokenVerifier(const TokenSettings &settings)
    : state_(std::make_unique<State>(State{.secrets = {},
                                           .jwk_set = {},
                                           .api_keys = {},
                                           .audience = settings.audience,
                                           .issuer = settings.issuer,
                                           .cache = TokenCache(settings.cached_tokens)})) {
  if (!settings.secret.empty()) state_->secrets.push_back(VerificationKey::from_secret(settings.secret));
  for (const ApiKey &api_key : settings.api_keys)
    state_->add_api_key(api_key);
  if (settings.jwk_set.empty()) return;
  if (const auto fault = state_->replace_jwk_set(settings.jwk_set)) throw std::invalid_argument(*fault);
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

std::optional<std::string> TokenVerifier::replace_jwk_set(std::string_view text) {
  return state_->replace_jwk_set(text);
}

} // namespace pg_live
