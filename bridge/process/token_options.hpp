// The settings that say whose tokens and keys are accepted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

struct IssuerOption {
  std::string name; // as in claim `iss`
  std::string keys; // file or URL of its JWK set; empty: those of --jwt-secret and --jwks
};

struct TokenOptions {
  std::string secret;       // of HS tokens; empty: none
  std::string jwks;         // file or URL of a JWK set; empty: none
  std::string jwks_ca_file; // certificates that those of the URLs' hosts are checked against; empty: the system's
  unsigned jwks_refresh_seconds = 300;
  std::vector<IssuerOption> issuers;  // empty: `iss` does not matter
  std::vector<std::string> audiences; // empty: `aud` does not matter
  unsigned leeway_seconds = 30;
  std::vector<std::string> api_keys; // key=role, neither empty
  std::string api_key_file;          // empty: none
};

// Reads `issuer` or `issuer=keys`. Throws std::invalid_argument, as do the functions below, with a message that names
// the option.
IssuerOption parse_issuer(std::string_view word);

// Whether keys are at a URL and not in a file.
bool is_url(std::string_view keys);

// Refuses a secret that is too short, a URL from which keys must not be fetched, since others on the way could replace
// them, an issuer that is named twice or has no keys, and shared keys that are no issuer's. `api_keys`: not checked.
void check_token_options(const TokenOptions &options);

} // namespace pg_live
