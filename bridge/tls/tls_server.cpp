// Accepting, and sharing out the time for handshakes.
#include "tls/tls_server.hpp"

#include "process/descriptor_limit.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::uint64_t kHandshakeNanosecondsPerTurn = 2'000'000;

} // namespace

TlsServer::TlsServer(Loop &loop, const Log &log, TimerWheel &wheel, const Settings &settings,
                     std::function<void(Descriptor, std::string)> accepted)
    : log_(log), settings_(settings),
      certificate_(loop, log, settings.tls), surroundings_{loop, wheel, settings, certificate_},
      accepted_(std::move(accepted)), turn_(loop, [this] { advance_handshakes(); }),
      acceptor_(loop, log, settings.sockets, settings.bind_address, settings.tls.port,
                [this](Descriptor socket, const std::string &address) { accept(std::move(socket), address); }) {}

void TlsServer::start() {
  certificate_.start();
  acceptor_.start();
  log_.info("listening for encrypted connections", {{"address", settings_.bind_address}, {"port", port()}});
}

// Ends the oldest handshake that is not finished.
bool TlsServer::make_room() {
  while (!arrivals_.empty()) {
    const auto oldest = arrivals_.front().lock();
    arrivals_.pop_front();
    if (!oldest || oldest->was_opened()) continue;
    oldest->give_up();
    return true;
  }
  return false;
}

void TlsServer::accept(Descriptor socket, const std::string &address) {
  if (opened_ >= settings_.limits[Limit::connections] + kSpareDescriptors) return; // closes the socket
  if (unfinished_handshakes() >= settings_.tls.handshakes && !make_room()) return;
  while (!arrivals_.empty() && arrivals_.front().expired())
    arrivals_.pop_front();
  auto tunnel = std::make_shared<Tunnel>(surroundings_, *this, std::move(socket), address);
  arrivals_.push_back(tunnel);
  tunnels_.emplace(tunnel.get(), std::move(tunnel));
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

void TlsServer::opened(Tunnel &tunnel, Descriptor socket) {
  ++opened_;
  ++tally_.finished;
  accepted_(std::move(socket), tunnel.address());
}

void TlsServer::handshake_failed(Tunnel &tunnel, std::string_view reason) {
  ++tally_.failed;
  log_.debug("a handshake failed", {{"address", tunnel.address()}, {"reason", reason}});
}

void TlsServer::finished(Tunnel &tunnel) {
  if (tunnel.was_opened()) --opened_;
  tunnels_.erase(&tunnel);
}

} // namespace pg_live
