// The floor that the bridge is compared with: epoll and send(), nothing else. Accepts every client, and sends the
// same frame to all clients, at a rate. Frames are as long as the bridge's and carry what the load client looks for.
#include "process/descriptor.hpp"
#include "wire/websocket_frame.hpp"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

namespace pg_live::bench {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::uint16_t port = 0;
  double rate = 50;                // events a second
  unsigned gather = 1;             // events that leave in one send()
  std::size_t message_bytes = 190; // of one event, without the frame's header
};

int checked(int result, const char *what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Server {
 public:
  explicit Server(const Settings &settings)
      : settings_(settings), epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        listener_(checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")) {
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(settings_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(bind(listener_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address), "bind");
    checked(listen(listener_.get(), SOMAXCONN), "listen");
    watch(listener_.get());
  }

  [[noreturn]] void run() {
    const std::chrono::duration<double> pause(settings_.gather / settings_.rate);
    auto next = Clock::now();
    for (;;) {
      const auto now = Clock::now();
      if (now >= next) {
        send_to_all(make_frames());
        next += std::chrono::duration_cast<Clock::duration>(pause);
        continue;
      }
      serve(std::chrono::ceil<std::chrono::milliseconds>(next - now));
    }
  }

 private:
  void watch(int descriptor) {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.fd = descriptor;
    checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &interest), "epoll_ctl");
  }

  void serve(std::chrono::milliseconds timeout) {
    std::array<epoll_event, 64> events; // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel fills it
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(timeout.count()));
    for (int index = 0; index < count; ++index) {
      const int descriptor = events[index].data.fd;
      if (descriptor == listener_.get())
        accept_all();
      else // clients say nothing: this one has gone
        std::erase_if(clients_, [descriptor](const Descriptor &client) { return client.get() == descriptor; });
    }
  }

  void accept_all() {
    for (;;) {
      Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!client) return;
      watch(client.get());
      clients_.push_back(std::move(client));
    }
  }

  std::string make_frames() {
    std::string frames;
    for (unsigned event = 0; event < settings_.gather; ++event) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      std::string message = "{\"n\": " + std::to_string(number_++) + ", \"sent_at\": " +
                            std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count()) + ", ";
      message.resize(settings_.message_bytes, 'x');
      websocket::append_frame_header(frames, websocket::Opcode::text, message.size());
      frames += message;
    }
    return frames;
  }

  void send_to_all(const std::string &frames) {
    // A client whose buffer is full is dropped; the load client reports that.
    std::erase_if(clients_, [&frames](const Descriptor &client) {
      const ssize_t sent = send(client.get(), frames.data(), frames.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      return sent != static_cast<ssize_t>(frames.size());
    });
  }

  Settings settings_;
  Descriptor epoll_;
  Descriptor listener_;
  std::vector<Descriptor> clients_;
  std::int64_t number_ = 0;
};

int run(int argument_count, char **arguments) {
  CLI::App app{"Sends the same frames to every client"};
  Settings settings;
  app.add_option("--port", settings.port, "Port to listen on")->required();
  app.add_option("--rate", settings.rate, "Events a second");
  app.add_option("--gather", settings.gather, "Events that leave in one send()");
  app.add_option("--message-bytes", settings.message_bytes, "Length of one event");
  CLI11_PARSE(app, argument_count, arguments);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Server(settings).run();
}

} // namespace

} // namespace pg_live::bench

int main(int argument_count, char **arguments) {
  try {
    return pg_live::bench::run(argument_count, arguments);
  } catch (const std::exception &error) {
    std::cerr << "raw_epoll: " << error.what() << '\n';
    return 2;
  }
}
