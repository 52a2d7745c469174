// Sends, closes and limits one socket.
#include "connection/connection.hpp"

#include "base/sqlstate.hpp"
#include "conversation/limit_refusal.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

using std::chrono::seconds;

constexpr RateLimit kRefusals{100, 500};       // of messages, before the connection is closed
constexpr std::size_t kEnvelopeBytes = 16384;  // the beginning of a message, which has its topic and refs
constexpr std::size_t kMaxSkippedMessages = 4; // times the largest message

std::uint32_t max_frames(const Limits &limits) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(limits[Limit::queue_bytes] / 16, UINT32_MAX));
}

} // namespace

Connection::Connection(ConversationServices &services, ConnectionRegistry &registry, Allowance allowance,
                       ClaimsRef claims, const Codec &codec, std::uint64_t id, Origin origin)
    : services_(services), registry_(registry), allowance_(std::move(allowance)), id_(id),
      conversation_(services, *this, std::move(claims), codec),
      queue_({services.settings.limits[Limit::queue_bytes], max_frames(services.settings.limits)}),
      last_sign_of_life_(services.seconds_now()), joined_nothing_since_(last_sign_of_life_), origin_(origin) {}

Connection::~Connection() = default;

void Connection::opened(Socket socket) {
  socket_ = socket;
  stage_ = Stage::open;
  registry_.add(*this);
  ++registry_.tally().opened;
  services_.log.debug("connection opened", {{"connection", id_}});
  speak_for(conversation_.claims());
  expired(services_.seconds_now());
}

void Connection::closed() {
  stage_ = Stage::closed;
  end_presence(Ending::broken);
  drop_queued();
  cancel();
  registry_.remove(*this);
  if (unsent_) services_.hub.forget_unsent(*this);
  leave_topics();
  services_.log.debug("connection closed", {{"connection", id_}});
}

void Connection::send(const websocket::Frame &frame) {
  if (stage_ != Stage::open) return;
  if (queue_.empty() && socket_.can_write()) return write(frame);
  if (!enqueue(frame)) return close_slow();
  queue_changed();
  socket_.want_writable();
}

void Connection::send_later(const websocket::Frame &frame) {
  if (stage_ != Stage::open) return;
  if (!enqueue(frame)) return close_slow();
  queue_changed();
  if (!std::exchange(unsent_, true)) services_.hub.note_unsent(*this);
}

void Connection::flush() {
  unsent_ = false;
  if (has_socket()) writable();
}

void Connection::writable() {
  while (!queue_.empty() && socket_.can_write()) {
    const websocket::Frame frames = queue_.pop_some(kMaxWriteBytes);
    registry_.tally().bytes_queued -= frames.bytes().size();
    write(frames);
  }
  queue_changed();
  if (!queue_.empty() && has_socket()) return socket_.want_writable();
  let_senders_continue();
}

// One at a time: each sends as much as the queue may hold.
void Connection::let_senders_continue() {
  while (!waiting_senders_.empty() && stage_ == Stage::open) {
    if (!is_drained()) return socket_.want_writable();
    const auto continue_sending = std::move(waiting_senders_.front());
    waiting_senders_.pop_front();
    continue_sending();
  }
}

void Connection::write(const websocket::Frame &frame) {
  ConnectionTally &tally = registry_.tally();
  ++tally.writes;
  tally.bytes_written += frame.bytes().size();
  if (!socket_.write(frame.bytes())) abort();
}

// Tells the hub when the queue grows long or short again, since the stream pauses for connections that are behind. A
// connection that did not catch up in time is exempt, and does not pause the stream again, until its queue is empty.
void Connection::queue_changed() {
  if (reader_ == Reader::exempt && !queue_.empty()) return;
  const bool much_waits = stage_ == Stage::open && queue_.bytes() > queue_limit() / 8;
  const Reader before = std::exchange(reader_, much_waits ? Reader::behind : Reader::keeps_up);
  if (reader_ == Reader::behind && before != Reader::behind) services_.hub.note_behind(*this);
  if (reader_ != Reader::behind && before == Reader::behind) services_.hub.forget_behind(*this);
}

