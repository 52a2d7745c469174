// Many clients in one process and one epoll loop, and what they saw: how long connecting took, who was refused, when
// events arrived.
#pragma once

#include "client_connection.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace pg_live::bench {

struct LoadSettings {
  std::string host = "127.0.0.1"; // an address, not a name
  std::uint16_t port = 4000;
  unsigned connections = 1000;
  double rate = 0; // connections started a second; 0: all at once
  std::string topic = "bench:room";
  std::string secret; // of the tokens (HS256)
  bool raw = false;   // the server is raw_epoll
  unsigned timeout = 60;
};

// What the clients saw. Times in microseconds.
struct Observations {
  std::vector<std::uint32_t> upgrades; // from connect() to the answer of the upgrade
  std::vector<std::uint32_t> joins;    // from connect() to the reply of the join
  std::map<std::string, unsigned> refusals;
  std::map<std::string, unsigned> disconnects; // after the join
  std::vector<std::uint32_t> latencies;        // from the time in the payload to when it was read
  std::uint64_t frame_bytes = 0;
  std::uint64_t lost = 0;
  std::uint64_t repeated = 0;
};

class Load : public ConnectionObserver {
 public:
  explicit Load(const LoadSettings &settings);
  virtual ~Load() = default;

  // Connects and joins all clients; returns when each has joined or failed, or after the time limit.
  void connect_all();
  // Serves the connections for a while.
  void serve(Clock::duration duration);
  // Forgets what was delivered so far, and counts from here.
  void start_window();

  const Observations &seen() const { return seen_; }

 private:
  void start_connection();
  void serve_once(int timeout_ms);

  void joined(Clock::duration upgrade, Clock::duration total) override;
  void failed(std::string_view reason, bool had_joined) override;
  void delivered(std::int64_t sent_at, std::size_t frame_bytes) override;
  void out_of_order(std::int64_t expected, std::int64_t number) override;

  LoadSettings settings_;
  Descriptor epoll_;
  sockaddr_in server_{};
  std::vector<std::string> requests_; // made beforehand: a burst measures the server, not our signing
  std::string join_;
  std::deque<ClientConnection> connections_;
  std::vector<char> buffer_;
  unsigned finished_ = 0; // have joined or were refused
  Observations seen_;
};

} // namespace pg_live::bench
