// One encrypted connection of a client. It takes the encryption off, and passes what is inside on through a pair of
// local sockets, so that those who read requests and frames need not know of it: the other end behaves as the socket
// of a client who speaks plainly.
//
// Libwebsockets could encrypt by itself, but only where it reads requests too: our own reading of the head, with all
// that it refuses, and the preface of a proxy, would not hold there.
//
// Invariants: at most one read's worth of bytes is kept in each direction, and nothing more is read until it is
// written, so a slow reader fills the bounded send buffers and then its queue, as without encryption; a handshake
// advances only when the owner calls, who shares out the time that it costs.
#pragma once

#include "base/ip_address.hpp"
#include "base/timer_wheel.hpp"
#include "limits/arrivals.hpp"
#include "limits/limiter.hpp"
#include "process/descriptor.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"
#include "tls/certificate.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Tunnel;

class TunnelOwner {
 public:
  virtual ~TunnelOwner() = default;

  // Bytes of the handshake have arrived: the owner calls advance_handshake() soon.
  virtual void handshake_waits(Tunnel &tunnel) = 0;
  // The handshake is done. `socket` says what the client says, and uses `allowance` from now on.
  virtual void opened(Tunnel &tunnel, Descriptor socket, Allowance allowance) = 0;
  // The handshake failed, or took too long; finished() follows.
  virtual void handshake_failed(Tunnel &tunnel, std::string_view reason) = 0;
  // The connection is over. The owner drops its reference.
  virtual void finished(Tunnel &tunnel) = 0;
};

class Tunnel final : public Timer, public Newcomer, public std::enable_shared_from_this<Tunnel> {
 public:
  struct Surroundings {
    Loop &loop;
    TimerWheel &wheel; // in seconds of the loop's clock
    const Settings &settings;
    const Certificate &certificate;
    Arrivals &unfinished; // handshakes; outlives all tunnels
  };

  // `allowance`: of that address, which is the peer's.
  Tunnel(const Surroundings &surroundings, TunnelOwner &owner, Descriptor socket, const IpAddress &address,
         Allowance allowance);

  // Of the client: of the peer, or what a trusted proxy says in its preface.
  const IpAddress &address() const { return address_; }

  // Whether its handshake was done.
  bool was_opened() const { return was_opened_; }

  void advance_handshake();

  // Ends a connection whose handshake is not done.
  void give_way() override;

 private:
  enum class Step { preface, handshake, open, lingering, finished };

  void on_network(int events);
  void on_local(int events);
  void read_preface();
  void move_to(const IpAddress &address);
  void open();
  void refuse_plain_request();
  void take_in();
  bool pass_on();
  void give_out();
  bool encrypt(std::string_view bytes);
  void linger();
  void discard();
  void fail(std::string_view reason);
  void finish();
  void expired(std::chrono::seconds now) override;
  void set_deadline(std::chrono::seconds delay);
  void watch();

  const Surroundings surroundings_;
  TunnelOwner &owner_;
  Descriptor socket_; // of the client
  Descriptor local_;  // what the bridge writes to its end arrives here
  IpAddress address_;
  Allowance allowance_;                    // until the handshake is done
  std::optional<Arrival> arrival_;         // likewise
  std::optional<Watcher> network_watcher_; // watchers end before their descriptors
  std::optional<Watcher> local_watcher_;
  int network_events_ = 0; // watched for
  int local_events_ = 0;
  Certificate::SessionPointer session_{nullptr, SSL_free};
  std::string received_; // a preface that is not complete
  std::string inward_;   // decrypted, and not passed on yet
  std::string outward_;  // not encrypted yet: the client reads slowly
  Step step_ = Step::handshake;
  bool was_opened_ = false;
  bool bridge_left_ = false; // noticed while bytes wait for the client
  bool read_waits_ = false;  // to read, the session must write first
};

} // namespace pg_live
