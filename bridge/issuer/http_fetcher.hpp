// Fetches small documents over HTTP with libcurl's multi interface, on the loop: nothing here blocks it.
// Invariants: every fetch ends within kFetchTimeout; redirects are not followed; a response is read up to
// kMaxResponseBytes and never decompressed; several fetches run at once, so a host that hangs delays no other.
#pragma once

#include "process/loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace pg_live {

inline constexpr std::chrono::seconds kFetchTimeout{5};
inline constexpr std::size_t kMaxResponseBytes = std::size_t{1} << 20;

// Why a fetch failed, for the log.
struct FetchFault {
  std::string message;
};

using Fetched = std::variant<std::string, FetchFault>;

class HttpFetcher {
 public:
  // `ca_file`: the certificates that those of hosts are checked against; empty: the system's.
  HttpFetcher(Loop &loop, std::string ca_file);
  ~HttpFetcher();
  HttpFetcher(const HttpFetcher &) = delete;
  HttpFetcher &operator=(const HttpFetcher &) = delete;

  // Calls `done` later, once, unless the fetcher is destroyed before.
  void get(const std::string &url, std::function<void(Fetched)> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace pg_live
