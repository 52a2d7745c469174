// One client of the bridge: a socket, the WebSocket handshake, the join of one topic, then events. Knows no clock but
// the one it is given and no loop: its owner reports when the socket is ready.
//
// Against the raw loop (raw_epoll) there is neither handshake nor join: a socket that is connected has joined.
#pragma once

#include "frame_reader.hpp"
#include "process/descriptor.hpp"

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pg_live::bench {

using Clock = std::chrono::steady_clock;

// What happens on connections, told to their owner.
class ConnectionObserver {
 public:
  virtual void joined(Clock::duration upgrade, Clock::duration total) = 0;
  virtual void failed(std::string_view reason, bool had_joined) = 0;
  // An event whose payload said when it was made (microseconds since 1970).
  virtual void delivered(std::int64_t sent_at, std::size_t frame_bytes) = 0;
  // The numbers of the events of one connection must go up by one.
  virtual void out_of_order(std::int64_t expected, std::int64_t number) = 0;

 protected:
  ~ConnectionObserver() = default;
};

class ClientConnection {
 public:
  // Starts to connect. `request` is the upgrade request and `join` the message after it; both empty: the raw loop.
  ClientConnection(const sockaddr_in &server, std::string request, std::string_view join, ConnectionObserver &observer);

  int descriptor() const { return socket_.get(); }
  bool is_finished() const { return state_ == State::joined || state_ == State::failed; }

  // The socket is connected, or has failed to.
  void on_connected();
  // There is something to read; `buffer` is scratch space.
  void on_readable(std::span<char> buffer);
  void fail(std::string_view reason);

 private:
  enum class State { connecting, upgrading, joining, joined, failed };

  void on_bytes(std::string_view bytes);
  void on_response(std::string_view bytes);
  void on_frame(unsigned opcode, std::string_view payload);
  void on_reply(std::string_view message);
  void on_event(std::string_view message);
  void set_joined();
  void send_bytes(std::string_view bytes);
  void send_frame(unsigned opcode, std::string_view payload);

  ConnectionObserver &observer_;
  Descriptor socket_;
  State state_ = State::connecting;
  std::string request_; // also collects the response
  std::string_view join_;
  FrameReader reader_;
  std::int64_t last_number_ = -1;
  Clock::time_point started_;
  Clock::duration upgrade_{};
};

} // namespace pg_live::bench
