// Keeps the key sets of issuers fresh: reads files and fetches URLs, again and again, and gives them to the verifier.
//
// Invariants: a set that cannot be read or used leaves the one before it in force; a token with an unknown key causes a
// fetch at a bounded rate, however many such tokens come, and each waits for one fetch at most. The caller bounds how
// many wait.
#pragma once

#include "base/rate_limit.hpp"
#include "identity/token.hpp"
#include "issuer/http_fetcher.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"
#include "process/token_options.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

// What the verifier is to know of the options; the key sets are numbered as IssuerKeys does.
TokenSettings token_settings(const TokenOptions &options);

class IssuerKeys {
 public:
  // Reads the files. Throws std::runtime_error, with a message for the operator, if one cannot be used. URLs are
  // fetched from start() on.
  IssuerKeys(Loop &loop, const Log &log, const TokenOptions &options, TokenVerifier &verifier);

  void start();

  // Reads all files and fetches all URLs now.
  void refresh();

  // Reads a key set again because a token has a key that it lacks. True if the keys have to be awaited: `resume` is
  // called later, once, when they have come or will not come. False if they have been read already or were read a
  // moment ago.
  bool await(std::size_t key_set, std::function<void()> resume);

  // Whether the set is one that was never read since the start.
  bool is_awaited(std::size_t key_set) const;

  std::uint64_t fetches() const { return fetches_; }

 private:
  struct Source {
    Source(Loop &loop, std::size_t its_key_set, std::string its_place, std::function<void()> due)
        : key_set(its_key_set), place(std::move(its_place)), timer(loop, std::move(due)) {}

    std::size_t key_set;
    std::string place; // file or URL
    LoopTimer timer;
    TokenBucket unknown_keys; // fetches on behalf of tokens
    unsigned failures = 0;    // in a row
    bool was_read = false;
    bool is_fetching = false;
    std::vector<std::function<void()>> waiting;
  };

  void add_source(std::size_t key_set, const std::string &place);
  void read(Source &source);
  void finish(Source &source, const Fetched &fetched);
  void use(Source &source, std::string_view text);
  void fail(Source &source, std::string_view problem);
  void resume_waiting(Source &source);

  Loop &loop_;
  const Log &log_;
  const TokenOptions &options_;
  TokenVerifier &verifier_;
  std::unique_ptr<HttpFetcher> fetcher_; // null: no key set is at a URL
  std::vector<std::unique_ptr<Source>> sources_;
  std::uint64_t fetches_ = 0;
};

} // namespace pg_live
