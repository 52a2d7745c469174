// See api_key_list.hpp.
#include "identity/api_key_list.hpp"

#include "base/http_text.hpp"
#include "identity/token_claims.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace pg_live {

namespace {

// Cuts the next word, which spaces and tabs end; empty if there is none.
std::string_view cut_word(std::string_view &line) {
  line = trim(line);
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

std::optional<TokenDigest> parse_digest(std::string_view text) {
  TokenDigest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return digest;
}

// Fills `out`, or says what is wrong with the line.
std::string_view read_line(std::string_view line, HashedApiKey &out) {
  out.name = cut_word(line);
  out.role = cut_word(line);
  const auto digest = parse_digest(cut_word(line));
  if (!trim(line).empty() || !digest)
    return "expected a name, a role and the SHA-256 of the key in 64 hexadecimal digits";
  if (!is_role_name(out.role)) return "the role must have 1 to 63 bytes without control characters";
  out.digest = *digest;
  return {};
}

} // namespace

std::variant<std::vector<HashedApiKey>, std::string> parse_api_keys(std::string_view text) {
  std::vector<HashedApiKey> keys;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = trim(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    if (line.empty() || line.front() == '#' || line == "\r") continue;
    HashedApiKey key;
    std::string_view problem = read_line(line.substr(0, line.find('\r')), key);
    const auto is_same = [&key](const HashedApiKey &other) {
      return other.name == key.name || other.digest == key.digest;
    };
    if (problem.empty() && std::any_of(keys.begin(), keys.end(), is_same))
      problem = "the name or the key is given twice";
    if (problem.empty() && keys.size() == kMaxApiKeys) problem = "there are too many keys";
    if (!problem.empty()) return "line " + std::to_string(number) + ": " + std::string(problem);
    keys.push_back(std::move(key));
  }
  return keys;
}

} // namespace pg_live
