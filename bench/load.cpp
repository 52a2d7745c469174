// The epoll loop of the load client.
#include "load.hpp"

#include "token.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace pg_live::bench {

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr rlim_t kOtherDescriptors = 64;

// Each connection is one descriptor, and the soft limit is often 1024.
void allow_descriptors(unsigned connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max < connections + kOtherDescriptors || setrlimit(RLIMIT_NOFILE, &limit) != 0)
    throw std::runtime_error("not enough file descriptors: the limit is " + std::to_string(limit.rlim_max));
}

std::string upgrade_request(const std::string &token) {
  return "GET /realtime/v1/websocket?apikey=" + token +
         "&vsn=2.0.0 HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

std::uint32_t microseconds(Clock::duration duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::int64_t microseconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

} // namespace

Load::Load(const LoadSettings &settings)
    : settings_(settings), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
  allow_descriptors(settings_.connections);
  server_.sin_family = AF_INET;
  server_.sin_port = htons(settings_.port);
  if (inet_pton(AF_INET, settings_.host.c_str(), &server_.sin_addr) != 1)
    throw std::runtime_error("not an IPv4 address: " + settings_.host);
  for (unsigned index = 0; index < settings_.connections; ++index)
    requests_.push_back(
        settings_.raw ? "" : upgrade_request(sign_token("bench-" + std::to_string(index), settings_.secret)));
  join_ = R"(["1","1","realtime:)" + settings_.topic + R"(","phx_join",{"config":{"private":true}}])";
}

void Load::connect_all() {
  const auto start = Clock::now();
  const auto end = start + std::chrono::seconds(settings_.timeout);
  while (finished_ < settings_.connections && Clock::now() < end) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    const double due = settings_.rate > 0 ? elapsed.count() * settings_.rate + 1 : settings_.connections;
    while (connections_.size() < std::min<double>(due, settings_.connections))
      start_connection();
    serve_once(connections_.size() < settings_.connections ? 1 : 100);
  }
  for (ClientConnection &connection : connections_)
    if (!connection.is_finished()) connection.fail("timed out");
}

void Load::serve(Clock::duration duration) {
  const auto end = Clock::now() + duration;
  while (Clock::now() < end)
    serve_once(10);
}

void Load::start_window() {
  seen_.latencies.clear();
  seen_.frame_bytes = seen_.lost = seen_.repeated = 0;
}

void Load::start_connection() {
  ClientConnection &connection =
      connections_.emplace_back(server_, std::move(requests_[connections_.size()]), join_, *this);
  if (connection.is_finished()) return; // it could not even begin
  // Edge-triggered: the one event of writing says that the socket is connected, and then costs nothing.
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
  interest.data.ptr = &connection;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.descriptor(), &interest) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Load::serve_once(int timeout_ms) {
  std::array<epoll_event, 512> events; // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel fills it
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int index = 0; index < count; ++index) {
    auto &connection = *static_cast<ClientConnection *>(events[index].data.ptr);
    connection.on_connected();
    if ((events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) connection.on_readable(buffer_);
  }
}

void Load::joined(Clock::duration upgrade, Clock::duration total) {
  ++finished_;
  if (!settings_.raw) seen_.upgrades.push_back(microseconds(upgrade));
  seen_.joins.push_back(microseconds(total));
}

void Load::failed(std::string_view reason, bool had_joined) {
  if (!had_joined) ++finished_;
  auto &reasons = had_joined ? seen_.disconnects : seen_.refusals;
  ++reasons[std::string(reason)];
}

void Load::delivered(std::int64_t sent_at, std::size_t frame_bytes) {
  const std::int64_t latency = std::max<std::int64_t>(microseconds_since_1970() - sent_at, 0);
  seen_.latencies.push_back(static_cast<std::uint32_t>(latency));
  seen_.frame_bytes += frame_bytes;
}

void Load::out_of_order(std::int64_t expected, std::int64_t number) {
  if (number > expected)
    seen_.lost += static_cast<std::uint64_t>(number - expected);
  else
    ++seen_.repeated;
}

} // namespace pg_live::bench
