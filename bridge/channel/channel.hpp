// A topic that a client has joined, and the interfaces through which it uses the client's connection.
// Invariant: a channel receives only what its last access check allowed, and unsubscribes when it is destroyed.
#pragma once

#include "base/uuid.hpp"
#include "channel/channel_id.hpp"
#include "channel/seam.hpp"
#include "channel/topic_batch.hpp"
#include "channel/topic_table.hpp"
#include "database/access.hpp"
#include "limits/limiter.hpp"
#include "wire/codec.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Channel;
class Client;

// A channel that may end before it is used again, as when an answer of the database comes.
struct ChannelRef {
  std::weak_ptr<Client> client;
  ChannelId id;

  // The channel, and for that long its client; null if either is gone.
  std::shared_ptr<Channel> find() const;
};

// The channels that a client has joined. Implemented by Conversation.
class Channels {
 public:
  virtual ~Channels() = default;

  // Null if the channel has ended.
  virtual Channel *find(ChannelId id) const = 0;

  // Removes a channel without a message to the client.
  virtual void remove(ChannelId id) = 0;

  // Ends a channel that has lost its access; asks the database whether it has; or makes the client join again.
  virtual void revoke(ChannelId id) = 0;
  virtual void check_again(ChannelId id) = 0;
  virtual void end_for_rejoin(ChannelId id, std::string_view reason) = 0;

  // A join was answered, with success or with an error: handles the messages that were buffered until then.
  virtual void handle_early(ChannelId id) = 0;
  virtual void give_up_join(ChannelId id) = 0;

  // Whether a channel of that topic, which received presence, was left a moment ago. The client may apply diffs sent to
  // that channel to the one it joins now, since a diff does not name its channel.
  virtual bool had_state_lately(std::string_view wire_topic) const = 0;
};

// A connection as its channels see it. Implemented by Connection.
class Client : public std::enable_shared_from_this<Client> {
 public:
  virtual ~Client() = default;

  virtual std::uint64_t id() const = 0;
  virtual const Codec &codec() const = 0;  // of the protocol that the client speaks
  virtual std::string address() const = 0; // as text; of IPv6 the network of 64 bits
  virtual Channels &channels() = 0;
  virtual bool closing() const = 0;

  // What the connection may use. Commands without a user are shared out by its address.
  virtual Allowance &allowance() = 0;

  // Sends frames, at once if nothing waits.
  virtual void send(const websocket::Frame &frame) = 0;

  // Queues a frame that leaves with others in one write, at the next Hub::flush().
  virtual void send_later(const websocket::Frame &frame) = 0;
  virtual void flush() = 0;

  // How many bytes may wait, and closing the connection when more do: the client can reconnect and resume.
  virtual std::size_t queue_limit() const = 0;
  virtual void close_slow() = 0;

  // The stream of events stops waiting for this connection until it has read everything.
  virtual void exempt() = 0;

  // Whether nothing waits, so that a frame of any size can be sent without closing the connection as a slow reader.
  virtual bool is_drained() const = 0;

  // Calls back once nothing waits to be sent, in the order of the calls: for senders with more than fits the queue. The
  // callback is dropped when the connection closes.
  virtual void when_drained(std::function<void()> continue_sending) = 0;

  // The id of the connection in the database, and that members of its channels are asserted under it.
  virtual const Uuid &presence_id() const = 0;
  virtual void note_tracking() = 0;

  // Presence: the user of a token is present while the connection is open and that token, or another one of the same
  // user on this connection, is valid. A token of another user takes over when none of the first user is valid.
  // Every message but a sign of life counts as use of the connection.
  virtual void speak_for(const ClaimsRef &claims) = 0;
  virtual void note_use() = 0;
  virtual void note_idle() = 0;       // the client reports that its user is inactive
  virtual void resume_presence() = 0; // the user chooses a presence, perhaps after having gone offline

  // The last topic was left: starts the time in which the client must join another.
  virtual void note_no_topics() = 0;

  // Checks for expired tokens at that time, or earlier.
  virtual void schedule_token_check(std::chrono::sys_seconds expiry) = 0;
};

// When a batch is written to a connection: at once, if it has nothing else for that connection, or with the other
// batches at the next Hub::flush().
enum class WriteTime : unsigned char { now, at_flush };

// The place of a channel in the presence of its topic; destroying it leaves. Derive from it.
class Seat {
 public:
  virtual ~Seat() = default;

  // Whether the channel was sent the presence state.
  virtual bool has_state() const = 0;
};

