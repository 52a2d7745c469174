// See issuer_keys.hpp.
#include "issuer/issuer_keys.hpp"

#include "base/text_file.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pg_live {

namespace {

constexpr RateLimit kUnknownKeys{0.1, 3};        // of one issuer
constexpr unsigned kMaxFailurePauseExponent = 5; // 32 seconds

} // namespace

TokenSettings token_settings(const TokenOptions &options) {
  TokenSettings settings;
  settings.secret = options.secret;
  settings.audiences = options.audiences;
  settings.leeway = std::chrono::seconds(options.leeway_seconds);
  std::size_t last_set = kSharedKeys;
  for (const IssuerOption &issuer : options.issuers)
    settings.issuers.push_back({issuer.name, issuer.keys.empty() ? kSharedKeys : ++last_set});
  for (const std::string &pair : options.api_keys) {
    const std::size_t separator = pair.rfind('=');
    settings.api_keys.push_back({pair.substr(0, separator), pair.substr(separator + 1)});
  }
  return settings;
}

IssuerKeys::IssuerKeys(Loop &loop, const Log &log, const TokenOptions &options, TokenVerifier &verifier)
    : loop_(loop), log_(log), options_(options), verifier_(verifier) {
  if (!options.jwks.empty()) add_source(kSharedKeys, options.jwks);
  std::size_t last_set = kSharedKeys;
  for (const IssuerOption &issuer : options.issuers)
    if (!issuer.keys.empty()) add_source(++last_set, issuer.keys);
}

void IssuerKeys::add_source(std::size_t key_set, const std::string &place) {
  sources_.push_back(std::make_unique<Source>(
      loop_, key_set, place, [this, place_in_list = sources_.size()] { read(*sources_[place_in_list]); }));
  if (is_url(place)) {
    if (!fetcher_) fetcher_ = std::make_unique<HttpFetcher>(loop_, options_.jwks_ca_file);
    return;
  }
  const auto text = read_text_file(place);
  if (!text) throw std::runtime_error("could not read \"" + place + "\"");
  if (const auto fault = verifier_.replace_jwk_set(key_set, *text))
    throw std::runtime_error("\"" + place + "\": " + *fault);
  sources_.back()->was_read = true;
}

void IssuerKeys::start() {
  for (const auto &source : sources_)
    if (is_url(source->place)) {
      read(*source);
    } else {
      source->timer.start(std::chrono::seconds(options_.jwks_refresh_seconds));
    }
}

void IssuerKeys::refresh() {
  for (const auto &source : sources_)
    read(*source);
}

// A file is read at once, a URL until finish().
void IssuerKeys::read(Source &source) {
  if (source.is_fetching) return;
  source.timer.stop();
  if (!is_url(source.place)) {
    const auto text = read_text_file(source.place);
    return finish(source, text ? Fetched(*text) : Fetched(FetchFault{"the file cannot be read"}));
  }
  source.is_fetching = true;
  ++fetches_;
  fetcher_->get(source.place, [this, &source](const Fetched &fetched) {
    source.is_fetching = false;
    finish(source, fetched);
    resume_waiting(source);
  });
}

void IssuerKeys::finish(Source &source, const Fetched &fetched) {
  if (const auto *fault = std::get_if<FetchFault>(&fetched)) {
    fail(source, fault->message);
  } else {
    use(source, std::get<std::string>(fetched));
  }
  const std::chrono::seconds refresh{options_.jwks_refresh_seconds};
  const std::chrono::seconds pause{1U << std::min(source.failures, kMaxFailurePauseExponent)};
  source.timer.start(source.failures == 0 ? refresh : std::min(refresh, pause));
}

void IssuerKeys::use(Source &source, std::string_view text) {
  if (const auto fault = verifier_.replace_jwk_set(source.key_set, text,
                                                   is_url(source.place) ? SecretKeys::refused : SecretKeys::allowed))
    return fail(source, *fault);
  if (!source.was_read || source.failures > 0) log_.info("read the keys of an issuer", {{"place", source.place}});
  source.was_read = true;
  source.failures = 0;
}

void IssuerKeys::fail(Source &source, std::string_view problem) {
  ++source.failures;
  log_.error(source.was_read ? "could not read the keys of an issuer again: those read before stay in force"
                             : "could not read the keys of an issuer: its tokens are refused",
             {{"place", source.place}, {"error", problem}, {"failures", source.failures}});
}

bool IssuerKeys::await(std::size_t key_set, std::function<void()> resume) {
  const auto found =
      std::find_if(sources_.begin(), sources_.end(), [&](const auto &source) { return source->key_set == key_set; });
  if (found == sources_.end()) return false; // such as that of a secret
  Source &source = **found;
  if (!source.is_fetching) {
    if (!source.unknown_keys.acquire(kUnknownKeys, std::chrono::milliseconds(loop_.now()))) return false;
    read(source);
  }
  if (!source.is_fetching) return false;
  source.waiting.push_back(std::move(resume));
  return true;
}

bool IssuerKeys::is_awaited(std::size_t key_set) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const auto &source) { return source->key_set == key_set && !source->was_read; });
}

void IssuerKeys::resume_waiting(Source &source) {
  for (const auto &resume : std::exchange(source.waiting, {}))
    resume();
}

} // namespace pg_live
