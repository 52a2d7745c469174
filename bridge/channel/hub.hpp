// From events to subscribers: walks the topic table for each batch and lets every channel have its frames.
// Invariants: topics of the database and rooms between clients are separate even under one name; per topic, events
// leave in the order they came; no connection ends while the table is walked, those that must are ended afterwards.
#pragma once

#include "channel/channel.hpp"
#include "channel/revocation_counts.hpp"
#include "channel/topic_table.hpp"
#include "wire/live_event.hpp"
#include "wire/message.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pg_live {

class Hub final : public EventReceiver {
 public:
  // Who follows which topic of the database, and who is in which room of clients. Channels subscribe themselves.
  TopicTable &table() { return table_; }

  // The channels that follow a topic of the database now.
  std::vector<Channel *> followers(std::string_view topic) const;

  void begin() override { internal_->stream_began(); }
  void deliver(std::span<const LiveEvent> events) override;

  // Who is told of events on topics that begin with $; outlives the hub's last event.
  void set_internal(InternalReceiver &internal) { internal_ = &internal; }
  void caught_up() override { internal_->stream_caught_up(); }
  void start_over(std::string_view reason) override;

  // Whether no connection has much waiting to be sent.
  bool keeps_up() const override { return behind_.empty(); }
  void give_up_waiting() override;
  void note_behind(Client &client) { behind_.push_back(&client); }
  void forget_behind(Client &client) { std::erase(behind_, &client); }

  // Gives a broadcast to the members of a room of clients, `except` for one if not null.
  void broadcast(std::string_view topic, const Broadcast &broadcast, const Channel *except);

  // How often access to the topic was taken away from the user so far. A join that saw it grow meanwhile may have asked
  // too early, and asks again.
  RevocationMark revocations(std::string_view topic, std::string_view user_id) const {
    return revocations_.at(topic, user_id);
  }

  // Connections that have queued frames and not written them; flush() lets them. deliver() ends with it.
  void note_unsent(Client &client) { unsent_.push_back(&client); }
  void forget_unsent(Client &client) { std::erase(unsent_, &client); }
  void flush();

  std::size_t topics() const { return table_.topics(); }
  std::size_t subscriptions() const { return table_.subscriptions(); }

 private:
  void deliver_topic(const TopicBatch &batch, bool alone);
  void take_revocation(const LiveEvent &event);
  std::vector<TopicId> topics_matching(std::string_view pattern) const;
  std::vector<std::pair<std::weak_ptr<Client>, ChannelId>> channels_on(const std::string &pattern,
                                                                       const std::string *user_id) const;

  InternalReceiver *internal_ = nullptr;
  TopicTable table_;
  std::vector<Client *> unsent_;
  RevocationCounts revocations_;
  std::vector<Client *> behind_; // connections with much waiting
};

} // namespace pg_live
