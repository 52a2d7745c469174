// One topic that one client has joined, and what it needs of the client's connection.
// Invariant: a channel receives only what its last check allowed, and leaves its topic when it is destroyed.
#pragma once

#include "base/uuid.hpp"
#include "channel/channel_id.hpp"
#include "channel/seam.hpp"
#include "channel/topic_batch.hpp"
#include "channel/topic_table.hpp"
#include "database/access.hpp"
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

// The channels that a client has joined. Conversation is these.
class Channels {
 public:
  virtual ~Channels() = default;

  // Null if the channel is gone.
  virtual Channel *find(ChannelId id) const = 0;

  // Takes a channel away without a word.
  virtual void remove(ChannelId id) = 0;

  // Ends a channel that has lost its access; or asks the database whether it has; or lets the client join again.
  virtual void revoke(ChannelId id) = 0;
  virtual void check_again(ChannelId id) = 0;
  virtual void let_rejoin(ChannelId id, std::string_view reason) = 0;

  // A join was answered: with success, or with an error. What came right behind it is done now.
  virtual void take_early(ChannelId id) = 0;
  virtual void give_up_join(ChannelId id) = 0;

  // Whether a channel of that topic was told of presence and left a moment ago. What it was told meanwhile, the client
  // may take for news of the channel it joins now: diffs carry nothing that tells the two apart.
  virtual bool told_lately(std::string_view wire_topic) const = 0;
};

// A connection, as its channels and all that happens on them see it. Connection is one.
class Client : public std::enable_shared_from_this<Client> {
 public:
  virtual ~Client() = default;

  virtual std::uint64_t id() const = 0;
  virtual const Codec &codec() const = 0; // of the protocol that the client speaks
  virtual Channels &channels() = 0;
  virtual bool closing() const = 0;

  // Sends frames, at once if nothing waits.
  virtual void send(const websocket::Frame &frame) = 0;

  // Queues a frame that leaves with others in one write, at the next Hub::flush().
  virtual void send_later(const websocket::Frame &frame) = 0;
  virtual void flush() = 0;

  // How many bytes may wait, and what happens when more do: the client can come back and resume.
  virtual std::size_t queue_limit() const = 0;
  virtual void close_slow() = 0;

  // The stream of events has waited for this connection long enough and does not wait any more.
  virtual void exempt() = 0;

  // Whether a frame of any size could be sent now without counting as a slow reader.
  virtual bool is_drained() const = 0;

  // Calls back once when nothing waits to be sent, one after another: for senders that have more than fits the queue.
  // Dropped when the connection closes.
  virtual void when_drained(std::function<void()> continue_sending) = 0;

  // What the database knows the connection by; and the same for what it tracks.
  virtual const Uuid &presence_id() const = 0;
  virtual const Uuid &tracking_id() = 0;

  // Presence: the user of a token that the client gave is there as long as the connection is open and the token, or
  // another of that user here, is good. A token of another user takes over when there is no good one of the first.
  // Anything that the client says beyond a sign of life shows that the user is at it.
  virtual void speak_for(const ClaimsRef &claims) = 0;
  virtual void note_use() = 0;
  virtual void note_idle() = 0;       // the client says that the user is not at it
  virtual void resume_presence() = 0; // the user says how to be shown, perhaps after having ended the connection

  // The last topic was left: the time to join another starts.
  virtual void note_no_topics() = 0;

  // Makes sure that expired tokens are looked for at that time.
  virtual void schedule_token_check(std::chrono::sys_seconds expiry) = 0;
};

// The place of a channel in the presence of its topic, left when destroyed. Derive from it.
class Seat {
 public:
  virtual ~Seat() = default;

  // Whether the channel was told who is there.
  virtual bool told() const = 0;
};

struct ChannelOptions {
  bool is_private = false;
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool takes_binary = false; // its client understands binary broadcasts
};

class Channel final : public Subscriber {
 public:
  Channel(Client &client, TopicTable &topics, ChannelId id, const Message &join, ChannelOptions options,
          ClaimsRef claims);
  ~Channel();
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;

  ChannelId id() const { return id_; }
  Client &client() const { return client_; }
  std::string_view wire_topic() const { return std::string_view(names_).substr(0, wire_topic_size_); }
  std::string_view topic() const { return wire_topic().substr(topic_offset_); }
  std::string_view join_ref() const {
    return std::string_view(names_).substr(wire_topic_size_);
  } // as the client wrote it
  WireForm form() const { return {&client_.codec(), naming_}; }
  const ChannelOptions &options() const { return options_; }

  // On whose behalf it receives and sends.
  const ClaimsRef &claims() const { return claims_; }
  void set_claims(ClaimsRef claims) { claims_ = std::move(claims); }

  bool joined() const { return joined_; }
  void set_joined() { joined_ = true; }

  TopicAccess access() const { return access_; }
  void set_access(TopicAccess access) {
    access_ = access;
    checks_access_ = false;
  }
  // Whether access() may be out of date: it is being asked for, for other claims perhaps.
  bool checks_access() const { return checks_access_; }
  void begin_access_check() { checks_access_ = true; }

  // Either the events of the database or, where it has no rule for the name, the broadcasts of other clients: never
  // both, so that nobody takes what a client made for what the database says.
  void follow_topic();
  void enter_room();
  bool in_room() const { return is_room_; }
  void leave_topic();

  // Whether this channel is the room of its name, rather than the database's topic.
  bool is_for_room(const Settings &settings, TopicAccess access) const {
    return settings.public_channels && !options_.is_private && access.is_open_room;
  }

  // From the hub. `alone`: nothing else of this batch goes to this connection, so it is written at once.
  void deliver(const TopicBatch &batch, bool alone);

  // The seam is made when asked for; settle() gives it back when it has nothing more to do.
  Seam &seam();
  Seam::Send seam_output();
  void settle_seam();

  // Null until presence is enabled, or something is tracked.
  Seat *seat() const { return seat_.get(); }
  void set_seat(std::unique_ptr<Seat> seat) { seat_ = std::move(seat); }

  // Answers a message of the client. `response` is JSON.
  void reply(std::string_view ref, Status status, std::string_view response);
  void reply_error(std::string_view ref, std::string_view reason, std::string_view sqlstate = {});
  void send_system(Status status, std::string_view message, std::string_view extension = "system");
  void send_close();                        // the client does not come back
  void send_error(std::string_view reason); // the client joins again

 private:
  Address address() const { return {join_ref(), wire_topic()}; }

  Client &client_;
  TopicTable &topics_;
  std::string names_; // the wire topic and the join_ref, one behind the other: there are very many channels
  ClaimsRef claims_;
  std::unique_ptr<Seam> seam_;
  std::optional<SubscriptionId> subscription_;
  std::uint32_t wire_topic_size_;
  ChannelId id_;
  ChannelOptions options_;
  Naming naming_;
  std::uint8_t topic_offset_; // in the wire topic, whose end the topic is
  TopicAccess access_;
  bool is_room_ = false; // what it is subscribed to
  bool joined_ = false;
  bool checks_access_ = false;
  std::unique_ptr<Seat> seat_; // leaves while the rest is still there
};

} // namespace pg_live
