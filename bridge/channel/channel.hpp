// One topic that one connection has joined.
// Invariant: a channel receives only what its last check allowed, and leaves its topic when it is destroyed.
#pragma once

#include "channel/hub.hpp"
#include "channel/seam.hpp"
#include "channel/topic_batch.hpp"
#include "database/access.hpp"
#include "wire/phoenix/phoenix.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Connection;
class PresenceSeat;

// Names a channel for as long as its connection lives: a new join of the same topic is another channel.
enum class ChannelId : std::uint32_t {};

struct ChannelOptions {
  bool is_private = false;
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool takes_binary = false; // its client understands binary broadcasts; stock phoenix fails on them
};

class Channel final : public Subscriber {
 public:
  Channel(Connection &connection, Hub &hub, ChannelId id, const phoenix::Message &join, phoenix::Version version,
          ChannelOptions options, ClaimsRef claims);
  ~Channel();
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;

  ChannelId id() const { return id_; }
  Connection &connection() const { return connection_; }
  std::string_view wire_topic() const { return std::string_view(names_).substr(0, wire_topic_size_); }
  std::string_view topic() const { return phoenix::without_prefix(wire_topic()); }
  std::string_view join_ref() const { return std::string_view(names_).substr(wire_topic_size_); } // JSON text
  WireForm form() const { return form_; }
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
  PresenceSeat *seat() const { return seat_.get(); }
  void set_seat(std::unique_ptr<PresenceSeat> seat);

  // Answers a message of the client. `response` is JSON.
  void reply(std::string_view ref, phoenix::Status status, std::string_view response);
  void reply_error(std::string_view ref, std::string_view reason, std::string_view sqlstate = {});
  void send_system(phoenix::Status status, std::string_view message, std::string_view extension = "system");
  void send_push(std::string_view event, std::string_view payload);
  void send_close();                        // the client does not come back
  void send_error(std::string_view reason); // the client joins again

 private:
  Connection &connection_;
  Hub &hub_;
  std::string names_; // the wire topic and the join_ref, one behind the other: there are very many channels
  ClaimsRef claims_;
  std::unique_ptr<Seam> seam_;
  std::optional<SubscriptionId> subscription_;
  std::uint32_t wire_topic_size_;
  ChannelId id_;
  ChannelOptions options_;
  WireForm form_;
  TopicAccess access_;
  bool is_room_ = false; // what it is subscribed to
  bool joined_ = false;
  bool checks_access_ = false;
  std::unique_ptr<PresenceSeat> seat_; // leaves while the rest is still there
};

} // namespace pg_live
