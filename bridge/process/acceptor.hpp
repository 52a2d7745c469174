// The listening socket of one process. Several processes share the port: the kernel spreads new connections over them
// (SO_REUSEPORT). Invariant: one turn of the loop accepts a bounded number, so that a burst of new clients does not
// delay the connected ones.
#pragma once

#include "base/ip_address.hpp"
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
  Acceptor(Loop &loop, const Log &log, const SocketSettings &settings, const std::string &address, std::uint16_t port,
           std::function<void(Descriptor, const IpAddress &)> accepted);

  // The port it listens on, even if the setting asked for a free one.
  unsigned port() const;

  void start();

  // Stops listening. That resets connections in the kernel's queue, so these are accepted first.
  void stop();

 private:
  void accept_some(int max);

  const Log &log_;
  const SocketSettings &settings_;
  std::function<void(Descriptor, const IpAddress &)> accepted_;
  Descriptor socket_;
  std::optional<Watcher> watcher_;
  LoopTimer retry_timer_; // when descriptors have run out
};

} // namespace pg_live
