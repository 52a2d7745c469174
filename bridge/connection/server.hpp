// WebSockets through libwebsockets: the only file that sees it. It takes over sockets whose request was read and
// admitted before, and tells their handlers what happens. Invariants: no timer of libwebsockets is left on an open
// connection (its sorted list makes many connections quadratic); no extension is negotiated, so that ready frames can
// be written as they are; only WebSockets get here, never a plain HTTP request.
#pragma once

#include "process/log.hpp"
#include "process/loop.hpp"

#include <memory>
#include <string_view>
#include <utility>

struct lws;

namespace pg_live {

// The sending side of one WebSocket; valid from opened() until closed().
class Socket {
 public:
  Socket() = default;
  explicit Socket(lws *wsi) : wsi_(wsi) {}

  // Whether nothing is partly sent. libwebsockets corrupts the stream when written to before that.
  bool can_write() const;

  // Writes whole, ready frames; what the kernel does not take is kept, and can_write() is false until it has left. Only
  // when can_write(). False: the connection is broken, only abort() is left.
  bool write(std::string_view frames);

  // Asks for writable().
  void want_writable();

  // Ends the connection without a close frame, soon, never within this call.
  void abort();

 private:
  lws *wsi_ = nullptr;
};

// One piece of a message: libwebsockets hands messages over as they arrive.
struct MessagePiece {
  std::string_view bytes;
  bool binary = false;
  bool last = false;               // of the message
  std::size_t announced_bytes = 0; // of this frame that are still to come
};

// Lives as long as its socket, at least.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  virtual void opened(Socket socket) = 0;
  virtual void received(const MessagePiece &piece) = 0;
  virtual void ponged() = 0;
  virtual void writable() = 0;
  // Nothing may be written any more. `payload` is that of the close frame. Whether the connection is to end without an
  // answer, since a close frame was sent already.
  virtual bool peer_closes(std::string_view payload) = 0;
  virtual void closed() = 0; // the last call; only after opened()

  // For the server: from here on, until the socket is gone.
  void keep(std::shared_ptr<SocketHandler> self) { self_ = std::move(self); }
  void let_go() { std::exchange(self_, nullptr); }

 private:
  std::shared_ptr<SocketHandler> self_;
};

class Server {
 public:
  // `loop` must outlive the server, and not run while it is destroyed: that closes what is still open.
  Server(Loop &loop, const Log &log);
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