// What a channel keeps for the session of its topic; destroying it ends that. Derive from it.
class Attendance {
 public:
  virtual ~Attendance() = default;

  // The connection has another id or another user, or is present again.
  virtual void check() = 0;
};

struct ChannelOptions {
  bool is_private = false;
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool accepts_binary = false; // its client understands binary broadcasts
};

// Whether a channel or a message may be in the room of clients under its name. It is if no rule of the database covers
// the name: TopicAccess::is_open_room.
template <typename ChannelOrMessage>
bool may_be_in_room(const Settings &settings, const ChannelOrMessage &item) {
  return settings.public_channels && !item.is_private;
}

class Channel final : public Subscriber {
 public:
  Channel(Client &client, TopicTable &topics, ChannelId id, const Message &join, ChannelOptions options,
          ClaimsRef claims);
  ~Channel();
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;

  ChannelId id() const { return id_; }
  ChannelRef ref() const { return {client_.weak_from_this(), id_}; }
  Client &client() const { return client_; }
  std::string_view wire_topic() const { return std::string_view(names_).substr(0, wire_topic_size_); }
  std::string_view topic() const { return wire_topic().substr(topic_offset_); }
  std::string_view join_ref() const {
    return std::string_view(names_).substr(wire_topic_size_);
  } // as the client wrote it
  WireForm form() const { return {&client_.codec(), naming_}; }
  const ChannelOptions &options() const { return options_; }

  // The claims with which it receives and sends.
  const ClaimsRef &claims() const { return claims_; }
  void set_claims(ClaimsRef claims) { claims_ = std::move(claims); }

  // A command to the database as its user.
  Command command(std::string_view sql, std::string_view name = Command().name) const;

  bool joined() const { return joined_; }
  void set_joined() { joined_ = true; }

  TopicAccess access() const { return access_; }
  void set_access(TopicAccess access) {
    access_ = access;
    checks_access_ = false;
  }
  // Whether access() may be out of date, since a check is on its way.
  bool checks_access() const { return checks_access_; }
  void begin_access_check() { checks_access_ = true; }

  // Subscribes to the events of the database or, for a name without a rule, to the broadcasts of other clients. Never
  // to both, so that a client's broadcast cannot pass for an event of the database.
  void follow_topic();
  void enter_room();
  bool in_room() const { return is_room_; }
  void leave_topic();

  // Whether this channel belongs to the room of its name rather than to the topic of the database.
  bool is_for_room(const Settings &settings, TopicAccess access) const {
    return may_be_in_room(settings, options_) && access.is_open_room;
  }

  // Sends the events of a batch, through the seam if there is one.
  void deliver(const TopicBatch &batch, WriteTime time);

  // The seam is created on first use; settle_seam() frees it once it is done.
  Seam &seam();
  Seam::Send seam_output();
  void settle_seam();

  // Null until the client enables presence or tracks something.
  Seat *seat() const { return seat_.get(); }
  void set_seat(std::unique_ptr<Seat> seat) { seat_ = std::move(seat); }

  // Null unless its topic is that of a session.
  Attendance *attendance() const { return attendance_.get(); }
  void set_attendance(std::unique_ptr<Attendance> attendance) { attendance_ = std::move(attendance); }

  // Answers a message of the client. `response` is JSON.
  void reply(std::string_view ref, Status status, std::string_view response);
  void reply_error(std::string_view ref, std::string_view reason, std::string_view sqlstate = {});
  void send_system(Status status, std::string_view message, std::string_view extension = "system");
  void send_close();                        // the client does not join again
  void send_error(std::string_view reason); // the client joins again

 private:
  Address address() const { return {join_ref(), wire_topic()}; }

  Client &client_;
  TopicTable &topics_;
  std::string names_; // the wire topic followed by the join_ref: one allocation, as there are very many channels
  ClaimsRef claims_;
  std::unique_ptr<Seam> seam_;
  std::optional<SubscriptionId> subscription_;
  std::uint32_t wire_topic_size_;
  ChannelId id_;
  ChannelOptions options_;
  Naming naming_;
  std::uint8_t topic_offset_; // where the topic begins in the wire topic
  TopicAccess access_;
  bool is_room_ = false; // whether subscription_ is to the room
  bool joined_ = false;
  bool checks_access_ = false;
  // Last: destroying these uses the other members.
  std::unique_ptr<Seat> seat_;
  std::unique_ptr<Attendance> attendance_;
};

} // namespace pg_live