// The hub has removed the connection from its list already.
void Connection::exempt() { reader_ = Reader::exempt; }

void Connection::when_drained(std::function<void()> continue_sending) {
  auto last = waiting_senders_.before_begin(); // few wait
  for (auto next = waiting_senders_.begin(); next != waiting_senders_.end(); ++next)
    last = next;
  waiting_senders_.insert_after(last, std::move(continue_sending));
  socket_.want_writable();
}

bool Connection::enqueue(const websocket::Frame &frame) {
  if (!queue_.push(frame)) return false;
  registry_.tally().bytes_queued += frame.bytes().size();
  return true;
}

void Connection::drop_queued() {
  registry_.tally().bytes_queued -= queue_.bytes();
  queue_.clear();
  queue_changed();
  unfinished_.reset();
}

void Connection::abort() {
  drop_queued();
  stage_ = Stage::closing;
  end_presence(Ending::broken);
  socket_.abort();
  leave_topics_soon();
}

void Connection::close(std::uint16_t code, std::string_view reason) {
  if (stage_ != Stage::open) return;
  services_.log.debug("closing a connection", {{"connection", id_}, {"code", code}, {"reason", reason}});
  ++registry_.tally().closed[code];
  stage_ = Stage::closing;
  end_presence(Ending::broken);
  drop_queued();
  waiting_senders_.clear();
  leave_topics_soon();
  services_.wheel.arm(*this, services_.deadline_after(seconds(services_.settings.sockets.close_seconds)));
  const websocket::Frame frame = websocket::close_frame(code, reason);
  if (socket_.can_write()) return write(frame);
  if (enqueue(frame)) socket_.want_writable(); // an empty queue takes any frame
}

void Connection::close_slow() {
  if (!closing()) {
    allowance_.note(Limit::queue_bytes);
    ++registry_.tally().slow_readers_closed;
    services_.log.info("a client reads too slowly", {{"connection", id_}});
  }
  close(1013, "reads too slowly");
}

void Connection::leave_topics_soon() {
  registry_.leave_topics_soon(std::static_pointer_cast<RegisteredConnection>(shared_from_this()));
}

void Connection::leave_topics() {
  conversation_.end();
  waiting_senders_.clear();
}

bool Connection::peer_closes(std::string_view payload) {
  const bool answered_ours = closing();
  const Ending ending = ending_of(payload);
  stage_ = Stage::closing;
  end_presence(ending);
  drop_queued();
  leave_topics();
  return answered_ours;
}

void Connection::ponged() { last_sign_of_life_ = services_.seconds_now(); }

void Connection::received(const MessagePiece &piece) {
  if (closing()) return;
  const Limits &limits = services_.settings.limits;
  last_sign_of_life_ = services_.seconds_now();
  if (const auto excess =
          allowance_.spend(Rate::bytes, services_.time_now(), static_cast<double>(piece.bytes.size()))) {
    if (skipped_bytes_ == 0) refuse(piece, refusal_of(*excess));
    return close(1008, text_of(*excess));
  }
  if (skipped_bytes_ > 0) return skip(piece);
  // Compared in two steps, since the length that a client announces could overflow the sum.
  const std::size_t so_far = (unfinished_ ? unfinished_->bytes().size() : 0) + piece.bytes.size();
  if (so_far <= limits[Limit::message_bytes] && piece.announced_bytes <= limits[Limit::message_bytes] - so_far)
    return collect(piece);
  allowance_.note(Limit::message_bytes);
  refuse(piece, {"message too big", sqlstate::kProgramLimitExceeded});
  skipped_bytes_ = static_cast<std::uint32_t>(so_far - piece.bytes.size());
  skip(piece);
}

void Connection::collect(const MessagePiece &piece) {
  if (piece.last && !unfinished_) return handle_message(piece.opcode, piece.bytes);
  ConnectionRegistry &connections = registry_;
  if (!unfinished_) unfinished_ = std::make_unique<UnfinishedMessage>(connections.unfinished_messages(), *this);
  unfinished_->append(piece.bytes, piece.announced_bytes);
  if (piece.last) {
    const std::unique_ptr<const UnfinishedMessage> message = std::move(unfinished_);
    return handle_message(piece.opcode, message->bytes());
  }
  connections.give_up_messages(services_.log);
}

