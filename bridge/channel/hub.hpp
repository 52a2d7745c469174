// From events to subscribers: walks the topic table for each batch and lets every channel have its frames.
// Invariants: topics of the database and rooms between clients are separate even under one name; per topic, events
// leave in the order they came; no connection ends while the table is walked, those that must are ended afterwards.
#pragma once

#include "channel/revocation_counts.hpp"
#include "channel/topic_table.hpp"
#include "wire/live_event.hpp"
#include "wire/wire_form.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pg_live {

class Channel;
enum class ChannelId : std::uint32_t;
class Connection;
class TopicBatch;

class Hub final : public EventReceiver {
 public:
  SubscriptionId follow_topic(std::string_view topic, Channel &channel);
  // The channels that follow a topic of the database now.
  std::vector<Channel *> followers(std::string_view topic) const;
  SubscriptionId enter_room(std::string_view topic, Channel &channel);
  void leave(SubscriptionId subscription) { table_.unsubscribe(subscription); }

  void begin() override { internal_->stream_began(); }
  void deliver(std::span<const LiveEvent> events) override;

  // Who is told of events on topics that begin with $; outlives the hub's last event.
  void set_internal(InternalReceiver &internal) { internal_ = &internal; }
  void caught_up() override { internal_->stream_caught_up(); }
  void start_over(std::string_view reason) override;

  // Whether no connection has much waiting to be sent.
  bool keeps_up() const override { return behind_.empty(); }
  void give_up_waiting() override;
  void note_behind(Connection &connection) { behind_.push_back(&connection); }
  void forget_behind(Connection &connection) { std::erase(behind_, &connection); }

  // Gives a broadcast to the members of a room of clients, `except` for one if not null.
  void broadcast(std::string_view topic, const phoenix::Broadcast &broadcast, const Channel *except);

  // How often access to the topic was taken away from the user so far. A join that saw it grow meanwhile may have asked
  // too early, and asks again.
  RevocationMark revocations(std::string_view topic, std::string_view user_id) const {
    return revocations_.at(topic, user_id);
  }

  // Connections that have queued frames and not written them; flush() lets them. deliver() ends with it.
  void note_unsent(Connection &connection) { unsent_.push_back(&connection); }
  void forget_unsent(Connection &connection) { std::erase(unsent_, &connection); }
  void flush();

  std::size_t topics() const { return table_.topics(); }
  std::size_t subscriptions() const { return table_.subscriptions(); }

 private:
  void deliver_topic(const TopicBatch &batch, bool alone);
  void take_revocation(const LiveEvent &event);
  std::vector<TopicId> topics_matching(std::string_view pattern) const;
  std::vector<std::pair<std::weak_ptr<Connection>, ChannelId>> channels_on(const std::string &pattern,
                                                                           const std::string *user_id) const;

  InternalReceiver *internal_ = nullptr;
  TopicTable table_;
  std::vector<Connection *> unsent_;
  RevocationCounts revocations_;
  std::vector<Connection *> behind_; // connections with much waiting
};

} // namespace pg_live
