// The keys of the tickets with which clients of the encrypted port resume sessions. A ticket is the session itself,
// encrypted, so the server keeps nothing for it.
//
// Invariant: keys are random from their beginning, and copies are the same: made before workers are forked, a ticket of
// one worker is good at all of them.
#pragma once

#include <array>

namespace pg_live {

class TicketKeys {
 public:
  using Bytes = std::array<unsigned char, 80>; // as OpenSSL wants them: a name, and keys to sign and to encrypt

  TicketKeys(); // new ones

  const Bytes &bytes() const { return bytes_; }

 private:
  Bytes bytes_{};
};

} // namespace pg_live
