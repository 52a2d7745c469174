// See api_key_file.hpp.
#include "issuer/api_key_file.hpp"

#include "base/text_file.hpp"
#include "identity/api_key_list.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace pg_live {

ApiKeyFile::ApiKeyFile(Loop &loop, const Log &log, const TokenOptions &options, TokenVerifier &verifier)
    : log_(log), options_(options), verifier_(verifier), timer_(loop, [this] { refresh(); }) {
  if (options.api_key_file.empty()) return;
  if (const auto problem = read()) throw std::runtime_error("\"" + options.api_key_file + "\": " + *problem);
}

void ApiKeyFile::start(std::function<void()> changed) {
  changed_ = std::move(changed);
  const std::chrono::seconds period{options_.jwks_refresh_seconds};
  if (!options_.api_key_file.empty()) timer_.start(period, period);
}

void ApiKeyFile::refresh() {
  if (options_.api_key_file.empty()) return;
  const std::string before = text_;
  if (const auto problem = read())
    return log_.error("could not read the API keys again: those read before stay in force",
                      {{"file", options_.api_key_file}, {"error", *problem}});
  if (text_ == before) return;
  log_.info("read the API keys again", {{"file", options_.api_key_file}});
  changed_();
}

std::optional<std::string> ApiKeyFile::read() {
  auto text = read_text_file(options_.api_key_file);
  if (!text) return "the file cannot be read";
  const auto keys = parse_api_keys(*text);
  if (const auto *problem = std::get_if<std::string>(&keys)) return *problem;
  verifier_.replace_api_keys(std::get<std::vector<HashedApiKey>>(keys));
  text_ = std::move(*text);
  return std::nullopt;
}

} // namespace pg_live
