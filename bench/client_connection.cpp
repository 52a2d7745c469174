// The client's side of the WebSocket handshake and of the join, as small as it can be.
#include "client_connection.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace pg_live::bench {

namespace {

constexpr unsigned kTextFrame = 0x1;
constexpr unsigned kCloseFrame = 0x8;
constexpr unsigned kPingFrame = 0x9;
constexpr unsigned kPongFrame = 0xA;

// The number behind `"name":` in JSON text. The events are ours, so the name occurs once and is followed by a number.
std::optional<std::int64_t> number_after(std::string_view json, std::string_view quoted_name) {
  const std::size_t name = json.find(quoted_name);
  if (name == std::string_view::npos) return std::nullopt;
  const std::size_t digits = json.find_first_of("0123456789", name + quoted_name.size());
  if (digits == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(json.data() + digits, json.data() + json.size(), number);
  return number;
}

} // namespace

ClientConnection::ClientConnection(const sockaddr_in &server, std::string request, std::string_view join,
                                   ConnectionObserver &observer)
    : observer_(observer), socket_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      request_(std::move(request)), join_(join), started_(Clock::now()) {
  if (!socket_) {
    fail(std::strerror(errno));
    return;
  }
  const auto *const address = reinterpret_cast<const sockaddr *>(&server);
  if (connect(socket_.get(), address, sizeof server) != 0 && errno != EINPROGRESS) fail(std::strerror(errno));
}

void ClientConnection::on_connected() {
  if (state_ != State::connecting) return;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(std::strerror(error));
  if (request_.empty()) return set_joined();
  state_ = State::upgrading;
  send_bytes(request_);
  request_.clear();
}

void ClientConnection::on_readable(std::span<char> buffer) {
  while (state_ != State::failed) {
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size == 0) return fail("closed by the server");
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
      return;
    }
    on_bytes({buffer.data(), static_cast<std::size_t>(size)});
    if (static_cast<std::size_t>(size) < buffer.size()) return;
  }
}

void ClientConnection::on_bytes(std::string_view bytes) {
  if (state_ == State::upgrading) return on_response(bytes);
  reader_.read(bytes, [this](unsigned opcode, std::string_view payload) { on_frame(opcode, payload); });
}

void ClientConnection::on_response(std::string_view bytes) {
  request_.append(bytes);
  const std::size_t end = request_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  if (request_.compare(9, 4, "101 ") != 0) return fail(std::string_view(request_).substr(0, request_.find('\r')));
  upgrade_ = Clock::now() - started_;
  state_ = State::joining;
  send_frame(kTextFrame, join_);
  const std::string rest = request_.substr(end + 4);
  request_ = std::string();
  if (!rest.empty()) on_bytes(rest);
}

void ClientConnection::on_frame(unsigned opcode, std::string_view payload) {
  switch (opcode) {
  case kTextFrame:
    return state_ == State::joining ? on_reply(payload) : on_event(payload);
  case kPingFrame:
    return send_frame(kPongFrame, payload);
  case kCloseFrame:
    return fail("closed by the server");
  default:
    return;
  }
}

void ClientConnection::on_reply(std::string_view message) {
  if (message.find("\"phx_reply\"") == std::string_view::npos) return;
  if (message.find("\"status\":\"ok\"") == std::string_view::npos) return fail(message);
  set_joined();
}

void ClientConnection::on_event(std::string_view message) {
  const std::optional<std::int64_t> sent_at = number_after(message, "\"sent_at\":");
  const std::optional<std::int64_t> number = number_after(message, "\"n\":");
  if (!sent_at || !number) return;
  if (last_number_ >= 0 && *number != last_number_ + 1) observer_.out_of_order(last_number_ + 1, *number);
  last_number_ = *number;
  observer_.delivered(*sent_at, message.size());
}

void ClientConnection::set_joined() {
  state_ = State::joined;
  observer_.joined(upgrade_, Clock::now() - started_);
}

void ClientConnection::fail(std::string_view reason) {
  if (state_ == State::failed) return;
  observer_.failed(reason, state_ == State::joined);
  state_ = State::failed;
  socket_.reset();
}

// A fresh socket takes these few bytes whole, and what is sent is never more.
void ClientConnection::send_bytes(std::string_view bytes) {
  if (send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
    fail("cannot send");
}

// Clients must mask. With a mask of zeros the payload stays as it is.
void ClientConnection::send_frame(unsigned opcode, std::string_view payload) {
  std::string frame;
  frame.push_back(static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    frame.push_back(static_cast<char>(0x80 | 126));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size() & 0xff));
  }
  frame.append(4, '\0');
  frame.append(payload);
  send_bytes(frame);
}

} // namespace pg_live::bench
