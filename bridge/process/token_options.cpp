// See token_options.hpp.
#include "process/token_options.hpp"

#include "base/http_text.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace pg_live {

namespace {

constexpr std::size_t kMinSecretBytes = 32;

constexpr std::array<std::string_view, 3> kThisMachine = {"localhost", "127.0.0.1", "[::1]"};

[[noreturn]] void refuse_option(std::string_view option, const std::string &problem) {
  throw std::invalid_argument(std::string(option).append(": ").append(problem));
}

// RFC 7518 section 3.2: a key of as many bits as the hash has. A shorter one can be found by trying.
void check_secret(std::string_view secret) {
  if (!secret.empty() && secret.size() < kMinSecretBytes)
    refuse_option("--jwt-secret", "the secret must have at least " + std::to_string(kMinSecretBytes) +
                                      " bytes\nhint: openssl rand -hex 32 makes one");
}

// The host of a URL, without its port.
std::string_view host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  return authority.substr(0, authority.find(':', authority.starts_with('[') ? authority.find(']') : 0));
}

// What other programs read in two ways is refused: a backslash, a user, what should be escaped.
bool is_url_character(char c) { return c > ' ' && c < '\x7f' && c != '\\' && c != '@'; }

void check_url(std::string_view option, std::string_view keys) {
  const std::string quoted = "\"" + std::string(keys) + "\" ";
  const auto begins_with = [keys](std::string_view scheme) {
    return equals_ignoring_case(keys.substr(0, scheme.size()), scheme);
  };
  const std::string_view host = host_of(keys);
  if (host.empty() || !std::all_of(keys.begin(), keys.end(), is_url_character))
    refuse_option(option, quoted + "is no URL of a host, without a user");
  const auto is_host = [host](std::string_view own) { return equals_ignoring_case(own, host); };
  if (begins_with("https://")) return;
  if (!begins_with("http://") || std::none_of(kThisMachine.begin(), kThisMachine.end(), is_host))
    refuse_option(option, quoted + "must begin with https://\nhint: http is for localhost, 127.0.0.1 and [::1] only");
}

void check_keys(std::string_view option, std::string_view keys) {
  if (is_url(keys)) check_url(option, keys);
}

} // namespace

bool is_url(std::string_view keys) { return keys.find("://") != std::string_view::npos; }

// The name may be a URL, which has no `=` unless it has a query.
IssuerOption parse_issuer(std::string_view word) {
  const std::size_t separator = word.find('=');
  IssuerOption issuer{std::string(word.substr(0, separator)), ""};
  if (separator != std::string_view::npos) issuer.keys = word.substr(separator + 1);
  if (issuer.name.empty() || word.ends_with('='))
    refuse_option("--jwt-issuer", "\"" + std::string(word) + "\" must be issuer or issuer=keys");
  return issuer;
}

void check_token_options(const TokenOptions &options) {
  check_secret(options.secret);
  check_keys("--jwks", options.jwks);
  const bool shares_keys = !options.secret.empty() || !options.jwks.empty();
  bool uses_shared_keys = options.issuers.empty();
  for (auto issuer = options.issuers.begin(); issuer != options.issuers.end(); ++issuer) {
    const auto is_same = [issuer](const IssuerOption &other) { return other.name == issuer->name; };
    if (std::any_of(options.issuers.begin(), issuer, is_same))
      refuse_option("--jwt-issuer", "\"" + issuer->name + "\" is named twice");
    check_keys("--jwt-issuer", issuer->keys);
    if (issuer->keys.empty() && !shares_keys)
      refuse_option("--jwt-issuer",
                    "\"" + issuer->name + "\" has no keys\nhint: give issuer=keys, or --jwks or --jwt-secret");
    uses_shared_keys = uses_shared_keys || issuer->keys.empty();
  }
  if (shares_keys && !uses_shared_keys)
    refuse_option("--jwt-issuer", "the keys of --jwt-secret and --jwks are those of no issuer\nhint: name an issuer "
                                  "without keys of its own");
}

} // namespace pg_live
