// Everything of libwebsockets. Facts about version 4.1.6 that shape this file:
// - LWS_WRITE_RAW on a WebSocket skips framing and does not touch the bytes, so one buffer serves all receivers.
// - A listening socket of its own has no SO_REUSEPORT in Debian's build, hence adoption of sockets accepted elsewhere.
// - Its timers, set from callbacks of our own loop, are not seen until its next event, hence lws_cancel_service() in
// abort().
#include "connection/server.hpp"

#include <libwebsockets.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace pg_live {

struct Server::State {
  Loop *loop = nullptr;
  std::vector<lws_protocols> protocols;
  lws_retry_bo_t no_timers{};
  std::array<void *, 1> loops{};
  lws_context *context = nullptr;
  lws_vhost *vhost = nullptr;
  std::shared_ptr<SocketHandler> arriving; // of the socket that is being adopted
};

namespace {

// A connection, for life: small, since messages are collected elsewhere, but for a whole control frame (125 bytes).
constexpr std::size_t kReceiveBytes = 128;

SocketHandler *handler_of(lws *wsi) { return static_cast<SocketHandler *>(lws_get_opaque_user_data(wsi)); }

void receive(lws *wsi, SocketHandler &handler, const void *bytes, std::size_t length) {
  MessagePiece piece;
  piece.bytes = {static_cast<const char *>(bytes), length};
  piece.opcode = lws_frame_is_binary(wsi) != 0 ? websocket::Opcode::binary : websocket::Opcode::text;
  piece.announced_bytes = lws_remaining_packet_payload(wsi);
  piece.last = lws_is_final_fragment(wsi) != 0 && piece.announced_bytes == 0;
  handler.received(piece);
}

// A new socket exists: from here on it knows its handler. One that did not come through adopt() has none and is
// dropped.
int instantiated(Server::State &state, lws *wsi) {
  if (!state.arriving) return -1;
  SocketHandler &handler = *state.arriving;
  lws_set_opaque_user_data(wsi, &handler);
  handler.keep(std::move(state.arriving));
  return 0;
}

int destroyed(lws *wsi) {
  if (SocketHandler *handler = handler_of(wsi)) handler->let_go();
  return 0;
}

int on_event(lws *wsi, lws_callback_reasons reason, void *, void *in, std::size_t length) {
  auto *state = static_cast<Server::State *>(lws_context_user(lws_get_context(wsi)));
  if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) return instantiated(*state, wsi);
  if (reason == LWS_CALLBACK_WSI_DESTROY) return destroyed(wsi);
  if (reason == LWS_CALLBACK_HTTP) return -1;
  SocketHandler *handler = wsi == nullptr ? nullptr : handler_of(wsi);
  if (handler == nullptr) return 0;
  switch (reason) {
  case LWS_CALLBACK_ESTABLISHED:
    handler->opened(Socket(wsi));
    break;
  case LWS_CALLBACK_RECEIVE:
    receive(wsi, *handler, in, length);
    break;
  case LWS_CALLBACK_RECEIVE_PONG:
    handler->ponged();
    break;
  case LWS_CALLBACK_SERVER_WRITEABLE:
    handler->writable();
    break;
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    return handler->peer_closes({static_cast<const char *>(in), length}) ? -1 : 0;
  case LWS_CALLBACK_CLOSED:
    handler->closed();
    break;
  default:
    break;
  }
  return 0;
}

lws_protocols protocol(const char *name) {
  lws_protocols result{};
  result.name = name;
  result.callback = on_event;
  result.rx_buffer_size = kReceiveBytes;
  result.tx_packet_size = kMaxWriteBytes;
  return result;
}

} // namespace

bool Socket::can_write() const { return lws_partial_buffered(wsi_) == 0; }

bool Socket::write(std::string_view frames) {
  // The parameter is not const, but RAW leaves the bytes alone.
  auto *bytes = reinterpret_cast<unsigned char *>(const_cast<char *>(frames.data()));
  return lws_write(wsi_, bytes, frames.size(), LWS_WRITE_RAW) >= 0;
}

void Socket::want_writable() { lws_callback_on_writable(wsi_); }

void Socket::abort() {
  lws_set_timeout(wsi_, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
  lws_cancel_service(lws_get_context(wsi_));
}

Server::Server(Loop &loop, const Log &log, std::span<const char *const> subprotocols)
    : state_(std::make_unique<State>()) {
  lws_set_log_level(0, nullptr);                    // what matters of it is logged where it is handled
  state_->protocols.push_back(protocol("default")); // of a request without a subprotocol
  for (const char *name : subprotocols)
    state_->protocols.push_back(protocol(name));
  state_->protocols.emplace_back(); // the end of the list
  state_->loop = &loop;
  state_->loops = {loop.handle()};
  lws_context_creation_info info{};
  info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8;
  info.foreign_loops = state_->loops.data();
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.alpn = "http/1.1"; // frames written RAW would be wrong inside HTTP/2
  info.protocols = state_->protocols.data();
  info.max_http_header_data = 16384;
  info.max_http_header_pool = 128;
  info.pt_serv_buf_size = 16384;
  info.timeout_secs_ah_idle = 10;
  info.retry_and_idle_policy = &state_->no_timers;
  info.user = state_.get();
  info.gid = static_cast<gid_t>(-1);
  info.uid = static_cast<uid_t>(-1);
  // fd_limit_per_thread stays unset: below the limit of the process it makes every look-up a linear search.
  state_->context = lws_create_context(&info);
  if (state_->context == nullptr) throw std::runtime_error("could not start libwebsockets");
  state_->vhost = lws_get_vhost_by_name(state_->context, "default");
  if (state_->vhost == nullptr) throw std::runtime_error("could not start libwebsockets: no virtual host");
  log.debug("libwebsockets started", {{"version", std::string_view(lws_get_library_version())}});
}

// In two steps, since its watchers are closed by the loop in between.
Server::~Server() {
  lws_context_destroy(state_->context);
  state_->loop->settle();
  lws_context_destroy(state_->context);
}

void Server::adopt(int descriptor, std::string_view head, std::shared_ptr<SocketHandler> handler) {
  state_->arriving = std::move(handler);
  // Serves what it can of `head` at once: the handler may be opened, and even closed, before this returns.
  lws_adopt_socket_vhost_readbuf(state_->vhost, descriptor, head.data(), head.size());
  state_->arriving.reset();
}

} // namespace pg_live
