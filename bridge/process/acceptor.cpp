// Listening and accepting.
#include "process/acceptor.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace pg_live {

namespace {

constexpr int kMaxAcceptedPerTurn = 64;
constexpr int kBacklog = 4096;
constexpr Milliseconds kPauseWithoutDescriptors{200};

void set_option(int socket, int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); }

Descriptor listen_on(const std::string &address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo *found = nullptr;
  const int code = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) throw std::runtime_error("could not resolve \"" + address + "\": " + ::gai_strerror(code));
  const std::unique_ptr<addrinfo, void (*)(addrinfo *)> addresses(found, ::freeaddrinfo);
  Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (!socket || ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), kBacklog) != 0)
    throw std::runtime_error("could not listen on " + address + " port " + std::to_string(port) + ": " +
                             std::strerror(errno));
  return socket;
}

IpAddress address_of(const sockaddr_storage &address, socklen_t length) {
  std::array<char, NI_MAXHOST> host{};
  ::getnameinfo(reinterpret_cast<const sockaddr *>(&address), length, host.data(), host.size(), nullptr, 0,
                NI_NUMERICHOST);
  const std::string_view text = host.data();
  return IpAddress::parse(text.substr(0, text.find('%'))).value_or(IpAddress()); // without a zone
}

} // namespace

Acceptor::Acceptor(Loop &loop, const Log &log, const SocketSettings &settings, const std::string &address,
                   std::uint16_t port, std::function<void(Descriptor, const IpAddress &)> accepted)
    : log_(log), settings_(settings), accepted_(std::move(accepted)), socket_(listen_on(address, port)),
      retry_timer_(loop, [this] { start(); }) {
  watcher_.emplace(loop, socket_.get(), [this](int) { accept_some(kMaxAcceptedPerTurn); });
}

unsigned Acceptor::port() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr *>(&address), &length);
  std::array<char, NI_MAXSERV> port{};
  ::getnameinfo(reinterpret_cast<const sockaddr *>(&address), length, nullptr, 0, port.data(), port.size(),
                NI_NUMERICSERV);
  return static_cast<unsigned>(std::stoul(port.data()));
}

void Acceptor::start() { watcher_->watch(UV_READABLE); }

void Acceptor::stop() {
  accept_some(kBacklog);
  retry_timer_.stop(); // which may have been armed just now
  watcher_.reset();
  socket_.reset();
}

void Acceptor::accept_some(int max) {
  for (int i = 0; i < max; ++i) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Descriptor socket(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr *>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_.error("could not accept a connection", {{"error", std::string_view(std::strerror(errno))}});
        watcher_->watch(0); // the connection stays ready: without a pause this would spin
        retry_timer_.start(kPauseWithoutDescriptors);
        return;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      continue; // that one is gone: the next may be there
    }
    set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    // A slow reader must not fill megabytes of the kernel's memory before its queue here is looked at.
    set_option(socket.get(), SOL_SOCKET, SO_SNDBUF, static_cast<int>(settings_.send_buffer_bytes));
    accepted_(std::move(socket), address_of(address, length));
  }
}

} // namespace pg_live