// A client that keeps sending refused messages is closed.
void Connection::handle_message(websocket::Opcode opcode, std::string_view message) {
  ++registry_.tally().messages_received;
  registry_.tally().bytes_received += message.size();
  const auto excess = allowance_.spend(Rate::messages, services_.time_now());
  if (!excess) return conversation_.handle(opcode, message);
  conversation_.refuse(opcode, message, refusal_of(*excess));
  if (!refusals_.acquire(kRefusals, services_.time_now())) close(1008, text_of(*excess));
}

// The beginning of a message says where the answer belongs.
void Connection::refuse(const MessagePiece &piece, const Refusal &refusal) {
  std::string beginning(unfinished_ ? std::string_view(unfinished_->bytes()).substr(0, kEnvelopeBytes) : "");
  beginning.append(piece.bytes.substr(0, kEnvelopeBytes));
  unfinished_.reset();
  conversation_.refuse(piece.opcode, beginning, refusal);
}

// Reads and drops the rest of a refused message, or closes the connection if the rest is excessive.
void Connection::skip(const MessagePiece &piece) {
  const std::size_t max_skipped = kMaxSkippedMessages * services_.settings.limits[Limit::message_bytes];
  const std::size_t so_far = skipped_bytes_ + piece.bytes.size();
  if (so_far > max_skipped || piece.announced_bytes > max_skipped - so_far) return close(1009, "message too big");
  skipped_bytes_ = piece.last ? 0 : static_cast<std::uint32_t>(std::max<std::size_t>(so_far, 1));
}

void Connection::schedule_token_check(std::chrono::sys_seconds expiry) {
  if (closing() || expiry == std::chrono::sys_seconds::max()) return;
  const seconds left = std::clamp(expiry - wall_clock(), seconds(1), seconds(1 << 30));
  const seconds due = services_.deadline_after(left);
  if (due < deadline()) services_.wheel.arm(*this, due);
}

// A connection has one deadline: does everything that is due, and sets the deadline for what comes next.
void Connection::expired(seconds now) {
  if (closing()) return socket_.abort();
  const SocketSettings &settings = services_.settings.sockets;
  check_silence(now);
  check_tokens();
  if (closing()) return;
  report_use(now);
  schedule_report_of_use(now);
  if (present_as_) schedule_token_check(present_as_->expires_at);
  schedule_token_check(conversation_.next_expiry());
  if (conversation_.is_empty()) {
    const seconds left = joined_nothing_since_ + seconds(settings.join_seconds) - now;
    if (left <= seconds(0)) return close(1001, "joined no topic");
    if (now + left < deadline()) services_.wheel.arm(*this, now + left);
  }
}

// The token of the socket itself may expire, since channels have tokens of their own; but not be revoked.
void Connection::check_tokens() {
  if (closing()) return;
  conversation_.check_tokens();
  if (closing()) return;
  if (services_.access.is_revoked(*conversation_.claims())) return close(1008, "the token has been revoked");
  if (!present_as_ || !services_.access.fault_of(*present_as_)) return;
  present_as_ = conversation_.claims_of(present_as_->user_id);
  if (!present_as_) change_user();
}

// Pings a silent client, closes one that has been silent for too long, and sets the deadline of the next check.
void Connection::check_silence(seconds now) {
  const SocketSettings &settings = services_.settings.sockets;
  const seconds silence = now - last_sign_of_life_;
  if (silence >= seconds(settings.idle_seconds)) return close(1001, "no sign of life");
  const bool asks = silence >= seconds(settings.ping_seconds);
  const unsigned max_silence = asks ? settings.idle_seconds : std::min(settings.ping_seconds, settings.idle_seconds);
  services_.wheel.arm(*this, services_.deadline_after(seconds(max_silence) - silence));
  // Browsers answer a ping even in tabs whose timers are throttled. It has a payload, since libwebsockets 4.1.6 does
  // not report an empty pong.
  if (asks) send(websocket::Frame(websocket::Opcode::ping, "alive?"));
}

} // namespace pg_live
