// The encrypted port: accepts connections, and gives those whose handshake is done to the node, as sockets that speak
// plainly. Invariants: a socket counts as a connection of its address from its acceptance on, and an address that has
// too many costs no handshake; a bounded number of handshakes is unfinished, and of those the address that has most
// gives way, so that clients who never finish one keep nobody else out; one turn of the loop spends a bounded time on
// handshakes, which cost more than all else that a connection does, so that a burst of them does not delay the
// connected clients.
#pragma once

#include "metrics/tls_tally.hpp"
#include "process/acceptor.hpp"
#include "tls/certificate.hpp"
#include "tls/tunnel.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace pg_live {

class TlsServer final : public TunnelOwner {
 public:
  using Accepted = std::function<void(Descriptor, const IpAddress &, Allowance)>;

  // `accepted` gets each socket, the client's address and what it may use. Throws std::runtime_error if the certificate
  // cannot be used, or the port not be listened on.
  TlsServer(Loop &loop, const Log &log, TimerWheel &wheel, const Settings &settings, Limiter &limiter,
            Accepted accepted);

  void start();
  void stop() { acceptor_.stop(); }
  void reload() { certificate_.reload(); }

  unsigned port() const { return acceptor_.port(); }
  bool is_empty() const { return tunnels_.empty(); }
  const TlsTally &tally() const { return tally_; }
  std::size_t open() const { return opened_; }
  std::size_t unfinished_handshakes() const { return unfinished_.size(); }
  std::chrono::sys_seconds certificate_expiry() const { return certificate_.expiry(); }

 private:
  void accept(Descriptor socket, const IpAddress &address);
  void make_room();
  void advance_handshakes();
  void handshake_waits(Tunnel &tunnel) override;
  void opened(Tunnel &tunnel, Descriptor socket, Allowance allowance) override;
  void handshake_failed(Tunnel &tunnel, std::string_view reason) override;
  void finished(Tunnel &tunnel) override;

  const Log &log_;
  const Settings &settings_;
  Limiter &limiter_;
  Certificate certificate_;
  Arrivals unfinished_; // handshakes
  const Tunnel::Surroundings surroundings_;
  Accepted accepted_;
  TlsTally tally_;
  std::unordered_map<Tunnel *, std::shared_ptr<Tunnel>> tunnels_;
  std::deque<std::weak_ptr<Tunnel>> waiting_; // bytes of their handshakes have arrived
  std::size_t opened_ = 0;                    // tunnels whose handshake is done
  LoopTimer turn_;
  Acceptor acceptor_;
};

} // namespace pg_live
