// Accepting, and sharing out the time for handshakes.
#include "tls/tls_server.hpp"

#include "http/forwarded.hpp"
#include "process/descriptor_limit.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::uint64_t kHandshakeNanosecondsPerTurn = 2'000'000;

} // namespace

TlsServer::TlsServer(Loop &loop, const Log &log, TimerWheel &wheel, const Settings &settings, Limiter &limiter,
                     Accepted accepted)
    : log_(log), settings_(settings), limiter_(limiter),
      certificate_(loop, log, settings.tls), surroundings_{loop, wheel, settings, certificate_, unfinished_},
      accepted_(std::move(accepted)), turn_(loop, [this] { advance_handshakes(); }),
      acceptor_(loop, log, settings.sockets, settings.bind_address, settings.tls.port,
                [this](Descriptor socket, const IpAddress &address) { accept(std::move(socket), address); }) {}

void TlsServer::start() {
  certificate_.start();
  acceptor_.start();
  log_.info("listening for encrypted connections", {{"address", settings_.bind_address}, {"port", port()}});
}

void TlsServer::make_room() {
  while (unfinished_.size() > settings_.limits[Limit::handshakes]) {
    limiter_.note(Limit::handshakes);
    unfinished_.first_to_go()->give_way();
  }
}

// A proxy that is trusted connects for many clients. Who is refused is not told why: that would cost a handshake.
void TlsServer::accept(Descriptor socket, const IpAddress &address) {
  if (opened_ >= settings_.limits[Limit::connections] + kSpareDescriptors) return; // closes the socket
  Allowance allowance(limiter_, address.client_key());
  if (!is_trusted(settings_.proxy.trusted, address) && allowance.excess_of_address()) {
    log_.debug("refused a connection before its handshake",
               {{"address", address.text()}, {"reason", "too many connections of its address"}});
    return;
  }
  auto tunnel = std::make_shared<Tunnel>(surroundings_, *this, std::move(socket), address, std::move(allowance));
  tunnels_.emplace(tunnel.get(), std::move(tunnel));
  make_room(); // now that the new one counts: of an address that has most, an older one gives way
}

void TlsServer::handshake_waits(Tunnel &tunnel) {
  waiting_.push_back(tunnel.weak_from_this());
  if (!turn_.running()) turn_.start(Milliseconds{0});
}

void TlsServer::advance_handshakes() {
  const std::uint64_t end = Loop::exact_now() + kHandshakeNanosecondsPerTurn;
  while (!waiting_.empty() && Loop::exact_now() < end) {
    const auto tunnel = waiting_.front().lock();
    waiting_.pop_front();
    if (tunnel) tunnel->advance_handshake();
  }
  if (!waiting_.empty()) turn_.start(Milliseconds{0});
}

void TlsServer::opened(Tunnel &tunnel, Descriptor socket, Allowance allowance) {
  ++opened_;
  ++tally_.finished;
  accepted_(std::move(socket), tunnel.address(), std::move(allowance));
}

void TlsServer::handshake_failed(Tunnel &tunnel, std::string_view reason) {
  ++tally_.failed;
  log_.debug("a handshake failed", {{"address", tunnel.address().text()}, {"reason", reason}});
}

void TlsServer::finished(Tunnel &tunnel) {
  if (tunnel.was_opened()) --opened_;
  tunnels_.erase(&tunnel);
}

} // namespace pg_live
