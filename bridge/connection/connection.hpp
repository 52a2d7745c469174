// One WebSocket of a client: its send queue, its limits, its presence and its end.
// Invariants: bytes are written only when nothing is partly sent, else they wait in a bounded queue; after close() only
// the close frame is sent; every reason to end goes through close(), or abort() if the socket is broken.
#pragma once

#include "base/rate_limit.hpp"
#include "base/uuid.hpp"
#include "connection/connection_registry.hpp"
#include "connection/server.hpp"
#include "conversation/conversation.hpp"
#include "conversation/conversation_services.hpp"
#include "identity/device_type.hpp"
#include "limits/limiter.hpp"
#include "wire/send_queue.hpp"

#include <forward_list>
#include <memory>
#include <string>

namespace pg_live {

class Connection final : public SocketHandler, public Timer, public RegisteredConnection {
 public:
  // Where the socket comes from, as its request says.
  struct Origin {
    bool is_page = false; // a browser's page, not a program
    DeviceType device_type = DeviceType::other;
  };

  Connection(ConversationServices &services, ConnectionRegistry &registry, Allowance allowance, ClaimsRef claims,
             const Codec &codec, std::uint64_t id, Origin origin);
  ~Connection() override;

  std::uint64_t id() const override { return id_; }
  const Codec &codec() const override { return conversation_.codec(); }
  std::string address() const override { return text_of_client_key(allowance_.address_key()); }
  Channels &channels() override { return conversation_; }
  Allowance &allowance() override { return allowance_; }
  bool closing() const override { return stage_ == Stage::closing || stage_ == Stage::closed; }

  void send(const websocket::Frame &frame) override;
  void send_later(const websocket::Frame &frame) override;
  void flush() override;
  const std::string &user_id() const override { return conversation_.claims()->user_id; }
  std::size_t queued_bytes() const override { return queue_.bytes(); }
  std::size_t queue_limit() const override { return services_.settings.limits[Limit::queue_bytes]; }
  void close_slow() override;
  void exempt() override;
  bool is_drained() const override { return queue_.empty() && socket_.can_write(); }
  void when_drained(std::function<void()> continue_sending) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void leave_topics() override;
  void note_no_topics() override { joined_nothing_since_ = services_.seconds_now(); }

  const Uuid &presence_id() const override { return presence_id_; }
  void note_tracking() override;
  void speak_for(const ClaimsRef &claims) override;
  void note_use() override;
  void note_idle() override;
  void assert_presence() override;
  void check_tokens() override;
  void note_going_offline() override;
  void resume_presence() override;
  void schedule_token_check(std::chrono::sys_seconds expiry) override;

 private:
  // Of the socket.
  enum class Stage : unsigned char {
    arriving,
    open,
    closing, // only a close frame is sent, and nothing is read
    closed,
  };

  // How the client reads what is sent.
  enum class Reader : unsigned char {
    keeps_up,
    behind, // its queue is long: registered with the hub, and the stream waits for it
    exempt, // its queue is long, but the stream no longer waits for it
  };

  // What this connection asserts in the database.
  enum class Assertion : unsigned char {
    none,
    present,       // that its user is present, or members that it tracks in channels
    ended_by_user, // as present, but its user went offline while the socket stays open
  };

  using CompactSeconds = std::chrono::duration<std::uint32_t>; // of seconds_now(): there are very many connections

  bool has_socket() const { return stage_ == Stage::open || stage_ == Stage::closing; }

  void opened(Socket socket) override;
  void received(const MessagePiece &piece) override;
  void ponged() override;
  void writable() override;
  bool peer_closes(std::string_view payload) override;
  void closed() override;
  void expired(std::chrono::seconds now) override;

  void collect(const MessagePiece &piece);
  void handle_message(websocket::Opcode opcode, std::string_view message);
  void refuse(const MessagePiece &piece, const Refusal &refusal);
  void skip(const MessagePiece &piece);
  void write(const websocket::Frame &frame);
  void let_senders_continue();
  void abort();
  void leave_topics_soon();
  bool enqueue(const websocket::Frame &frame); // false if the queue is full
  void drop_queued();
  void queue_changed();
  Ending ending_of(std::string_view close_payload) const;
  void change_user();
  void end_presence(Ending ending);
  void change_presence_id();
  void report_use(std::chrono::seconds now);
  void schedule_report_of_use(std::chrono::seconds now); // no later than it is to be reported
  void check_silence(std::chrono::seconds now);

  ConversationServices &services_;
  ConnectionRegistry &registry_;
  Allowance allowance_;
  std::uint64_t id_;
  Socket socket_;
  Conversation conversation_;
  SendQueue queue_;
  std::forward_list<std::function<void()>> waiting_senders_;
  std::unique_ptr<UnfinishedMessage> unfinished_;
  TokenBucket refusals_; // of messages beyond the rates
  CompactSeconds last_sign_of_life_;
  CompactSeconds joined_nothing_since_;
  CompactSeconds reported_use_{0};
  CompactSeconds unreported_use_{0}; // the last use since reported_use_; 0: none
  Uuid presence_id_ = Uuid::random();
  ClaimsRef present_as_;            // null: no user is
  std::uint32_t skipped_bytes_ = 0; // of a refused message that has not ended; 0: none
  Origin origin_;
  Stage stage_ = Stage::arriving;
  Reader reader_ = Reader::keeps_up;
  Assertion assertion_ = Assertion::none;
  bool chose_presence_ = false; // by presence:update, at any time
  bool unsent_ = false;         // registered with the hub: frames wait for Hub::flush()
};

} // namespace pg_live
