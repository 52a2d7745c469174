// WebSockets through libwebsockets, which only server.cpp includes. The server adopts sockets whose request was read
// and admitted before, and calls their handlers. Invariants: no timer of libwebsockets is left on an open connection
// (its sorted list makes many connections quadratic); no extension is negotiated, so that ready frames can be written
// as they are; only WebSockets get here, never a plain HTTP request.
#pragma once

#include "process/log.hpp"
#include "process/loop.hpp"
#include "wire/websocket_frame.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

struct lws;

namespace pg_live {

// The most bytes of one write.
inline constexpr std::size_t kMaxWriteBytes = 262144;

// The sending side of one WebSocket; valid from opened() until closed().
class Socket {
 public:
  Socket() = default;
  explicit Socket(lws *wsi) : wsi_(wsi) {}

  // Whether nothing is partly sent. Writing before that makes libwebsockets corrupt the stream.
  bool can_write() const;

  // Writes whole frames; can_write() must be true. Bytes that the kernel does not accept are buffered, and can_write()
  // is false until they are sent. Returns false if the connection is broken: the caller must abort().
  bool write(std::string_view frames);

  // Asks for writable().
  void want_writable();

  // Ends the connection without a close frame, soon, never within this call.
  void abort();

 private:
  lws *wsi_ = nullptr;
};

// One piece of a message: libwebsockets passes messages on as they arrive.
struct MessagePiece {
  std::string_view bytes;
  websocket::Opcode opcode = websocket::Opcode::text;
  bool last = false;               // of the message
  std::size_t announced_bytes = 0; // of this frame that are still to come
};

// Outlives its socket.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  virtual void opened(Socket socket) = 0;
  virtual void received(const MessagePiece &piece) = 0;
  virtual void ponged() = 0;
  virtual void writable() = 0;
  // The peer sent a close frame with this payload; nothing may be written after this. Returns true if the connection is
  // to end without an answer, since a close frame was sent already.
  virtual bool peer_closes(std::string_view payload) = 0;
  virtual void closed() = 0; // the last call; only after opened()

  // Called by the server: keep() when it adopts the socket, let_go() when the socket is gone.
  void keep(std::shared_ptr<SocketHandler> self) { self_ = std::move(self); }
  void let_go() { std::exchange(self_, nullptr); }

 private:
  std::shared_ptr<SocketHandler> self_;
};

class Server {
 public:
  // `loop` must outlive the server, and not run while it is destroyed: that closes what is still open. `subprotocols`:
  // literals, those that an adopted request may name.
  Server(Loop &loop, const Log &log, std::span<const char *const> subprotocols);
  ~Server();
  Server(const Server &) = delete;
  Server &operator=(const Server &) = delete;

  // Takes over a socket; `head` is a complete, admitted upgrade request and whatever followed it. The server keeps the
  // handler until the socket is gone. On failure the socket is closed.
  void adopt(int descriptor, std::string_view head, std::shared_ptr<SocketHandler> handler);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

} // namespace pg_live
