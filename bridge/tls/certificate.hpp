// The certificate and key of the encrypted port, and how TLS is spoken there: 1.2 and 1.3 with ciphers that keep past
// traffic secret, HTTP/1.1 only, since frames written ready would be wrong inside HTTP/2.
// Invariants: files that cannot be used leave those before them in force; connections keep what they began with.
#pragma once

#include "process/log.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace pg_live {

class Certificate {
 public:
  using SessionPointer = std::unique_ptr<SSL, decltype(&SSL_free)>;

  // Reads the files. Throws std::runtime_error, with a message for the operator, if they cannot be used.
  Certificate(Loop &loop, const Log &log, const TlsSettings &settings);

  // Looks again and again whether the files have changed, and whether the certificate expires.
  void start();

  // Reads the files again now.
  void reload();

  // The server's side of one new connection.
  SessionPointer new_session(int descriptor) const;

  std::chrono::sys_seconds expiry() const { return expiry_; }

 private:
  // What is wrong with the files, if anything is.
  std::optional<std::string> read();
  void check_files();
  void read_again();
  void warn_of_expiry();

  const Log &log_;
  const TlsSettings &settings_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::chrono::sys_seconds expiry_;
  std::string state_of_files_; // when they were last read
  std::string problem_;        // of the last read; empty: none
  LoopTimer file_timer_;
  LoopTimer expiry_timer_;
};

} // namespace pg_live
