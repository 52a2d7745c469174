// Lets all clients go before the process ends, not all at once if they are many: they come back at once, to another
// bridge, which has to admit them.
#pragma once

#include "connection/connection_registry.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace pg_live {

class Drain {
 public:
  explicit Drain(ConnectionRegistry &connections) : connections_(connections) {}

  // Begins at `now`; the last client is let go at most `window` later.
  void begin(std::uint64_t now, Milliseconds window);

  // Lets those go whose time has come.
  void advance(std::uint64_t now);

 private:
  ConnectionRegistry &connections_;
  std::uint64_t began_ = 0;
  Milliseconds window_{0};
  std::vector<std::weak_ptr<RegisteredConnection>> leaving_; // some may have left by themselves
  std::size_t let_go_ = 0;                                   // of them, from the first
};

} // namespace pg_live
