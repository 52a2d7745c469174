// The listening socket of one process. Several processes share the port: the kernel spreads new connections over them
// (SO_REUSEPORT). Invariant: at most a fixed number is accepted in one turn, so that a burst of new clients does not
// hold up those already there.
#pragma once

#include "process/descriptor.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pg_live {

class Acceptor {
 public:
  // Throws std::runtime_error if the address cannot be listened on. `accepted` gets each new socket and the peer's
  // address.
  Acceptor(Loop &loop, const Log &log, const Settings &settings, std::function<void(Descriptor, std::string)> accepted);

  // The port, also when a free one was asked for.
  unsigned port() const;

  void start();

  // Stops listening. Connections the kernel has accepted already would be reset by that, so they are handed over first.
  void stop();

 private:
  void accept_some(int most);

  const Log &log_;
  const Limits &limits_;
  std::function<void(Descriptor, std::string)> accepted_;
  Descriptor socket_;
  std::optional<Watcher> watcher_;
  LoopTimer retry_timer_; // when descriptors have run out
};

} // namespace pg_live
