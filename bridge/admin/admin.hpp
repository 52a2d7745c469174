// What an operator asks of one process: what is open, who reads slowly, who was refused and why, and which events pass.
// Invariants: nothing is told without the token, which is compared in a time that does not depend on it; nothing can be
// changed here; what is told is bounded, and put together once a second at most, however often it is asked for.
#pragma once

#include "admin/event_taps.hpp"
#include "connection/connection_registry.hpp"
#include "http/http_message.hpp"
#include "metrics/refusals.hpp"
#include "process/settings.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Admin {
 public:
  // Throws std::runtime_error, with a message for the operator, if the file holds no token.
  Admin(const AdminSettings &settings, Loop &loop, Hub &hub, ConnectionRegistry &connections, const Refusals &refusals);
  ~Admin();
  Admin(const Admin &) = delete;
  Admin &operator=(const Admin &) = delete;

  static bool is_path(std::string_view path) { return path == "/admin" || path.starts_with("/admin/"); }

  HttpResponse answer(const RequestHead &head);

 private:
  using Digest = std::array<unsigned char, 32>;

  static Digest digest_of(std::string_view text);
  std::chrono::seconds now() const { return std::chrono::seconds(loop_.now() / 1000); }
  bool is_allowed(const RequestHead &head) const;
  HttpResponse events(const RequestHead &head);
  std::string state();
  std::string totals() const;
  std::string topics() const;
  std::string slowest() const;
  std::string refusals() const;

  Loop &loop_;
  Hub &hub_;
  ConnectionRegistry &connections_;
  const Refusals &refusals_;
  Digest token_;
  EventTaps taps_;
  LoopTimer expiry_timer_; // of what is followed
  std::string state_;
  std::optional<std::chrono::seconds> state_of_; // when it was put together
};

} // namespace pg_live
