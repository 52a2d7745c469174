// Keeps the API keys of the file of --api-key-file in force, also when it changes.
// Invariant: a file that cannot be read or has a bad line leaves the keys before it in force.
#pragma once

#include "identity/token.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"
#include "process/token_options.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pg_live {

class ApiKeyFile {
 public:
  // Reads the file, if there is one. Throws std::runtime_error, with a message for the operator, if it cannot be used.
  ApiKeyFile(Loop &loop, const Log &log, const TokenOptions &options, TokenVerifier &verifier);

  // Reads it again and again; calls `changed` each time the file says something else.
  void start(std::function<void()> changed);

  // Reads it again now.
  void refresh();

 private:
  // What is wrong with the file, if anything is.
  std::optional<std::string> read();

  const Log &log_;
  const TokenOptions &options_;
  TokenVerifier &verifier_;
  std::string text_;
  std::function<void()> changed_;
  LoopTimer timer_;
};

} // namespace pg_live
