// Delivers events to channels: walks the topic table for each batch and gives every subscribed channel its frames.
// Invariants: a topic of the database and a room of clients are separate even under one name; per topic, events leave
// in the order they came; no connection ends while the table is walked, those that must end do so afterwards.
#pragma once

#include "channel/channel.hpp"
#include "channel/revocation_counts.hpp"
#include "channel/topic_table.hpp"
#include "metrics/event_tally.hpp"
#include "wire/live_event.hpp"
#include "wire/message.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pg_live {

class Hub final : public EventReceiver {
 public:
  // The subscriptions to topics of the database and to rooms of clients. Channels subscribe themselves.
  TopicTable &table() { return table_; }

  // The channels that follow a topic of the database now.
  std::vector<Channel *> followers(std::string_view topic) const;

  void begin() override { internal_->stream_began(); }
  void deliver(std::span<const LiveEvent> events) override;

  // Sets the receiver of events on topics that begin with $. It must outlive the hub's last event.
  void set_internal(InternalReceiver &internal) { internal_ = &internal; }

  // Null: nobody looks.
  void set_observer(EventObserver *observer) { observer_ = observer; }
  void caught_up() override { internal_->stream_caught_up(); }
  void start_over(std::string_view reason) override;

  // Whether no connection has much waiting to be sent.
  bool keeps_up() const override { return behind_.empty(); }
  void give_up_waiting() override;
  void note_behind(Client &client) { behind_.push_back(&client); }
  void forget_behind(Client &client) { std::erase(behind_, &client); }

  // Sends a broadcast to the channels in a room of clients, but not to `except` unless it is null.
  void broadcast(std::string_view topic, const Broadcast &broadcast, const Channel *except);

  // The count of revocations so far that concern the user and the topic. A join compares it before and after its access
  // check, and checks again if it changed.
  RevocationMark revocations(std::string_view topic, std::string_view user_id) const {
    return revocations_.at(topic, user_id);
  }

  // Connections with queued frames that flush() writes. deliver() ends with it.
  void note_unsent(Client &client) { unsent_.push_back(&client); }
  void forget_unsent(Client &client) { std::erase(unsent_, &client); }
  void flush();

  std::size_t topics() const { return table_.topics(); }
  std::size_t subscriptions() const { return table_.subscriptions(); }
  // The topics and rooms with the most channels, at most `count`, with their numbers of channels. O(topics).
  std::vector<std::pair<std::string_view, std::size_t>> largest_topics(std::size_t count) const;
  std::size_t clients_behind() const { return behind_.size(); }
  // The last event that was given to its channels; nothing: none yet.
  std::optional<Position> delivered() const { return delivered_; }

  const EventTally &tally() const { return tally_; }

 private:
  void deliver_topic(const TopicBatch &batch, WriteTime time);
  void revoke(const LiveEvent &event);
  std::vector<TopicId> topics_matching(std::string_view pattern) const;
  std::vector<ChannelRef> channels_on(const std::string &pattern, const std::string *user_id) const;

  InternalReceiver *internal_ = nullptr;
  EventObserver *observer_ = nullptr;
  TopicTable table_;
  std::vector<Client *> unsent_;
  RevocationCounts revocations_;
  std::vector<Client *> behind_; // connections that keep the stream waiting
  std::optional<Position> delivered_;
  EventTally tally_;
};

} // namespace pg_live
